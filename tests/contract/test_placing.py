"""The outbox as the sequencer and the readers of the feed see it."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid4

from application.ports.outbox import OutboxEvent
from application.ports.unit_of_work import Persistence
from domain.accounts import Account
from domain.kernel import AccountId
from tests.builders import NOON, an_active_account

SECOND = timedelta(seconds=1)


def renamed(database: Persistence, account: Account, *, times: int = 1, since: int = 0) -> None:
    """Each a second later."""
    for number in range(since, since + times):
        with database.unit_of_work() as uow:
            uow.accounts.save(uow.accounts.get(account.id).rename(f"Ada {number}", at=NOON + number * SECOND))


def one_with(database: Persistence, *, events: int, id: int | None = None) -> Account:
    account = an_active_account(id=AccountId(UUID(int=id) if id else uuid4()))
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
    renamed(database, account, times=events)
    return account


def unplaced(database: Persistence, *, limit: int = 100) -> list[OutboxEvent]:
    with database.autocommit() as reads:
        return reads.outbox.unplaced(limit=limit)


def feed(database: Persistence, *, after: int = 0, limit: int = 100, owner_id: UUID | None = None) -> list[OutboxEvent]:
    with database.autocommit() as reads:
        return reads.outbox.feed(after=after, limit=limit, owner_id=owner_id)


def place(database: Persistence, events: Iterable[OutboxEvent], *, since: int = 1) -> None:
    with database.unit_of_work() as uow:
        uow.outbox.place({(event.owner_id, event.id): position for position, event in enumerate(events, since)})


def versions(events: Iterable[OutboxEvent]) -> list[int]:
    return [event.version for event in events]


def test_what_was_committed_waits_and_is_not_yet_in_the_feed(database: Persistence) -> None:
    account = one_with(database, events=2)
    assert [(event.aggregate_id, event.position) for event in unplaced(database)] == [(account.id, None)] * 2
    assert feed(database) == []


def test_what_waits_comes_aggregate_by_aggregate_in_the_order_of_versions(database: Persistence) -> None:
    later, earlier = one_with(database, events=2, id=2), one_with(database, events=3, id=1)
    found = [(event.aggregate_id, event.version) for event in unplaced(database)]
    assert found == [(earlier.id, 1), (earlier.id, 2), (earlier.id, 3), (later.id, 1), (later.id, 2)]


def test_a_limit_cuts_off_only_what_comes_later(database: Persistence) -> None:
    one_with(database, events=5)
    assert versions(unplaced(database, limit=3)) == [1, 2, 3]
    place(database, unplaced(database, limit=3))
    assert versions(unplaced(database, limit=3)) == [4, 5]


def test_what_has_its_place_is_in_the_feed_in_order_and_waits_no_more(database: Persistence) -> None:
    one_with(database, events=4)
    place(database, reversed(unplaced(database)), since=2**40)
    assert unplaced(database) == []
    assert [(event.position, event.version) for event in feed(database)] == [
        (2**40, 4),
        (2**40 + 1, 3),
        (2**40 + 2, 2),
        (2**40 + 3, 1),
    ]


def test_the_feed_goes_on_behind_a_place_and_gives_no_more_than_asked_for(database: Persistence) -> None:
    one_with(database, events=5)
    place(database, unplaced(database))
    assert versions(feed(database, after=2, limit=2)) == [3, 4]
    assert versions(feed(database, after=4)) == [5]
    assert feed(database, after=5) == []


def test_the_feed_of_an_owner_has_nothing_of_others(database: Persistence) -> None:
    one, other = one_with(database, events=2, id=1), one_with(database, events=1, id=2)
    place(database, unplaced(database))
    assert [event.owner_id for event in feed(database, owner_id=one.id)] == [one.id, one.id]
    assert [event.position for event in feed(database, owner_id=other.id)] == [3]
    assert feed(database, owner_id=uuid4()) == []


def test_whose_events_are_new_is_told_for_just_that_stretch(database: Persistence) -> None:
    one, other = one_with(database, events=2, id=1), one_with(database, events=2, id=2)
    place(database, unplaced(database))
    with database.autocommit() as reads:
        assert reads.outbox.owners(after=0, through=4) == {one.id, other.id}
        assert reads.outbox.owners(after=1, through=2) == {one.id}
        assert reads.outbox.owners(after=2, through=4) == {other.id}
        assert reads.outbox.owners(after=4, through=9) == set()


def test_nothing_is_placed_where_nothing_waits(database: Persistence) -> None:
    place(database, [])
    assert feed(database) == []


def test_a_place_that_is_given_back_was_never_given(database: Persistence) -> None:
    one_with(database, events=1)
    [event] = unplaced(database)
    try:
        with database.unit_of_work() as uow:
            uow.outbox.place({(event.owner_id, event.id): 1})
            raise InterruptedError
    except InterruptedError:
        assert (unplaced(database), feed(database)) == ([event], [])


def test_of_some_keys_those_that_exist_are_found(database: Persistence) -> None:
    one_with(database, events=3)
    first, second, _ = unplaced(database)
    with database.autocommit() as reads:
        some = reads.outbox.some([(first.owner_id, first.id), (second.owner_id, second.id), (uuid4(), first.id)])
        assert sorted(versions(some)) == [1, 2]
        assert reads.outbox.some([]) == []


def forgotten(database: Persistence, *, before: int, limit: int = 100) -> int | None:
    """`before` so many seconds after noon."""
    with database.unit_of_work() as uow:
        return uow.outbox.forget(before=NOON + before * SECOND, limit=limit)


def test_what_is_old_is_forgotten_from_the_beginning_on(database: Persistence) -> None:
    one_with(database, events=5)
    place(database, unplaced(database))
    assert forgotten(database, before=3) == 3
    assert versions(feed(database)) == [4, 5]
    assert forgotten(database, before=3) is None


def test_no_more_is_forgotten_at_once_than_asked_for(database: Persistence) -> None:
    one_with(database, events=5)
    place(database, unplaced(database))
    assert [forgotten(database, before=4, limit=3) for _ in range(3)] == [3, 4, None]


def test_nothing_is_forgotten_behind_what_must_stay(database: Persistence) -> None:
    """So that what is gone has one end: positions follow commits, not clocks."""
    one_with(database, events=3)
    young_first = sorted(unplaced(database), key=lambda event: event.at, reverse=True)
    place(database, young_first)
    assert forgotten(database, before=2) is None
    assert len(feed(database)) == 3


def test_what_has_no_place_yet_is_never_forgotten(database: Persistence) -> None:
    account = one_with(database, events=2)
    place(database, unplaced(database))
    renamed(database, account, since=2)
    assert forgotten(database, before=99) == 2
    assert versions(unplaced(database)) == [3]
