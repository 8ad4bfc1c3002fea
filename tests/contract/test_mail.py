from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.accounts import EmailAddress
from domain.kernel import Stale
from domain.mail import MailKind, MailPolicy, QueuedMail
from tests.builders import DAY, HOUR, MINUTE, NOON, a_notice, an_address
from tests.contract.threads import MANY, at_once, tally

POLICY = MailPolicy()
LEASE = timedelta(minutes=2)


def queued(database: Persistence, *mails: QueuedMail) -> QueuedMail:
    with database.unit_of_work() as uow:
        for mail in mails:
            uow.mail.put(mail)
    return mails[0]


def request(
    database: Persistence,
    to: EmailAddress,
    *,
    kind: MailKind = MailKind.PASSWORD_RESET,
    ids: dict[str, str] | None = None,
    at: datetime = NOON,
) -> None:
    with database.unit_of_work() as uow:
        uow.mail.request(kind, to, ids=ids or {}, policy=POLICY, at=at)


def lease(database: Persistence, *, limit: int = 100, at: datetime = NOON) -> list[QueuedMail]:
    with database.unit_of_work() as uow:
        return uow.mail.lease(limit=limit, lease=LEASE, at=at)


def settle(database: Persistence, mail: QueuedMail) -> None:
    with database.unit_of_work() as uow:
        uow.mail.settle(mail)


def kept(database: Persistence, to: EmailAddress) -> list[QueuedMail]:
    """What is stored about mail to the address; which number its version has is the adapter's affair."""
    with database.autocommit() as reads:
        return [replace(mail, version=0) for mail in reads.mail.of_address(to)]


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    to = an_address()
    mail = queued(database, a_notice(to=to))
    assert kept(database, to) == [mail]


@pytest.mark.parametrize("kind", MailKind)
def test_mail_of_every_kind_can_be_queued(database: Persistence, kind: MailKind) -> None:
    to = an_address()
    mail = queued(database, QueuedMail.notice(kind, to, slot=uuid4(), at=NOON))
    assert kept(database, to) == [mail]


def test_what_is_kept_about_an_address_comes_newest_first_and_no_more_than_100(database: Persistence) -> None:
    to = an_address()
    mails = [a_notice(to=to, scheduled_at=NOON + n * MINUTE) for n in range(103)]
    queued(database, *mails, a_notice())
    assert kept(database, to) == mails[:2:-1]


def test_the_first_request_of_a_kind_is_queued(database: Persistence) -> None:
    to = an_address()
    request(database, to, ids={"reset_id": "1"})
    assert kept(database, to) == [QueuedMail.capped(MailKind.PASSWORD_RESET, to, ids={"reset_id": "1"}, at=NOON)]


def test_a_request_takes_the_place_of_one_that_still_waits(database: Persistence) -> None:
    to = an_address()
    request(database, to, ids={"reset_id": "1"})
    request(database, to, ids={"reset_id": "2"}, at=NOON + MINUTE)
    assert kept(database, to) == [QueuedMail.capped(MailKind.PASSWORD_RESET, to, ids={"reset_id": "2"}, at=NOON)]


def test_each_kind_and_each_address_has_a_slot_of_its_own(database: Persistence) -> None:
    to, other = an_address(), an_address()
    request(database, to, kind=MailKind.PASSWORD_RESET)
    request(database, to, kind=MailKind.VERIFICATION)
    request(database, other, kind=MailKind.VERIFICATION)
    assert (len(kept(database, to)), len(kept(database, other))) == (2, 1)


def test_requests_are_capped_as_the_domain_says(database: Persistence) -> None:
    """Past the cap of an hour, so that every field of `requested_again` is seen to be stored."""
    to, at = an_address(), NOON
    request(database, to, at=at)
    expected = QueuedMail.capped(MailKind.PASSWORD_RESET, to, ids={}, at=at)
    for number in range(POLICY.most_an_hour + 1):
        (mail,) = lease(database, at=at)
        settle(database, mail.gone())
        ids = {"reset_id": str(number)}
        request(database, to, ids=ids, at=at)
        expected = expected.gone().requested_again(to, ids=ids, policy=POLICY, at=at)
        assert kept(database, to) == [expected]
        assert expected.due_at
        at = expected.due_at


