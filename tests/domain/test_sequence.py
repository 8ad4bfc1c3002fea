from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from domain.kernel import CursorInvalid
from domain.sequence import CursorExpired, Sequence
from tests.builders import NOON

ONE, OTHER = UUID(int=1), UUID(int=2)
LEASE = timedelta(seconds=3)


def held_by(holder: UUID) -> Sequence:
    taken = Sequence(position=7).taken(holder, lease=LEASE, at=NOON)
    assert taken
    return taken


def test_what_nobody_holds_is_taken_by_whoever_comes_first() -> None:
    assert held_by(ONE) == Sequence(epoch=1, holder=ONE, expires_at=NOON + LEASE, position=7)


def test_whoever_holds_it_renews_it_within_the_same_epoch() -> None:
    later = NOON + timedelta(seconds=2)
    assert held_by(ONE).taken(ONE, lease=LEASE, at=later) == replace(held_by(ONE), expires_at=later + LEASE)


def test_nobody_else_gets_it_before_it_expires() -> None:
    assert held_by(ONE).taken(OTHER, lease=LEASE, at=NOON + LEASE - timedelta(microseconds=1)) is None


def test_whoever_takes_over_begins_an_epoch() -> None:
    taken = held_by(ONE).taken(OTHER, lease=LEASE, at=NOON + LEASE)
    assert taken == Sequence(epoch=2, holder=OTHER, expires_at=NOON + 2 * LEASE, position=7)


@pytest.mark.parametrize("position", [3, 5, 9])
def test_the_feed_is_read_on_from_anywhere_that_is_kept(position: int) -> None:
    Sequence(position=9, forgotten=3).must_reach(position)


@pytest.mark.parametrize("position", [-1, 10])
def test_a_place_that_the_feed_never_came_to_is_no_cursor(position: int) -> None:
    with pytest.raises(CursorInvalid):
        Sequence(position=9, forgotten=3).must_reach(position)


def test_a_place_before_what_is_kept_has_expired() -> None:
    with pytest.raises(CursorExpired):
        Sequence(position=9, forgotten=3).must_reach(2)
