"""Nothing happens unseen: what each use case leaves in the audit trail, over the same long day."""

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import application
from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application import (
    access,
    api_keys,
    audit,
    audit_verification,
    catalogue,
    claims,
    deliveries,
    email_codes,
    events,
    factor_proofs,
    gauges,
    invitations,
    mail,
    memberships,
    organizations,
    passkeys,
    passwords,
    refusals,
    relaying,
    retention,
    retrying,
    rewrapping,
    roles,
    second_factors,
    sequencing,
    service_accounts,
    sessions,
    signing_keys,
    sweep,
    totp,
    trusted_devices,
    webhooks,
)
from application.occasion import occasioned
from domain.access import SessionRequired
from domain.attempts import TooManyAttempts
from domain.audit import INSTALLATION, AuditEntry, ChainId, Occasion, Outcome
from domain.kernel import AccountId, ApiKeyId, DomainError, NotFound, OrganizationId
from domain.passkeys import PasskeyWrong
from domain.passwords import WrongPassword
from domain.second_factors import FactorWrong
from domain.sessions import InvalidCredentials
from tests.application.test_discipline import a_long_day
from tests.application.world import ADA, ELSEWHERE, EVE, HOME, PASSWORD, World
from tests.builders import NOON

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit-entries.md"
SOMEBODY = AccountId(UUID(int=77))
CALLED = Occasion(client=ELSEWHERE, request_id="of-a-day")
CALLED_BY_SOMEBODY = Occasion(
    actor_id=SOMEBODY, principal_id=SOMEBODY, key_id=ApiKeyId(UUID(int=78)), client=ELSEWHERE, request_id="of-a-day"
)


def new_entries(world: World, act: Callable[[], object]) -> tuple[list[AuditEntry], DomainError | None]:
    before, refusal = {entry.id for entry in world.entries()}, None
    try:
        act()
    except DomainError as error:
        refusal = error
    return [entry for entry in world.entries() if entry.id not in before], refusal


@pytest.mark.parametrize("occasion", [CALLED, CALLED_BY_SOMEBODY], ids=["by a stranger", "by somebody"])
def test_every_step_leaves_the_entries_that_it_must_and_no_other(world: World, occasion: Occasion) -> None:
    with occasioned(occasion):
        for name, act in a_long_day(world):
            events_before = {event.id for event in world.events()}
            entries, refusal = new_entries(world, act)
            told = [event for event in world.events() if event.id not in events_before]
            of_events = Counter((event.name, event.aggregate_id, event.at) for event in told)
            done = [entry for entry in entries if entry.outcome is Outcome.SUCCEEDED]
            refused = [entry for entry in entries if entry.outcome is Outcome.REFUSED]
            noted = Counter((entry.action, entry.target_id, entry.at) for entry in done)
            if name.startswith("*"):
                assert not told, name
                assert len(done) == 1, name
            else:
                assert noted == of_events, name
            assert all(entry.code is None for entry in done), name
            matters = name.startswith("!") or isinstance(refusal, FactorWrong | PasskeyWrong)
            assert {entry.code for entry in refused} == ({refusal.code} if matters and refusal else set()), name
            assert all("." not in entry.action for entry in refused), name
            for entry in entries:
                assert_the_occasion_is_kept(entry, occasion)


def assert_the_occasion_is_kept(entry: AuditEntry, occasion: Occasion) -> None:
    assert entry.request_id == occasion.request_id
    assert entry.key_id == occasion.key_id
    assert entry.personal
    assert (entry.personal.network, entry.personal.user_agent) == (ELSEWHERE.network, ELSEWHERE.user_agent)
    if occasion.actor_id:
        assert (entry.actor_id, entry.principal_id) == (occasion.actor_id, occasion.principal_id)
    elif entry.outcome is Outcome.REFUSED:
        assert entry.actor_id is None
    else:
        account_id = entry.details.get("account_id") or entry.details.get("owner_id")
        assert entry.actor_id in (None, entry.target_id) or str(entry.actor_id) == account_id


def test_no_entry_holds_an_address_or_a_secret(world: World) -> None:
    with occasioned(CALLED):
        for _, act in a_long_day(world):
            with suppress(DomainError):
                act()
    told = repr([entry.without_personal() for entry in world.entries()])
    secret = [PASSWORD, *(mail.values.get("token", PASSWORD) for mail in world.mailer.sent)]
    for held in ("@", ELSEWHERE.network, ELSEWHERE.user_agent, HOME.network, "ptr_", "ptd_", "pti_", "ptc_", *secret):
        assert held not in told


