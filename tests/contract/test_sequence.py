from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.sequence import Sequence
from tests.builders import NOON
from tests.contract.threads import MANY, at_once

ONE, OTHER = UUID(int=1), UUID(int=2)
LEASE = timedelta(seconds=3)


def now(database: Persistence) -> Sequence:
    with database.autocommit() as reads:
        return reads.sequence.get()


def taken(database: Persistence, holder: UUID, *, after: timedelta = timedelta()) -> Sequence | None:
    with database.unit_of_work() as uow:
        return uow.sequence.take(holder, lease=LEASE, at=NOON + after)


def test_it_begins_with_nothing_placed_and_nobody_at_work(database: Persistence) -> None:
    assert now(database) == Sequence()


def test_every_field_of_it_is_kept(database: Persistence) -> None:
    with database.unit_of_work() as uow:
        sequence = uow.sequence.take(ONE, lease=LEASE, at=NOON)
        assert sequence
        uow.sequence.advance(sequence.advanced(2**40))
        uow.sequence.forget(2**39)
    expected = Sequence(epoch=1, holder=ONE, expires_at=NOON + LEASE, position=2**40, forgotten=2**39)
    assert now(database) == expected


@pytest.mark.parametrize(
    ("holder", "after", "epoch"),
    [
        (ONE, timedelta(seconds=2), 1),
        (ONE, timedelta(seconds=9), 1),
        (OTHER, timedelta(seconds=2), None),
        (OTHER, LEASE - timedelta(microseconds=1), None),
        (OTHER, LEASE, 2),
        (OTHER, timedelta(seconds=9), 2),
    ],
)
def test_the_lease_is_given_as_the_domain_says(
    database: Persistence, holder: UUID, after: timedelta, epoch: int | None
) -> None:
    held = taken(database, ONE)
    assert held
    expected = held.taken(holder, lease=LEASE, at=NOON + after)
    assert taken(database, holder, after=after) == expected
    assert expected is None if epoch is None else expected and expected.epoch == epoch
    assert now(database) == (expected or held)


def stopped_after_taking(database: Persistence) -> None:
    with database.unit_of_work() as uow:
        uow.sequence.take(ONE, lease=LEASE, at=NOON)
        raise InterruptedError


def test_what_is_taken_in_vain_is_given_back(database: Persistence) -> None:
    with pytest.raises(InterruptedError):
        stopped_after_taking(database)
    assert now(database) == Sequence()


def test_of_many_who_would_take_over_one_does(database: Persistence) -> None:
    assert taken(database, ONE)
    holders = [uuid4() for _ in range(MANY)]
    outcomes = at_once(lambda number: taken(database, holders[number], after=LEASE))
    [won] = [outcome for outcome in outcomes if outcome is not None]
    assert won == now(database)
    assert isinstance(won, Sequence)
    assert won.epoch == 2


def test_a_batch_is_counted_on_from_what_the_one_before_committed(database: Persistence) -> None:
    def add(_: int) -> int | None:
        with database.unit_of_work() as uow:
            sequence = uow.sequence.take(ONE, lease=LEASE, at=NOON)
            assert sequence
            uow.sequence.advance(sequence.advanced(1))
        return sequence.position

    assert sorted(at_once(add), key=int) == list(range(MANY))  # type: ignore[arg-type]  # none is refused
    assert now(database).position == MANY
