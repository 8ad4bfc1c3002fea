"""How PostgreSQL answers what is asked often: by how many statements, and by which way to the rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg2.extensions import cursor
from sqlalchemy import event

from adapters.sql.database import SqlUnitOfWork
from adapters.sql.engine import gateway
from application.ports.deliveries import Settled
from domain.api_keys import EndOfKey, KeyKind
from domain.audit import ChainId
from domain.kernel import (
    AccountId,
    AddressDigest,
    ApiKeyId,
    ChallengeId,
    DeliveryId,
    EmailCodeId,
    InvitationId,
    OrganizationId,
    PasskeyId,
    ServiceAccountId,
    SessionId,
    WebhookId,
)
from domain.memberships import EndOfMembership
from domain.permissions import MEMBERS_READ
from domain.roles import ADMIN
from domain.sequence import Sequence
from tests.builders import (
    MINUTE,
    NOON,
    a_challenge,
    a_membership,
    a_passkey,
    a_personal_key,
    a_role,
    a_service_account,
    a_session,
    a_trusted_device,
    a_waiting_delivery,
    an_account,
    an_email_code,
    an_invitation,
    an_organization,
)

ID = UUID(int=7)
HERE, SOMEBODY, OTHER = OrganizationId(ID), AccountId(ID), AccountId(UUID(int=8))
SESSION, KEY, PROGRAM, DIGEST = SessionId(ID), ApiKeyId(ID), ServiceAccountId(ID), AddressDigest("0" * 64)
HOOK = WebhookId(ID)
AFTER, LATER = str(ID), NOON + timedelta(days=1)

Call = Callable[[SqlUnitOfWork], object]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transaction, and what it was heard to say."""

    uow: SqlUnitOfWork
    heard: list[str] = field(default_factory=list)

    def plans(self, **settings: str) -> list[dict[str, Any]]:
        """The steps of each, as they are planned with those settings: a small table would be read from end to end."""
        for name, value in settings.items():
            self.uow.connection.exec_driver_sql(f"SET LOCAL {name} = {value}")
        steps: list[dict[str, Any]] = []
        for statement in [each for each in self.heard if each.split()[0] in {"SELECT", "WITH", "UPDATE", "DELETE"}]:
            explained = self.uow.connection.exec_driver_sql("EXPLAIN (FORMAT JSON) " + statement.replace("%", "%%"))
            steps += _steps(explained.scalar_one()[0]["Plan"])
        return steps


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _steps(part)


@pytest.fixture
def recorded(postgresql_url: str) -> Iterator[Recorded]:
    opened = gateway(postgresql_url, pool_size=1, pool_timeout=1)
    heard: list[str] = []

    class Hearing(cursor):
        def execute(self, query: Any, vars: Any = None) -> None:
            heard.append(self.mogrify(query, vars).decode())
            super().execute(query, vars)

    @event.listens_for(opened.engine, "do_connect")
    def hear(_dialect: object, _record: object, _args: object, settings: dict[str, Any]) -> None:
        settings["cursor_factory"] = Hearing

    with opened.engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        connection.begin()
        heard.clear()  # what the driver asks of a new connection
        yield Recorded(SqlUnitOfWork(connection, lambda *_: None, lambda _: None), heard)
        connection.rollback()
    opened.engine.dispose()


