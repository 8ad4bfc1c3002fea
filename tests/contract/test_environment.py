from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Lock
from uuid import RFC_4122, UUID

from adapters.environment import SystemClock, Uuid7Ids
from tests.builders import CountingIds
from tests.contract.threads import at_once


def test_the_time_is_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_id_is_a_uuid_of_version_7_made_now() -> None:
    id = Uuid7Ids().new()
    assert type(id) is UUID
    assert (id.version, id.variant) == (7, RFC_4122)
    assert abs(datetime.fromtimestamp((id.int >> 80) / 1000, UTC) - datetime.now(UTC)) < timedelta(minutes=1)


def test_each_id_sorts_after_the_one_before_within_a_millisecond_too() -> None:
    ids = [Uuid7Ids().new() for _ in range(50_000)]
    assert len({id.int >> 80 for id in ids}) < len(ids) / 10
    assert all(before < after for before, after in pairwise(ids))


def test_ids_of_many_threads_are_in_one_order() -> None:
    made: list[UUID] = []
    making = Lock()

    def make(_: int) -> None:
        for _ in range(500):
            with making:
                made.append(Uuid7Ids().new())

    at_once(make)
    assert all(before < after for before, after in pairwise(made))


def test_counted_ids_are_the_same_in_every_run_and_in_order() -> None:
    ids = CountingIds()
    made = [ids.new() for _ in range(3)]
    assert made == sorted(made) == [CountingIds().new(), *made[1:]]
    assert {id.version for id in made} == {7}