def test_what_has_an_entry_and_no_event_is_documented(world: World) -> None:
    with occasioned(CALLED):
        for _, act in a_long_day(world):
            with suppress(DomainError):
                act()
    documented = re.findall(r"^\| `([a-z_]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    told = {entry.action for entry in world.entries() if "." not in entry.action}
    assert told | {"rewrap_factors", "rewrap_webhooks"} == set(documented)


# ---- every use case

PART = "A part of use cases, which leave the entries."
READ = "Shows what is the caller's own, or what their role lets them see, and changes nothing."
OF_STRANGERS = "Anybody may ask for a mail, for any address: only what the mail leads to is told."
UNPROVED = "What was begun counts for nothing until it is proved; then it is told."
OVER = "Removes what is over: that it expired was plain from the beginning, and has no event."

NO_ENTRY: dict[type, str] = {
    **dict.fromkeys(
        (
            access.Authenticate,
            access.CheckAccess,
            access.CheckAccessOfMany,
            api_keys.ListPersonalKeys,
            api_keys.ListServiceKeys,
            audit.ListAllAuditEntries,
            audit.ListAuditEntries,
            audit_verification.VerifyAudit,
            catalogue.PlanCatalogue,
            deliveries.ListDeliveries,
            events.FollowEvents,
            gauges.ReadGauges,
            invitations.ListInvitations,
            invitations.ListMyInvitations,
            memberships.ListMembers,
            organizations.ListOrganizations,
            organizations.ShowOrganization,
            passkeys.ListPasskeys,
            roles.ListRoles,
            roles.ShowCatalogue,
            second_factors.ShowFactors,
            service_accounts.ListServiceAccounts,
            sessions.EnterOrganization,
            sessions.ListSessions,
            signing_keys.ListKeys,
            signing_keys.PublishKeys,
            trusted_devices.ListTrustedDevices,
            webhooks.ListWebhooks,
            webhooks.ShowWebhook,
        ),
        READ,
    ),
    **dict.fromkeys(
        (
            api_keys.IssueApiKey,
            events.LookForNews,
            factor_proofs.ProveFactor,
            mail.ComposeMail,
            passwords.JudgePassword,
            passwords.ProvePassword,
            retrying.Retrying,
            sessions.IssueTokens,
            signing_keys.MakeKey,
        ),
        PART,
    ),
    **dict.fromkeys(
        (claims.ResendVerification, email_codes.RequestEmailCode, passwords.RequestPasswordReset), OF_STRANGERS
    ),
    **dict.fromkeys((passkeys.BeginPasskey, passkeys.BeginPasskeySignIn, totp.BeginTotp), UNPROVED),
    **dict.fromkeys((retention.ForgetEntries, retention.ForgetEvents, sweep.Sweep), OVER),
    mail.SendQueuedMail: "What caused the mail was told; the queue keeps that it was sent.",
    relaying.RelayWebhooks: "What it sends stands in the log of the webhook; that it switches one off is told.",
    sequencing.Sequencer: "Gives entries their order and seal: its own would never end.",
}
SHOWN_BELOW = {refusals.RecordRefusal, rewrapping.RewrapFactors, rewrapping.RewrapWebhooks, signing_keys.RewrapKeys}


def use_cases() -> Iterator[type]:
    """Every class of the application that can be called."""
    for module in pkgutil.walk_packages(application.__path__, "application."):
        if module.name.startswith("application.ports"):
            continue
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if found.__module__ == module.name and "__call__" in vars(found):
                yield found


class Noticed:
    """A use case, and whether any call of it left an entry."""

    def __init__(self, use_case: Any, world: World, seen: set[type]) -> None:
        self.use_case, self.world, self.seen = use_case, world, seen

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = len(self.world.entries())
        try:
            result = self.use_case(*args, **kwargs)
            return iter(list(result)) if inspect.isgenerator(result) else result
        finally:
            if len(self.world.entries()) > before:
                self.seen.add(type(self.use_case))


def test_every_use_case_leaves_an_entry_on_such_a_day_or_says_why_not(world: World) -> None:
    seen: set[type] = set()
    classes = set(use_cases())
    for name, found in vars(world).items():
        if type(found) in classes:
            setattr(world, name, Noticed(found, world, seen))
    with occasioned(CALLED):
        for _, act in a_long_day(world):
            with suppress(DomainError):
                act()
    assert {found.__name__ for found in classes - seen - NO_ENTRY.keys() - SHOWN_BELOW} == set()
    assert NO_ENTRY.keys() <= classes
    assert NO_ENTRY.keys() & seen == set()


def test_sealing_secrets_anew_leaves_an_entry_for_each() -> None:
    old, new = SecretKeys("the old secret"), SecretKeys("the new secret", ["the old secret"])
    world = World(secret=old)
    world.prepare_keys()
    account = world.an_account()
    world.an_app_of(account)
    owner = world.an_organization("owner@example.net")
    world.make_webhook(holder=owner, url="https://hooks.example.com/", events=["*"])
    world.rewrap_under(new)
    rewrap = rewrapping.RewrapFactors(
        autocommit=world.database.autocommit,
        unit_of_work=world.database.unit_of_work,
        vault=AesVault(new),
        secret_hasher=HmacSecretHasher(new),
        clock=world.clock,
    )
    list(rewrap())
    rewrap_webhooks = rewrapping.RewrapWebhooks(
        autocommit=world.database.autocommit,
        unit_of_work=world.database.unit_of_work,
        vault=AesVault(new),
        clock=world.clock,
    )
    list(rewrap_webhooks())
    told = Counter(entry.action for entry in world.entries())
    assert (told["signing_key.rewrapped"], told["rewrap_factors"], told["rewrap_webhooks"]) == (2, 1, 1)


# ---- refusals


def refusals_of(world: World) -> list[tuple[str, str | None, UUID]]:
    return [(e.action, e.code, e.chain_id) for e in world.entries() if e.outcome is Outcome.REFUSED]


def test_a_wrong_password_is_told_to_the_account_or_else_to_the_installation(world: World) -> None:
    ada = world.an_account(ADA)
    for address in (ADA, EVE):
        with pytest.raises(InvalidCredentials):
            world.enter(address, "a wrong password")
    assert sorted(refusals_of(world)) == sorted(
        [("sign_in", "invalid_credentials", ada.id), ("sign_in", "invalid_credentials", INSTALLATION)]
    )
    unknown = next(entry for entry in world.entries() if entry.chain_id == INSTALLATION)
    assert (unknown.target_id, unknown.actor_id, unknown.details) == (None, None, {})


def test_the_failure_that_begins_a_delay_is_told_and_what_is_refused_during_it_is_not(world: World) -> None:
    world.an_account(ADA)
    for _ in range(7):
        with suppress(InvalidCredentials, TooManyAttempts):
            world.enter(ADA, "a wrong password")
    found = Counter(code for _, code, _ in refusals_of(world))
    assert found == {"invalid_credentials": 5, "too_many_attempts": 1}


def test_a_wrong_password_of_somebody_who_is_signed_in_is_theirs(world: World) -> None:
    ada = world.somebody()
    with occasioned(Occasion(actor_id=ada.account.id, client=HOME)), pytest.raises(WrongPassword):
        world.close(principal=ada, password="a wrong password")
    (entry,) = (entry for entry in world.entries() if entry.outcome is Outcome.REFUSED)
    assert (entry.action, entry.code, entry.actor_id) == ("prove_password", "password_wrong", ada.account.id)


def test_whoever_is_known_and_may_not_is_told_where_they_belong(world: World) -> None:
    here, target = OrganizationId(UUID(int=5)), UUID(int=6)
    for organization_id, chain in ((here, here), (None, SOMEBODY)):
        who = Occasion(actor_id=SOMEBODY, organization_id=organization_id, client=HOME)
        with occasioned(who):
            world.record_refusal(action="invite", error=SessionRequired(), target_id=target)
        entry = next(e for e in world.entries() if e.chain_id == ChainId(chain))
        assert (entry.action, entry.code, entry.outcome) == ("invite", "session_required", Outcome.REFUSED)
        assert (entry.actor_id, entry.target_id, entry.organization_id) == (SOMEBODY, target, organization_id)
        assert entry.at == NOON


@pytest.mark.parametrize(
    ("error", "actor_id"),
    [
        (SessionRequired(), None),  # nobody is known
        (NotFound("It is not there."), SOMEBODY),  # no refusal of rights
        (FactorWrong(), SOMEBODY),  # remembered already
    ],
)
def test_what_is_not_due_leaves_nothing(world: World, error: DomainError, actor_id: AccountId | None) -> None:
    with occasioned(Occasion(actor_id=actor_id, client=HOME)):
        world.record_refusal(action="invite", error=error)
    assert world.entries() == []