def test_of_many_requests_at_once_one_mail_goes(database: Persistence) -> None:
    to = an_address()
    assert tally(at_once(lambda n: request(database, to, ids={"n": str(n)}))) == {None: MANY}
    assert [mail.address for mail in lease(database)] == [to]


def test_only_what_is_due_is_leased(database: Persistence) -> None:
    due = a_notice(due_at=NOON)
    queued(database, due, a_notice(due_at=NOON + timedelta(microseconds=1)), a_notice(due_at=None, address=None))
    (leased,) = lease(database)
    assert replace(leased, version=0) == replace(due, due_at=NOON + LEASE)


def test_no_more_than_the_limit_is_leased_and_the_longest_due_first(database: Persistence) -> None:
    mails = [a_notice(due_at=NOON - n * MINUTE) for n in range(5)]
    queued(database, *mails)
    slots = [{mail.slot for mail in lease(database, limit=2)} for _ in range(4)]
    expected = [mail.slot for mail in reversed(mails)]
    assert slots == [set(expected[:2]), set(expected[2:4]), set(expected[4:]), set()]


def test_a_lease_that_is_over_is_given_to_another(database: Persistence) -> None:
    queued(database, a_notice())
    (mine,) = lease(database)
    assert lease(database, at=NOON + LEASE - timedelta(microseconds=1)) == []
    (theirs,) = lease(database, at=NOON + LEASE)
    with pytest.raises(Stale):
        settle(database, mine.gone())
    settle(database, theirs.gone())


def test_what_is_settled_is_stored(database: Persistence) -> None:
    to = an_address()
    queued(database, a_notice(to=to))
    (leased,) = lease(database)
    failed = leased.failed("421 4.3.2 closing", policy=POLICY, at=NOON)
    settle(database, failed)
    assert kept(database, to) == [replace(failed, version=0)]


def test_mail_that_went_waits_no_more_and_its_address_is_nobodys_data(database: Persistence) -> None:
    to = an_address()
    mail = queued(database, a_notice(to=to))
    (leased,) = lease(database)
    settle(database, leased.gone())
    assert lease(database, at=NOON + 30 * DAY) == []
    assert kept(database, to) == [mail.gone()]


def test_a_request_meanwhile_is_not_overwritten(database: Persistence) -> None:
    to = an_address()
    request(database, to, ids={"reset_id": "1"})
    (leased,) = lease(database)
    request(database, to, ids={"reset_id": "2"})
    with pytest.raises(Stale):
        settle(database, leased.gone())
    (again,) = lease(database, at=NOON + LEASE)
    assert again.ids == {"reset_id": "2"}


def test_what_is_settled_twice_or_unknown_is_refused(database: Persistence) -> None:
    queued(database, a_notice())
    (leased,) = lease(database)
    settle(database, leased.gone())
    with pytest.raises(Stale):
        settle(database, leased.gone())
    with pytest.raises(Stale):
        settle(database, a_notice())


def test_of_many_who_settle_one_lease_one_does(database: Persistence) -> None:
    queued(database, a_notice())
    (leased,) = lease(database)
    assert tally(at_once(lambda _: settle(database, leased.gone()))) == {None: 1, Stale: MANY - 1}


def test_however_many_relays_lease_at_once_each_mail_goes_to_one(database: Persistence) -> None:
    mails = [a_notice() for _ in range(MANY)]
    queued(database, *mails)
    outcomes = at_once(lambda _: lease(database, limit=1))
    leased = [mail.slot for outcome in outcomes if isinstance(outcome, list) for mail in outcome]
    # Who finds every mail in other hands at that moment may come back with none.
    leased += [mail.slot for mail in lease(database)]
    assert sorted(leased) == sorted(mail.slot for mail in mails)


def test_mail_that_went_long_ago_is_swept_in_batches(database: Persistence) -> None:
    to = an_address()
    waiting = a_notice(to=to, scheduled_at=NOON - DAY)
    recent = a_notice(to=to, scheduled_at=NOON).gone()
    queued(database, waiting, recent, *(a_notice(to=to, scheduled_at=NOON - n * HOUR).gone() for n in range(1, 6)))
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.mail.sweep(before=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert kept(database, to) == [recent, waiting]