QUESTIONS: dict[str, Call] = {
    "session": lambda uow: uow.access.by_session(SOMEBODY, SESSION),
    "session, here": lambda uow: uow.access.by_session(SOMEBODY, SESSION, organization_id=HERE),
    "session, another": lambda uow: uow.access.by_session(SOMEBODY, SESSION, organization_id=HERE, other_id=OTHER),
    "personal key": lambda uow: uow.access.by_key(KeyKind.PERSONAL, ID, KEY),
    "personal key, another": lambda uow: uow.access.by_key(
        KeyKind.PERSONAL, ID, KEY, organization_id=HERE, other_id=OTHER
    ),
    "service key": lambda uow: uow.access.by_key(KeyKind.SERVICE, ID, KEY),
    "service key, another": lambda uow: uow.access.by_key(
        KeyKind.SERVICE, ID, KEY, organization_id=HERE, other_id=OTHER
    ),
}
READS: dict[str, Call] = {
    "many": lambda uow: uow.access.subjects([(HERE, SOMEBODY), (HERE, OTHER)]),
    "accounts": lambda uow: uow.accounts.some([SOMEBODY, OTHER]),
    "organizations": lambda uow: uow.organizations.some([HERE]),
    "organizations, deleted": lambda uow: uow.organizations.deleted(limit=1),
    "membership": lambda uow: uow.memberships.find(HERE, SOMEBODY),
    "membership, another owner": lambda uow: uow.memberships.has_other_owner(HERE, SOMEBODY),
    "membership, owned": lambda uow: uow.memberships.owned_by(SOMEBODY),
    "roles": lambda uow: uow.roles.all(HERE),
    "role, granted": lambda uow: uow.roles.permissions(HERE, ADMIN),
    "role, used": lambda uow: uow.roles.is_used(HERE, ADMIN),
    "invitation": lambda uow: uow.invitations.find(HERE, InvitationId(ID), at=NOON),
    "invitations, count": lambda uow: uow.invitations.count(HERE, at=NOON),
    "invitations, of address": lambda uow: uow.invitations.of_address(DIGEST, limit=100, at=NOON),
    "service accounts, count": lambda uow: uow.service_accounts.count(HERE),
    "keys, count": lambda uow: uow.api_keys.count(ID, PROGRAM),
    "owners": lambda uow: uow.memberships.owners(HERE, limit=20),
    "webhook": lambda uow: uow.webhooks.find(ID, HOOK),
    "webhooks": lambda uow: uow.webhooks.of_owner(ID),
    "webhooks, active": lambda uow: uow.webhooks.active([ID, OTHER]),
    "webhooks, some": lambda uow: uow.webhooks.some([(ID, HOOK)]),
    "delivery": lambda uow: uow.deliveries.find(ID, DeliveryId(ID)),
    "factors": lambda uow: uow.second_factors.find(SOMEBODY),
    "passkey": lambda uow: uow.passkeys.find(SOMEBODY, PasskeyId(ID)),
    "passkey, by credential": lambda uow: uow.passkeys.lock_by_credential(SOMEBODY, b"id"),
    "passkeys": lambda uow: uow.passkeys.all(SOMEBODY),
    "code by mail": lambda uow: uow.email_codes.find(DIGEST, EmailCodeId(ID), at=NOON),
    "trusted device": lambda uow: uow.trusted_devices.find(SOMEBODY, ID),
    "trusted devices": lambda uow: uow.trusted_devices.all(SOMEBODY, at=NOON),
}
FEED: dict[str, Call] = {
    "feed": lambda uow: uow.outbox.feed(after=1, limit=20),
    "feed, of an owner": lambda uow: uow.outbox.feed(after=1, limit=20, owner_id=ID),
}
SEQUENCING: dict[str, Call] = {
    "sequence": lambda uow: uow.sequence.get(),
    "lease": lambda uow: uow.sequence.take(ID, lease=timedelta(seconds=3), at=NOON),
    "advance": lambda uow: uow.sequence.advance(Sequence(position=1)),
    "events, unplaced": lambda uow: uow.outbox.unplaced(limit=500),
    "events, placed": lambda uow: uow.outbox.place({(ID, UUID(int=number)): number for number in range(500)}),
    "events, some": lambda uow: uow.outbox.some([(ID, ID)]),
    "events, forgotten": lambda uow: uow.outbox.forget(before=NOON, limit=500),
    "owners of new events": lambda uow: uow.outbox.owners(after=1, through=9),
    "entries, unsealed": lambda uow: uow.chains.unsealed(limit=500),
    "chains": lambda uow: uow.chains.get([ChainId(ID)]),
}
MANY_EVENTS = """
INSERT INTO outbox (owner_id, id, aggregate_id, version, name, data, at, position)
SELECT
    md5(mod(number, 20)::text)::uuid, gen_random_uuid(), gen_random_uuid(), 1, 'account.renamed', '{}', now(), number
FROM generate_series(1, 20000) AS number
"""
ONES: dict[str, Call] = {
    "session": lambda uow: uow.sessions.save(a_session(account_id=SOMEBODY, id=SESSION, generation=5)),
    "factors, locked": lambda uow: uow.second_factors.lock(SOMEBODY),
    "challenge, try": lambda uow: uow.challenges.spend_try(ID, ChallengeId(ID), most=5, at=NOON),
    "challenge, taken": lambda uow: uow.challenges.take(ID, ChallengeId(ID)),
    "code by mail, try": lambda uow: uow.email_codes.spend_try(DIGEST, EmailCodeId(ID), most=3, at=NOON),
    "code by mail, taken": lambda uow: uow.email_codes.take(DIGEST, EmailCodeId(ID)),
    "trusted device, put": lambda uow: uow.trusted_devices.put(a_trusted_device(account_id=SOMEBODY)),
    "trusted device, removed": lambda uow: uow.trusted_devices.remove(SOMEBODY, ID),
}
"""Changes that many may try at once: one statement decides who succeeds."""
PAGES: dict[str, Call] = {
    "members": lambda uow: uow.memberships.page_of_organization(HERE, limit=20, after=AFTER),
    "memberships": lambda uow: uow.memberships.page_of_account(SOMEBODY, limit=20, after=AFTER),
    "invitations": lambda uow: uow.invitations.page(HERE, limit=20, after=AFTER, at=NOON),
    "service accounts": lambda uow: uow.service_accounts.page(HERE, limit=20, after=AFTER),
    "keys": lambda uow: uow.api_keys.page(ID, PROGRAM, limit=20, after=AFTER),
    "webhooks": lambda uow: uow.webhooks.page(limit=20, after=f"{AFTER}.{AFTER}"),
    "deliveries": lambda uow: uow.deliveries.page(ID, HOOK, limit=20, after=AFTER),
    "factors": lambda uow: uow.second_factors.page(limit=20, after=AFTER),
    "keys, personal": lambda uow: uow.api_keys.page(ID, None, limit=20, after=AFTER),
    **FEED,
}
ENDS: dict[str, Call] = {
    "memberships, of account": lambda uow: uow.memberships.end_all(SOMEBODY, EndOfMembership.ACCOUNT_CLOSED, at=NOON),
    "memberships, of organization": lambda uow: uow.memberships.void(HERE, limit=500, at=NOON),
    "invitations, of organization": lambda uow: uow.invitations.void(HERE, limit=500),
    "invitations, expired": lambda uow: uow.invitations.sweep(at=NOON, limit=500),
    "service accounts": lambda uow: uow.service_accounts.void(HERE),
    "roles": lambda uow: uow.roles.void(HERE),
    "organization": lambda uow: uow.organizations.remove(HERE),
    "keys": lambda uow: uow.api_keys.end_all(ID, EndOfKey.ACCOUNT_CLOSED, at=NOON),
    "keys, here": lambda uow: uow.api_keys.end_all(ID, EndOfKey.MEMBERSHIP_ENDED, organization_id=HERE, at=NOON),
    "keys, expired": lambda uow: uow.api_keys.sweep(at=NOON, limit=500),
    "deliveries, dropped": lambda uow: uow.deliveries.drop(ID, HOOK, limit=500),
    "deliveries, over": lambda uow: uow.deliveries.sweep(before=NOON, limit=500),
    "passkeys": lambda uow: uow.passkeys.remove_all(SOMEBODY),
    "challenges": lambda uow: uow.challenges.void(SOMEBODY),
    "challenges, expired": lambda uow: uow.challenges.sweep(at=NOON, limit=500),
    "codes by mail": lambda uow: uow.email_codes.void(DIGEST),
    "codes by mail, expired": lambda uow: uow.email_codes.sweep(at=NOON, limit=500),
    "trusted devices": lambda uow: uow.trusted_devices.remove_all(SOMEBODY),
    "trusted devices, expired": lambda uow: uow.trusted_devices.sweep(at=NOON, limit=500),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_who_is_calling_is_one_statement(recorded: Recorded, question: Call) -> None:
    question(recorded.uow)
    assert len(recorded.heard) == 1


def test_the_principal_is_found_by_two_tables_and_no_more(recorded: Recorded) -> None:
    QUESTIONS["session"](recorded.uow)
    tables = {step["Relation Name"] for step in recorded.plans() if "Relation Name" in step}
    assert tables == {"sessions", "accounts"}


@pytest.mark.parametrize("change", ONES.values(), ids=ONES)
def test_what_many_may_try_at_once_is_one_statement(recorded: Recorded, change: Call) -> None:
    recorded.uow.accounts.add(an_account(id=SOMEBODY))
    recorded.uow.sessions.add(a_session(account_id=SOMEBODY, id=SESSION, generation=4))
    recorded.heard.clear()
    change(recorded.uow)
    assert len(recorded.heard) == 1


def test_of_many_it_is_two_statements_and_only_one_without_people(recorded: Recorded) -> None:
    organization, account = an_organization(), an_account()
    programs = [a_service_account(organization_id=organization.id) for _ in range(3)]
    recorded.uow.organizations.add(organization)
    recorded.uow.accounts.add(account)
    recorded.uow.memberships.add(a_membership(organization_id=organization.id, account_id=account.id))
    for program in programs:
        recorded.uow.service_accounts.add(program)
    recorded.heard.clear()

    of_programs = [(organization.id, program.id) for program in programs]
    assert len(recorded.uow.access.subjects(of_programs)) == 3
    assert len(recorded.heard) == 1
    assert len(recorded.uow.access.subjects([*of_programs, (organization.id, account.id)])) == 4
    assert len(recorded.heard) == 1 + 2


@pytest.mark.parametrize(
    "call", [*QUESTIONS.values(), *READS.values(), *PAGES.values(), *ENDS.values(), *SEQUENCING.values()]
)
def test_no_table_is_read_from_end_to_end(recorded: Recorded, call: Call) -> None:
    call(recorded.uow)
    steps = recorded.plans(enable_seqscan="off")
    assert steps
    assert [step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"] == []


@pytest.mark.parametrize("call", PAGES.values(), ids=PAGES)
def test_a_page_is_read_in_the_order_of_an_index(recorded: Recorded, call: Call) -> None:
    call(recorded.uow)
    steps = recorded.plans(enable_seqscan="off", enable_bitmapscan="off", enable_sort="off")
    assert {step["Node Type"] for step in steps} <= {"Limit", "Index Scan"}


@pytest.mark.parametrize(
    ("call", "index"),
    [("events, unplaced", "ix_outbox_unplaced"), ("entries, unsealed", "ix_audit_entries_unsealed")],
)
def test_what_waits_is_read_from_an_index_of_nothing_else_and_in_its_order(
    recorded: Recorded, call: str, index: str
) -> None:
    SEQUENCING[call](recorded.uow)
    steps = recorded.plans(enable_seqscan="off", enable_bitmapscan="off", enable_sort="off")
    assert [step.get("Index Name") for step in steps] == [None, index]
    assert steps[0]["Node Type"] == "Limit"


def test_a_batch_is_placed_by_one_statement_that_finds_each_event_by_its_key(recorded: Recorded) -> None:
    recorded.uow.connection.exec_driver_sql(MANY_EVENTS)
    recorded.uow.connection.exec_driver_sql("ANALYZE outbox")
    recorded.heard.clear()
    SEQUENCING["events, placed"](recorded.uow)
    assert len(recorded.heard) == 1
    steps = recorded.plans(enable_seqscan="off")
    [found] = [step for step in steps if "Index Name" in step]
    assert (found["Index Name"], found["Index Cond"].count(" = ")) == ("pk_outbox", 2)


def test_no_relay_reads_a_table_from_end_to_end(recorded: Recorded) -> None:
    deliveries = recorded.uow.deliveries
    deliveries.queue([a_waiting_delivery(position=place) for place in range(5)])
    errands = deliveries.claim(limit=5, lease=MINUTE, at=NOON, except_endpoints=[HOOK])
    deliveries.settle(
        [Settled(errand=each, delivery=each.delivery.delivered(200, at=NOON), due_at=NOON) for each in errands]
    )
    deliveries.requeue(errands[0].delivery, at=NOON)
    assert len(recorded.heard) == 2 + 2 + 4 + 2, "however many they are"
    steps = recorded.plans(enable_seqscan="off")
    assert [step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"] == []


def test_no_change_reads_a_table_from_end_to_end(recorded: Recorded) -> None:
    uow, organization, account = recorded.uow, an_organization(), an_account()
    membership = a_membership(organization_id=organization.id, account_id=account.id)
    role, program = a_role(organization_id=organization.id), a_service_account(organization_id=organization.id)
    invitation, key = an_invitation(organization_id=organization.id), a_personal_key(owner_id=account.id)
    session, device = a_session(account_id=account.id), a_trusted_device(account_id=account.id)
    passkeys = [a_passkey(account_id=account.id) for _ in range(2)]
    challenge, code = a_challenge(account_id=account.id), an_email_code()

    uow.organizations.add(organization)
    uow.accounts.add(account)
    uow.memberships.add(membership)
    uow.memberships.save(membership.change_role(ADMIN, at=NOON))
    uow.memberships.remove(membership)
    uow.roles.add(role)
    uow.roles.save(role.change(description="", permissions=frozenset({MEMBERS_READ}), at=NOON))
    uow.service_accounts.add(program)
    uow.service_accounts.save(program.change(display_name="Another", role=ADMIN, at=NOON))
    uow.service_accounts.remove(program)
    uow.invitations.put(invitation)
    uow.invitations.put(an_invitation(organization_id=organization.id, email=invitation.email))
    uow.invitations.take(invitation)
    uow.api_keys.add(key)
    uow.api_keys.note_use(key, at=LATER)
    uow.api_keys.save(key)
    uow.api_keys.remove(key)
    uow.sessions.add(session)
    uow.sessions.save(replace(session, generation=session.generation + 1))
    uow.second_factors.save(replace(uow.second_factors.lock(account.id), failures=1))
    for passkey in passkeys:
        uow.passkeys.add(passkey)
    uow.passkeys.save(passkeys[0].used(8, at=NOON))
    uow.passkeys.remove(passkeys[0])
    uow.passkeys.remove_all(account.id)
    uow.challenges.add(challenge)
    uow.challenges.spend_try(challenge.owner_id, challenge.id, most=5, at=NOON)
    uow.challenges.take(challenge.owner_id, challenge.id)
    uow.email_codes.add(code)
    uow.email_codes.spend_try(code.email.digest, code.id, most=3, at=NOON)
    uow.email_codes.take(code.email.digest, code.id)
    uow.trusted_devices.put(device)
    uow.trusted_devices.put(device)
    uow.trusted_devices.remove(device.account_id, device.id)
    uow.organizations.save(organization.delete(confirm=organization.slug, by=SOMEBODY, at=NOON))

    steps = recorded.plans(enable_seqscan="off")
    assert [step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"] == []
