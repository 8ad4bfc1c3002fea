"""What holds for every use case, seen over a long day in which each of them runs."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from application.occasion import occasion
from application.ports.outbox import OutboxEvent
from domain.accounts import LastOperator
from domain.kernel import AccountId, DomainError, Event
from domain.passkeys import PasskeyWrong
from domain.permissions import Catalogue
from domain.second_factors import FactorWrong
from domain.sessions import RefreshReused, RefreshSuperseded
from tests.application.factor_day import GRACE, Step, a_day_of_factors
from tests.application.fakes import Journal
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, HOME, PASSWORD, SECOND, World
from tests.builders import MINUTE
from tests.domain.test_kernel import all_in_the_domain

NEW, NAME = "ada@new.example", "Ada Lovelace"
OWNER_ADDRESS, MEMBER_ADDRESS, COMPANY = "owner@example.net", "member@example.net", "Löwe & Söhne"


def relayed(world: World) -> None:
    """What waits is delivered."""
    while world.sequencer():
        pass
    world.relay_webhooks()
    while world.courier.answer(200):
        world.relay_webhooks()


def a_day_in_an_organization(world: World) -> Iterator[Step]:
    """It begins and ends without anybody but the operator."""
    declared = Catalogue.declare({"invoices:send": "Send invoices"}, of_admin=["invoices:send"])
    yield "apply catalogue", lambda: world.apply_catalogue(declared)
    yield "= apply catalogue", lambda: world.apply_catalogue(declared)
    ada, eve = world.somebody(OWNER_ADDRESS), world.somebody(MEMBER_ADDRESS)
    yield "make organization", lambda: world.make_organization(principal=ada, name=COMPANY, slug="acme")
    listed, _ = world.list_organizations(subject=world.subject(ada), limit=10, after=None)
    id = listed[0].organization.id
    acme = world.within(ada, id)
    yield "- make organization", lambda: world.make_organization(principal=eve, name=COMPANY, slug="acme")
    yield "change organization", lambda: world.change_organization(actor=acme, name=COMPANY.upper())
    yield "= change organization", lambda: world.change_organization(actor=acme, name=COMPANY.upper())
    yield "= enter organization", lambda: world.enter_organization(actor=acme)

    yield "make role", lambda: world.make_role(actor=acme, name="clerk", description="", permissions=["members:read"])
    yield "change role", lambda: world.change_role(actor=acme, name="clerk", permissions=["invoices:send"])
    yield "invite", lambda: world.invite(actor=acme, email=MEMBER_ADDRESS, role="clerk")
    yield "- delete role", lambda: world.delete_role(actor=acme, name="clerk")
    yield "replace", lambda: world.invite(actor=acme, email=MEMBER_ADDRESS, role="member")
    token = world.mailed_token("invitation")
    yield "- accept", lambda: world.accept_invitation(principal=ada, token=token)
    yield "accept", lambda: world.accept_invitation(principal=eve, token=token)
    world.invite(actor=acme, email="declines@example.org", role="member")
    declined = world.mailed_token("invitation")
    yield "decline", lambda: world.decline_invitation(token=declined)
    invitation = world.invite(actor=acme, email="waits@example.org", role="member")
    yield "revoke", lambda: world.revoke_invitation(actor=acme, invitation_id=invitation.id)
    yield "delete role", lambda: world.delete_role(actor=acme, name="clerk")

    whom = eve.account.id
    yield "promote", lambda: world.change_member_role(actor=acme, account_id=whom, role="admin")
    yield "- leave", lambda: world.leave_organization(actor=acme)
    admin = world.within(eve, id)
    yield "- demote the owner", lambda: world.change_member_role(actor=admin, account_id=ada.account.id, role="member")

    key = world.make_personal_key(principal=eve, actor=admin, name="K", scopes=["members:read"], expires_at=None)
    yield "make key", lambda: world.make_personal_key(principal=eve, actor=None, name="K", scopes=[], expires_at=None)
    yield "rotate key", lambda: world.rotate_personal_key(principal=eve, key_id=key.key.id)
    yield "= use key", lambda: world.by_key(key.secret)
    robot = world.make_service_account(actor=acme, name="Robot", role="member")
    yield "make service account", lambda: world.make_service_account(actor=acme, name="Robot", role="member")
    yield (
        "change service account",
        lambda: world.change_service_account(actor=acme, service_account_id=robot.id, role="admin"),
    )
    yield (
        "make service key",
        lambda: world.make_service_key(
            actor=acme, service_account_id=robot.id, name="K", scopes=["members:read"], expires_at=None
        ),
    )
    for_service = world.make_service_key(
        actor=acme, service_account_id=robot.id, name="K", scopes=["members:read"], expires_at=None
    )
    which = {"service_account_id": robot.id, "key_id": for_service.key.id}
    yield "rotate service key", lambda: world.rotate_service_key(actor=acme, **which)
    yield "revoke service key", lambda: world.revoke_service_key(actor=acme, **which)

    hook: dict[str, Any] = {"holder": acme, "url": "https://hooks.example.com/", "events": ["*"]}
    yield "make webhook", lambda: world.make_webhook(**hook)
    (webhook,) = world.list_webhooks(holder=acme)
    this: dict[str, Any] = {"holder": acme, "webhook_id": webhook.id}
    yield "change webhook", lambda: world.change_webhook(**this, description="Invoices")
    yield "= change webhook", lambda: world.change_webhook(**this, description="Invoices")
    yield "rotate webhook", lambda: world.rotate_webhook_secret(**this)
    yield "* try webhook", lambda: world.try_webhook(**this)
    yield "= relay", lambda: relayed(world)
    (sent, *_), _ = world.list_deliveries(**this, limit=10, after=None)
    yield "* redeliver", lambda: world.redeliver(**this, delivery_id=sent.id)
    yield "switch off webhook", lambda: world.change_webhook(**this, enabled=False)
    yield "- try webhook", lambda: world.try_webhook(**this)
    yield "switch on webhook", lambda: world.change_webhook(**this, enabled=True)
    yield "delete webhook", lambda: world.delete_webhook(**this)
    yield (
        "delete service account",
        lambda: world.delete_service_account(actor=acme, service_account_id=robot.id),
    )
    yield "remove", lambda: world.remove_member(actor=acme, account_id=whom)
    again = world.joined(eve, acme)
    yield "leave", lambda: world.leave_organization(actor=again)
    yield (
        "revoke key",
        lambda: world.revoke_personal_key(
            principal=eve, key_id=world.list_personal_keys(principal=eve, limit=1, after=None)[0][0].id
        ),
    )
    yield "- close the owner", lambda: world.close(principal=ada, password=PASSWORD)
    yield "delete organization", lambda: world.delete_organization(actor=acme, confirm="acme")
    yield "remove what it left", world.remove_deleted_organizations
    for principal in (ada, eve):
        world.close(principal=principal, password=PASSWORD)


def a_long_day(world: World) -> Iterator[Step]:
    """Each step by the name of what it does. `=` does not change what anybody can see, `*` is a look that matters;
    `-` is refused, and `!` is refused and remembered."""
    yield "prepare keys", world.prepare_keys
    yield "appoint", lambda: world.appoint_operator(email="root@example.net", password=PASSWORD)
    yield "sign in", lambda: world.enter("root@example.net")
    world.an_app_of(world.account(world.enter("root@example.net").session.account_id))
    root = world.who(world.enter_with_app("root@example.net"))

    yield "claim", lambda: world.register(email=ADA, password=PASSWORD, display_name=NAME)
    yield "= resend", lambda: world.resend(email=ADA)
    claimed = world.mailed_token("verification")
    yield "! verify", lambda: world.verify(token=claimed, password="a wrong password")
    yield "verify", lambda: world.verify(token=claimed, password=PASSWORD)
    yield "! sign in", lambda: world.enter(password="a wrong password")
    world.hasher.scheme = "newer"
    signed_in = world.enter()
    ada = world.who(signed_in)

    yield "rename", lambda: world.rename(principal=ada, display_name=NAME.upper())
    yield "= refresh", lambda: world.refresh(refresh_token=signed_in.refresh_token, client=HOME)
    yield "superseded", lambda: world.refresh(refresh_token=signed_in.refresh_token, client=ELSEWHERE)
    yield "= replay", lambda: world.refresh(refresh_token=signed_in.refresh_token, client=HOME)
    world.clock.advance(MINUTE)
    yield "reuse", lambda: world.refresh(refresh_token=signed_in.refresh_token, client=HOME)
    ada, other = world.who(world.enter()), world.who(world.enter(client=ELSEWHERE))
    yield "= list sessions", lambda: world.list_sessions(principal=ada, limit=10, after=None)
    yield "end session", lambda: world.end_session(principal=ada, session_id=other.session.id)
    world.enter()
    yield "end other sessions", lambda: world.end_other_sessions(principal=ada)

    yield (
        "request email change",
        lambda: world.request_email_change(principal=ada, new_email=NEW, password=PASSWORD),
    )
    change = world.mailed_token("email_change")
    yield "confirm email change", lambda: world.confirm_email_change(principal=ada, token=change)
    ada = world.who(world.enter(NEW))
    yield (
        "change password",
        lambda: world.change_password(principal=ada, current_password=PASSWORD, new_password=ANOTHER),
    )
    yield "= request reset", lambda: world.request_reset(email=NEW)
    reset = world.mailed_token("password_reset")
    yield "- confirm reset", lambda: world.confirm_reset(token=reset, new_password="weak")
    yield "confirm reset", lambda: world.confirm_reset(token=reset, new_password=PASSWORD)

    id = ada.account.id
    yield "rename of", lambda: world.rename_account_of(principal=root, account_id=id, display_name=NAME)
    world.enter(NEW)
    yield "end sessions of", lambda: world.end_sessions_of(principal=root, account_id=id)
    yield "suspend", lambda: world.suspend(principal=root, account_id=id)
    yield "reactivate", lambda: world.reactivate(principal=root, account_id=id)
    yield "* send reset", lambda: world.send_password_reset(principal=root, account_id=id)
    yield "- suspend", lambda: world.suspend(principal=root, account_id=root.account.id)
    yield "* show account", lambda: world.show_account(principal=root, account_id=id)
    yield (
        "* list accounts",
        lambda: world.list_accounts(principal=root, query=NEW, state=None, limit=10, after=None),
    )

    yield "sign out", lambda: world.sign_out(principal=world.who(world.enter(NEW)))
    ada = world.who(world.enter(NEW))
    yield "! close", lambda: world.close(principal=ada, password="a wrong password")
    yield "* export", lambda: world.export(principal=ada)
    yield "close", lambda: world.close(principal=ada, password=PASSWORD)

    planted = world.an_account(EVE, ANOTHER, verified=False)
    world.enter(EVE, ANOTHER)
    yield "claim", lambda: world.register(email=EVE, password=PASSWORD)
    proof = world.mailed_token("verification")
    yield "prove", lambda: world.verify(token=proof, password=PASSWORD)
    assert world.account(planted.id).email_verified_at

    yield from a_day_in_an_organization(world)

    world.clock.advance(15 * MINUTE)
    yield "rotate keys", world.rotate_keys
    yield "revoke key", lambda: world.revoke_key(key_id=world.key_ring.active().id)
    world.clock.advance(15 * MINUTE)
    yield "= deliver", world.deliver
    yield "revoke retired", world.revoke_retired
    yield "= sweep", lambda: list(world.sweep())
    yield "* export audit", lambda: list(world.export_audit())
    acting = AccountId(occasion().actor_id or planted.id)
    yield "* erase from audit", lambda: world.erase_from_audit(account_id=acting)
    yield from a_day_of_factors(world)


REFUSALS_WORTH_REMEMBERING = (RefreshReused, RefreshSuperseded, PasskeyWrong, FactorWrong)


def live(world: World) -> None:
    for _, act in a_long_day(world):
        with suppress(DomainError):
            act()


def test_every_change_leaves_an_event_and_nothing_else_does(world: World) -> None:
    for name, act in a_long_day(world):
        before = len(world.events())
        if name.startswith(("-", "!")):
            with pytest.raises(DomainError):
                act()
        else:
            with suppress(*REFUSALS_WORTH_REMEMBERING):
                act()
        is_remembered = len(world.events()) > before
        assert is_remembered is not name.startswith(tuple("-!=*")), name


def test_every_event_there_is_happens_on_such_a_day(world: World) -> None:
    live(world)
    gone_by = set(world.event_names())
    assert gone_by == {event.name for event in all_in_the_domain(Event)} - {"signing_key.rewrapped"}


def test_no_event_holds_anything_personal_or_secret(world: World) -> None:
    live(world)
    told = repr(world.events())
    personal = [
        ADA,
        EVE,
        GRACE,
        NEW,
        "root@example.net",
        NAME,
        NAME.upper(),
        HOME.network,
        ELSEWHERE.network,
        HOME.user_agent,
    ]
    personal += [OWNER_ADDRESS, MEMBER_ADDRESS, COMPANY, COMPANY.upper()]
    secret = [PASSWORD, ANOTHER, "newer$", *(mail.values.get("token", PASSWORD) for mail in world.mailer.sent)]
    for held in (*personal, *secret, "PRIVATE", "ptr_", "ptd_", "pti_", "ptc_", "aes256gcm."):
        assert held not in told
    for event in world.events():
        assert all(isinstance(value, str | int | bool | None) for value in event.data.values())


BESIDE_ANOTHER = {
    "account.operator_appointed",
    "catalogue.applied",
    "session.refresh_reused",
    "session.refresh_superseded",
    "signing_key.activated",
}
"""Recorded with another event by the same save, or noted without any: their ids order these."""


def test_the_events_of_an_aggregate_come_in_the_order_of_its_versions(world: World) -> None:
    live(world)
    by_aggregate: dict[UUID, list[OutboxEvent]] = {}
    for event in world.events():
        by_aggregate.setdefault(event.aggregate_id, []).append(event)
    for events in by_aggregate.values():
        versions = [event.version for event in events]
        assert versions == sorted(versions)
        of_saves = [event.version for event in events if event.name not in BESIDE_ANOTHER]
        assert len(of_saves) == len(set(of_saves)), events
        assert len({event.name.partition(".")[0] for event in events}) == 1, "two aggregates share an id"


def transactions(journal: Journal) -> list[Journal]:
    """The calls between each `begin` and its end."""
    found: list[Journal] = []
    inside = False
    for entry in journal:
        if entry == "begin":
            assert not inside, "a transaction in a transaction"
            inside = True
            found.append([])
        elif entry in ("commit", "rollback"):
            inside = False
        elif inside:
            found[-1].append(entry)
    return found


def test_nothing_costly_is_done_while_a_transaction_is_open(world: World) -> None:
    live(world)
    assert {"hash", "verify", "send"} < set(world.journal)
    for calls in transactions(world.journal):
        assert not {"hash", "verify", "send"} & set(calls)


READS = {"find_by_email", "find", "get", "all", "of_address", "page"}
LOCKS_ACCOUNTS = {"accounts.lock", "accounts.add"}


def test_accounts_are_locked_before_anything_else(world: World) -> None:
    """One order for all, so that no two wait for each other."""
    live(world)
    with_accounts = [calls for calls in transactions(world.journal) if LOCKS_ACCOUNTS & set(calls)]
    assert len(with_accounts) > 20
    for calls in with_accounts:
        changes = [call for call in calls if call.partition(".")[2] not in READS]
        assert changes[0] in LOCKS_ACCOUNTS, calls


def test_no_account_is_saved_that_was_not_locked(world: World) -> None:
    live(world)
    for calls in transactions(world.journal):
        if "accounts.save" in calls:
            assert calls.index("accounts.lock") < calls.index("accounts.save")


def test_who_is_refused_at_the_end_of_a_transaction_has_changed_nothing(world: World) -> None:
    operator = world.an_operator()
    before = (world.account(operator.account.id), world.sessions(operator.account.id), world.events())
    with pytest.raises(LastOperator):
        world.close(principal=operator, password=PASSWORD)
    world.clock.advance(SECOND)
    assert (world.account(operator.account.id), world.sessions(operator.account.id), world.events()) == before
    assert world.deliver() == []
