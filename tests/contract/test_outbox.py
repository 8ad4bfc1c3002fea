from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from application.ports.outbox import OutboxEvent
from application.ports.unit_of_work import Persistence, UnitOfWork
from domain.accounts import Account
from domain.claims import Claim
from domain.email_changes import EmailChange
from domain.kernel import AccountId, ClaimId, EmailChangeId, KeyId, SessionId
from domain.sessions import Client, EndReason, Session, SessionPolicy
from domain.signing_keys import SigningKey
from tests.builders import HOUR, MINUTE, NOON, a_session, an_account, an_active_account, an_address

CLIENT = Client.seen(user_agent="curl", address="192.0.2.7")


def of_owner(database: Persistence, owner_id: UUID, *, limit: int = 100) -> list[OutboxEvent]:
    with database.autocommit() as reads:
        return reads.outbox.of_owner(owner_id, limit=limit)


def a_sign_up() -> Account:
    return Account.register(
        id=AccountId(uuid4()), email=an_address(), display_name="", password_hash="$", verified=True, at=NOON
    )


def test_every_field_of_an_event_is_kept(database: Persistence) -> None:
    account = a_sign_up()
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
    (event,) = of_owner(database, account.id)
    assert event == OutboxEvent(
        id=event.id,
        owner_id=account.id,
        aggregate_id=account.id,
        version=0,
        name="account.registered",
        data={"account_id": str(account.id), "verified": True},
        at=NOON,
        schema_version=1,
        position=None,
    )
    assert event.id.version == 7


def test_an_event_has_the_version_that_its_save_made(database: Persistence) -> None:
    account = a_sign_up()
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
    for number in (1, 2):
        with database.unit_of_work() as uow:
            uow.accounts.save(uow.accounts.get(account.id).rename(f"Ada {number}", at=NOON + number * MINUTE))
    assert [(event.name, event.version) for event in of_owner(database, account.id)] == [
        ("account.renamed", 2),
        ("account.renamed", 1),
        ("account.registered", 0),
    ]


def test_all_that_one_save_recorded_is_kept_in_order(database: Persistence) -> None:
    account = an_active_account(email_verified_at=None)
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
        uow.accounts.save(account.reset_password("$new", at=NOON).rename("Ada", at=NOON))
    newest_first = of_owner(database, account.id)
    assert [event.name for event in reversed(newest_first)] == [
        "account.password_reset",
        "account.email_verified",
        "account.renamed",
    ]
    assert {event.version for event in newest_first} == {1}


def test_the_newest_events_come_first_and_no_more_than_asked_for(database: Persistence) -> None:
    account, other = a_sign_up(), a_sign_up()
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
        uow.accounts.add(other)
        for number in range(5):
            uow.accounts.save(replace(account, version=number, events=()).rename(f"Ada {number}", at=NOON))
    assert [event.version for event in of_owner(database, account.id, limit=2)] == [5, 4]
    assert [event.version for event in of_owner(database, account.id)] == [5, 4, 3, 2, 1, 0]
    assert len(of_owner(database, other.id)) == 1
    assert of_owner(database, uuid4()) == []


def start_session(uow: UnitOfWork, owner: Account) -> UUID:
    session = Session.start(
        id=SessionId(uuid4()),
        account_id=owner.id,
        amr=("pwd",),
        aal=1,
        client=CLIENT,
        policy=SessionPolicy(),
        at=NOON,
    )
    uow.sessions.add(session)
    return session.id


def end_session(uow: UnitOfWork, owner: Account) -> UUID:
    session = a_session(account_id=owner.id)
    uow.sessions.add(session)
    uow.sessions.remove(session.end(EndReason.SIGNED_OUT, at=NOON))
    return session.id


def end_all_sessions(uow: UnitOfWork, owner: Account) -> UUID:
    session = a_session(account_id=owner.id)
    uow.sessions.add(session)
    uow.sessions.end_all(owner.id, EndReason.CLOSED, at=NOON)
    return session.id


def request_email_change(uow: UnitOfWork, owner: Account) -> UUID:
    change = EmailChange.request(
        id=EmailChangeId(uuid4()), account_id=owner.id, new_email=an_address(), lifetime=HOUR, at=NOON
    )
    uow.email_changes.put(change)
    return change.id


@pytest.mark.parametrize(
    ("act", "name", "version"),
    [
        (start_session, "session.started", 0),
        (end_session, "session.ended", a_session().generation + 1),
        (end_all_sessions, "session.ended", a_session().generation + 1),
        (request_email_change, "account.email_change_requested", 0),
    ],
)
def test_what_belongs_to_an_account_is_in_its_history(
    database: Persistence, act: Callable[[UnitOfWork, Account], UUID], name: str, version: int
) -> None:
    owner = an_account()
    with database.unit_of_work() as uow:
        uow.accounts.add(owner)
        aggregate_id = act(uow, owner)
    (event,) = of_owner(database, owner.id)
    assert (event.name, event.owner_id, event.aggregate_id, event.version) == (name, owner.id, aggregate_id, version)
    assert event.data["account_id"] == str(owner.id)


def test_a_claim_belongs_to_itself(database: Persistence) -> None:
    claim = Claim.make(
        id=ClaimId(uuid4()), email=an_address(), display_name="", password_hash="$", lifetime=HOUR, at=NOON
    )
    with database.unit_of_work() as uow:
        uow.claims.add(claim)
    (event,) = of_owner(database, claim.id)
    assert (event.name, event.aggregate_id, event.data) == ("claim.made", claim.id, {"claim_id": str(claim.id)})


def test_a_signing_key_belongs_to_itself(database: Persistence) -> None:
    key = SigningKey.make(id=KeyId(uuid4()), public_pem="pem", sealed_private="sealed", at=NOON)
    with database.unit_of_work() as uow:
        uow.signing_keys.add(key)
        uow.signing_keys.save(replace(key, events=()).activate(at=NOON))
    assert [(event.name, event.aggregate_id, event.version) for event in of_owner(database, key.id)] == [
        ("signing_key.activated", key.id, 1),
        ("signing_key.made", key.id, 0),
    ]
