from uuid import uuid4

from application.ports.unit_of_work import Persistence
from domain.email_changes import EmailChange
from domain.kernel import AccountId, EmailChangeId
from tests.builders import DAY, MINUTE, NOON, an_account, an_email_change
from tests.contract.threads import MANY, at_once, tally


def waiting(database: Persistence, *changes: EmailChange) -> EmailChange:
    """Each with the account that it belongs to."""
    with database.unit_of_work() as uow:
        for change in changes:
            uow.accounts.add(an_account(id=change.account_id))
            uow.email_changes.put(change)
    return changes[0]


def stored(database: Persistence, change: EmailChange) -> EmailChange | None:
    with database.autocommit() as reads:
        return reads.email_changes.find(change.account_id, at=NOON)


def take(database: Persistence, change: EmailChange) -> EmailChange | None:
    with database.unit_of_work() as uow:
        return uow.email_changes.take(change.account_id, change.id, at=NOON)


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    change = waiting(database, an_email_change())
    assert stored(database, change) == change


def test_an_account_has_one_change_waiting_the_newest(database: Persistence) -> None:
    first = waiting(database, an_email_change())
    second = an_email_change(account_id=first.account_id, created_at=NOON, expires_at=NOON + DAY)
    with database.unit_of_work() as uow:
        uow.email_changes.put(second)
    assert stored(database, first) == second
    assert take(database, first) is None
    assert take(database, second) == second


def test_a_change_is_taken_once(database: Persistence) -> None:
    change = waiting(database, an_email_change())
    assert take(database, change) == change
    assert take(database, change) is None
    assert stored(database, change) is None


def test_a_change_is_taken_by_its_account_only(database: Persistence) -> None:
    change, other = an_email_change(), an_email_change()
    waiting(database, change, other)
    with database.unit_of_work() as uow:
        assert uow.email_changes.take(other.account_id, change.id, at=NOON) is None
        assert uow.email_changes.take(change.account_id, EmailChangeId(uuid4()), at=NOON) is None
    assert (stored(database, change), stored(database, other)) == (change, other)


def test_an_expired_change_is_worth_nothing(database: Persistence) -> None:
    change = waiting(database, an_email_change(expires_at=NOON))
    assert stored(database, change) is None
    assert take(database, change) is None


def test_a_change_can_be_voided(database: Persistence) -> None:
    change, other = an_email_change(), an_email_change()
    waiting(database, change, other)
    with database.unit_of_work() as uow:
        uow.email_changes.void(change.account_id)
        uow.email_changes.void(AccountId(uuid4()))
    assert (stored(database, change), stored(database, other)) == (None, other)


def test_of_many_who_take_a_change_one_gets_it(database: Persistence) -> None:
    change = waiting(database, an_email_change())
    assert tally(at_once(lambda _: take(database, change))) == {change: 1, None: MANY - 1}


def test_of_many_changes_put_at_once_one_waits(database: Persistence) -> None:
    first = waiting(database, an_email_change())
    changes = [an_email_change(account_id=first.account_id) for _ in range(MANY)]

    def put(number: int) -> None:
        with database.unit_of_work() as uow:
            uow.email_changes.put(changes[number])

    assert tally(at_once(put)) == {None: MANY}
    assert [take(database, change) is not None for change in (first, *changes)].count(True) == 1


def test_expired_changes_are_swept_in_batches(database: Persistence) -> None:
    alive = an_email_change(expires_at=NOON + MINUTE)
    waiting(database, alive, *(an_email_change(expires_at=NOON - n * DAY) for n in range(5)))
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.email_changes.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert stored(database, alive) == alive
