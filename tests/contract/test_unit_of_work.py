"""What commits together, what is seen when, and what stands alone."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence, UnitOfWork
from domain.accounts import LastOperator
from domain.api_keys import EndOfKey
from domain.kernel import OrganizationId
from domain.mail import MailKind, MailPolicy
from domain.organizations import Organization, slug_of
from domain.permissions import Catalogue
from domain.sessions import Client, EndReason, SessionPolicy
from tests.builders import (
    NOON,
    a_claim,
    a_counter,
    a_membership,
    a_notice,
    a_password_reset,
    a_personal_key,
    a_role,
    a_service_account,
    a_service_key,
    a_session,
    a_signing_key,
    an_active_account,
    an_address,
    an_email_change,
    an_invitation,
    an_organization,
)
from tests.contract.given import SOMEBODY
from tests.contract.threads import in_another_thread


class Interrupted(Exception):
    pass


def interrupted(opened: AbstractContextManager[UnitOfWork], act: Callable[[UnitOfWork], object]) -> None:
    """Do it, and fail before the end."""
    with opened as uow:
        act(uow)
        raise Interrupted


class Everything:
    """One of each kind, and all that there is to see of it."""

    def __init__(self) -> None:
        self.account = an_active_account(is_operator=True).rename("Ada", at=NOON)
        self.successor = an_active_account(is_operator=True)
        self.claim = a_claim()
        self.reset = a_password_reset()
        self.change = an_email_change(account_id=self.account.id)
        self.session = a_session(account_id=self.account.id)
        self.told, self.asking = an_address(), an_address()
        self.notice = a_notice(to=self.told)
        self.counter = a_counter()
        self.key = a_signing_key()
        self.organization = an_organization()
        here = {"organization_id": self.organization.id}
        self.membership = a_membership(**here, account_id=self.account.id)
        self.role = a_role(**here)
        self.invitation = an_invitation(**here)
        self.service_account = a_service_account(**here)
        self.api_key = a_service_key(**here, service_account_id=self.service_account.id)
        self.catalogue = Catalogue.declare({"a:b": "", "a:c": ""}, of_admin=["a:*"], of_member=["a:b"])

    def add(self, uow: UnitOfWork) -> None:
        uow.accounts.add(self.account)
        uow.operators.add(self.account.id)
        uow.claims.add(self.claim)
        uow.password_resets.add(self.reset)
        uow.email_changes.put(self.change)
        uow.sessions.add(self.session)
        uow.attempts.lock(self.counter.address_digest, [self.counter.bucket], at=NOON)
        uow.attempts.save([self.counter])
        uow.mail.put(self.notice)
        uow.mail.request(MailKind.VERIFICATION, self.asking, ids={}, policy=MailPolicy(), at=NOON)
        uow.signing_keys.add(self.key)
        uow.catalogue.put(self.catalogue)
        uow.organizations.add(self.organization)
        uow.memberships.add(self.membership)
        uow.roles.add(self.role)
        uow.invitations.put(self.invitation)
        uow.service_accounts.add(self.service_account)
        uow.api_keys.add(self.api_key)

    def change_all(self, uow: UnitOfWork) -> None:
        uow.accounts.save(uow.accounts.get(self.account.id).change_email(an_address(), at=NOON))
        uow.accounts.add(self.successor)
        uow.operators.add(self.successor.id)
        uow.claims.take(self.claim.email.digest, self.claim.id)
        uow.password_resets.void(self.reset.email.digest)
        uow.email_changes.void(self.account.id)
        uow.sessions.advance(
            self.account.id,
            self.session.id,
            generation=self.session.generation,
            client=Client(user_agent="", network=""),
            policy=SessionPolicy(),
            at=NOON,
        )
        uow.sessions.end_all(self.account.id, EndReason.CLOSED, at=NOON)
        uow.attempts.forget(self.counter.address_digest)
        for mail in uow.mail.lease(limit=2, lease=timedelta(minutes=2), at=NOON):
            uow.mail.settle(mail.gone())
        uow.signing_keys.save(uow.signing_keys.all()[0].revoke(at=NOON))
        self.change_organization(uow)

    def change_organization(self, uow: UnitOfWork) -> None:
        uow.catalogue.withdraw(self.role.permissions)
        uow.catalogue.put(Catalogue())
        uow.api_keys.end_all(self.organization.id, EndOfKey.REVOKED, at=NOON)
        uow.service_accounts.void(self.organization.id)
        uow.invitations.void(self.organization.id, limit=5)
        uow.roles.void(self.organization.id)
        uow.memberships.void(self.organization.id, limit=5, at=NOON)
        uow.organizations.save(replace(self.organization, name="Renamed"))

    def seen(self, reads: UnitOfWork) -> list[object]:
        return [
            reads.accounts.page(limit=5, after=None, prefix=None, state=None),
            reads.accounts.find_by_email(self.account.email),
            reads.claims.find(self.claim.email.digest, self.claim.id),
            reads.claims.newest(self.claim.email.digest, at=NOON),
            reads.password_resets.find(self.reset.email.digest, self.reset.id, at=NOON),
            reads.email_changes.find(self.account.id, at=NOON),
            reads.sessions.find(self.account.id, self.session.id),
            reads.sessions.page(self.account.id, limit=5, after=None, at=NOON),
            reads.mail.of_address(self.told),
            reads.mail.of_address(self.asking),
            reads.signing_keys.all(),
            reads.catalogue.get(),
            reads.organizations.some([self.organization.id]),
            reads.memberships.find(self.organization.id, self.account.id),
            reads.memberships.page_of_account(self.account.id, limit=5, after=None),
            reads.roles.all(self.organization.id),
            reads.invitations.page(self.organization.id, limit=5, after=None, at=NOON),
            reads.invitations.of_address(self.invitation.email.digest, limit=5, at=NOON),
            reads.service_accounts.find(self.organization.id, self.service_account.id),
            reads.api_keys.find(self.organization.id, self.api_key.id),
            reads.access.by_key(self.api_key.kind, self.organization.id, self.api_key.id),
            reads.access.places([(self.organization.id, self.account.id)]),
        ]


NO_PAGE: tuple[list[object], None] = [], None
NOTHING: list[object] = [
    *(NO_PAGE, None, None, None, None, None, None, NO_PAGE, [], [], []),
    *(Catalogue(), {}, None, NO_PAGE, [], NO_PAGE, [], None, None, None, {}),
]


def committed(database: Persistence, everything: Everything) -> list[object]:
    with database.autocommit() as reads:
        return everything.seen(reads)


def events(database: Persistence, everything: Everything) -> list[str]:
    with database.autocommit() as reads:
        return [event.name for event in reads.outbox.of_owner(everything.account.id, limit=10)]


def failures(database: Persistence, everything: Everything) -> int:
    with database.unit_of_work() as uow:
        (counter,) = uow.attempts.lock(everything.counter.address_digest, [everything.counter.bucket], at=NOON)
    return counter.failures


def test_what_commits_is_there_with_its_events(database: Persistence) -> None:
    everything = Everything()
    with database.unit_of_work() as uow:
        everything.add(uow)
        inside = everything.seen(uow)
    assert all(found != nothing for found, nothing in zip(inside, NOTHING, strict=True))
    assert committed(database, everything) == inside
    assert events(database, everything) == ["account.renamed"]
    assert failures(database, everything) == everything.counter.failures


def test_what_fails_leaves_nothing_neither_state_nor_events(database: Persistence) -> None:
    everything = Everything()
    with pytest.raises(Interrupted):
        interrupted(database.unit_of_work(), everything.add)
    assert committed(database, everything) == NOTHING
    assert events(database, everything) == []
    assert failures(database, everything) == 0
    with database.unit_of_work() as uow:
        uow.operators.remove(everything.account.id)  # it would refuse, were it the last one


def test_what_fails_leaves_everything_as_it_was(database: Persistence) -> None:
    everything = Everything()
    with database.unit_of_work() as uow:
        everything.add(uow)
    before = committed(database, everything)

    def change_all(uow: UnitOfWork) -> None:
        everything.change_all(uow)
        assert all(now != then for now, then in zip(everything.seen(uow), before, strict=True))

    with pytest.raises(Interrupted):
        interrupted(database.unit_of_work(), change_all)
    assert committed(database, everything) == before
    assert events(database, everything) == ["account.renamed"]
    assert failures(database, everything) == everything.counter.failures
    with pytest.raises(LastOperator), database.unit_of_work() as uow:
        uow.operators.remove(everything.account.id)


def test_a_change_is_seen_by_others_once_it_is_committed_and_nobody_waits_for_it(database: Persistence) -> None:
    everything = Everything()
    with database.unit_of_work() as uow:
        everything.add(uow)
        assert in_another_thread(lambda: committed(database, everything)) == NOTHING
        assert in_another_thread(lambda: events(database, everything)) == []
        inside = everything.seen(uow)
    assert in_another_thread(lambda: committed(database, everything)) == inside
    assert in_another_thread(lambda: events(database, everything)) == ["account.renamed"]


def test_after_a_failure_the_next_one_may_begin(database: Persistence) -> None:
    for _ in range(50):
        with pytest.raises(Interrupted):
            interrupted(database.unit_of_work(), lambda uow: uow.claims.add(a_claim()))
    with database.unit_of_work() as uow:
        uow.accounts.add(an_active_account())


def test_a_call_that_stands_alone_is_durable_when_it_returns(database: Persistence) -> None:
    reset = a_password_reset()

    def found() -> object:
        with database.autocommit() as reads:
            return reads.password_resets.find(reset.email.digest, reset.id, at=NOON)

    def add(calls: UnitOfWork) -> None:
        calls.password_resets.add(reset)
        assert in_another_thread(found) == reset

    with pytest.raises(Interrupted):
        interrupted(database.autocommit(), add)
    assert found() == reset


def record_account(uow: UnitOfWork) -> None:
    uow.accounts.add(an_active_account().rename("Ada", at=NOON))


def record_session(uow: UnitOfWork) -> None:
    uow.sessions.note(a_session().note_superseded(at=NOON))


def record_key(uow: UnitOfWork) -> None:
    uow.signing_keys.add(a_signing_key().retire(at=NOON))


def record_organization(uow: UnitOfWork) -> None:
    id = OrganizationId(uuid4())
    uow.organizations.add(Organization.make(id=id, name="Ada", slug=slug_of("Ada", id), by=SOMEBODY, at=NOON))


def record_api_key(uow: UnitOfWork) -> None:
    uow.api_keys.add(a_personal_key().end(EndOfKey.REVOKED, at=NOON))


RECORD = [record_account, record_session, record_key, record_organization, record_api_key]


@pytest.mark.parametrize("record", RECORD)
def test_what_records_events_does_not_stand_alone(database: Persistence, record: Callable[[UnitOfWork], None]) -> None:
    with database.autocommit() as calls, pytest.raises(RuntimeError):
        record(calls)


def test_it_is_ready_to_serve(database: Persistence) -> None:
    assert database.problem() is None


def test_its_clock_is_right(database: Persistence) -> None:
    assert abs(database.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_was_committed_in_good_order_leaves_nothing_to_find(database: Persistence) -> None:
    everything = Everything()
    with database.unit_of_work() as uow:
        everything.add(uow)
    assert database.findings() == []
    with database.unit_of_work() as uow:
        everything.change_all(uow)
    assert database.findings() == []
