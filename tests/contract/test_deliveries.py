from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.ports.deliveries import Errand, Settled
from application.ports.unit_of_work import Persistence
from domain.deliveries import Delivery
from domain.kernel import CursorInvalid, DeliveryId, Stale, WebhookId
from tests.builders import DAY, HOUR, MINUTE, NOON, a_delivery, a_waiting_delivery
from tests.contract.given import NOT_A_CURSOR, SOMEBODY
from tests.contract.threads import at_once

OWNER = UUID(int=11)
ENDPOINT, ANOTHER = WebhookId(UUID(int=12)), WebhookId(UUID(int=13))
LANE, ELSEWHERE = UUID(int=14), UUID(int=15)
LEASE = timedelta(seconds=30)


def waiting(position: int, aggregate_id: UUID = LANE, **changes: Any) -> Delivery:
    of_endpoint = {"owner_id": OWNER, "endpoint_id": ENDPOINT}
    return a_waiting_delivery(position=position, aggregate_id=aggregate_id, **{**of_endpoint, **changes})


def queued(database: Persistence, *deliveries: Delivery) -> None:
    with database.unit_of_work() as uow:
        uow.deliveries.queue(deliveries)


def claimed(database: Persistence, at: datetime = NOON, *, limit: int = 10, **options: Any) -> list[Errand]:
    with database.unit_of_work() as uow:
        return uow.deliveries.claim(limit=limit, lease=LEASE, at=at, **options)


def positions(errands: list[Errand]) -> list[int]:
    return [errand.delivery.position for errand in errands]


def settled(database: Persistence, errand: Errand, at: datetime = NOON, *, retry_at: datetime | None = None) -> None:
    """Delivered, unless it is to be tried again."""
    before = errand.delivery
    after = before.delivered(200, at=at)
    if retry_at:
        after = a_waiting_delivery(
            **{name: getattr(before, name) for name in before.__slots__} | {"tries": before.tries + 1, "status": 500}
        )
    with database.unit_of_work() as uow:
        uow.deliveries.settle([Settled(errand=errand, delivery=after, due_at=retry_at or at)])


def found(database: Persistence, delivery: Delivery) -> Delivery | None:
    with database.autocommit() as reads:
        return reads.deliveries.find(delivery.owner_id, delivery.id)


@pytest.mark.parametrize("delivery", [a_delivery(), a_waiting_delivery()])
def test_every_field_survives_the_round_trip(database: Persistence, delivery: Delivery) -> None:
    queued(database, delivery)
    assert found(database, delivery) == delivery


def test_of_a_lane_only_the_first_is_under_way(database: Persistence) -> None:
    queued(database, waiting(7), waiting(3), waiting(5))
    (errand,) = claimed(database)
    assert errand.delivery.position == 3
    assert errand.leased_until == NOON + LEASE
    assert claimed(database) == []


def test_lanes_do_not_wait_for_one_another(database: Persistence) -> None:
    queued(database, waiting(1), waiting(2, ELSEWHERE), waiting(3), waiting(4, endpoint_id=ANOTHER))
    assert positions(claimed(database)) == [1, 2, 4]


def test_what_is_delivered_makes_way_for_the_next_at_once(database: Persistence) -> None:
    queued(database, waiting(1), waiting(2))
    for position in (1, 2):
        (errand,) = claimed(database)
        assert errand.delivery.position == position
        settled(database, errand)
    assert claimed(database, NOON + DAY) == []


def test_what_became_of_it_is_kept(database: Persistence) -> None:
    queued(database, waiting(1))
    (errand,) = claimed(database)
    settled(database, errand, NOON + MINUTE)
    assert found(database, errand.delivery) == errand.delivery.delivered(200, at=NOON + MINUTE)


def test_what_failed_holds_its_lane_until_it_is_due_again(database: Persistence) -> None:
    queued(database, waiting(1), waiting(2))
    (errand,) = claimed(database)
    settled(database, errand, retry_at=NOON + HOUR)
    assert claimed(database, NOON + HOUR - MINUTE) == []
    (again,) = claimed(database, NOON + HOUR)
    assert (again.delivery.position, again.delivery.tries, again.delivery.status) == (1, 1, 500)


def test_after_the_lease_another_may_take_the_lane(database: Persistence) -> None:
    queued(database, waiting(1))
    claimed(database)
    assert claimed(database, NOON + LEASE - timedelta(milliseconds=1)) == []
    assert positions(claimed(database, NOON + LEASE)) == [1]


def test_who_slept_through_the_lease_settles_nothing(database: Persistence) -> None:
    queued(database, waiting(1))
    (slept,) = claimed(database)
    (awake,) = claimed(database, NOON + LEASE)
    settled(database, slept)
    assert found(database, slept.delivery) == slept.delivery
    settled(database, awake, NOON + LEASE)
    assert claimed(database, NOON + DAY) == []


def test_what_comes_while_the_first_is_under_way_is_next(database: Persistence) -> None:
    queued(database, waiting(1))
    (errand,) = claimed(database)
    queued(database, waiting(2, created_at=NOON + MINUTE))
    assert claimed(database) == []
    settled(database, errand)
    assert positions(claimed(database)) == [2]


def test_at_most_so_many_are_claimed_the_longest_due_first(database: Persistence) -> None:
    queued(database, *(waiting(number, UUID(int=number), created_at=NOON - number * MINUTE) for number in range(1, 6)))
    assert positions(claimed(database, limit=2)) == [4, 5]
    assert positions(claimed(database, limit=2)) == [2, 3]


def test_endpoints_can_be_left_out(database: Persistence) -> None:
    queued(database, waiting(1), waiting(2, endpoint_id=ANOTHER))
    assert positions(claimed(database, except_endpoints=[ENDPOINT])) == [2]


def test_many_are_settled_together(database: Persistence) -> None:
    queued(database, *(waiting(number, UUID(int=100 + number // 2)) for number in range(20)))
    errands = claimed(database, limit=20)
    with database.unit_of_work() as uow:
        uow.deliveries.settle(
            [Settled(errand=each, delivery=each.delivery.delivered(204, at=NOON), due_at=NOON) for each in errands]
        )
    assert positions(errands) == list(range(0, 20, 2))
    assert positions(claimed(database, limit=20)) == list(range(1, 20, 2))


def test_one_that_was_over_waits_again_in_its_lane(database: Persistence) -> None:
    queued(database, waiting(1), waiting(2))
    (errand,) = claimed(database)
    settled(database, errand)
    over = found(database, errand.delivery)
    assert over
    with database.unit_of_work() as uow:
        uow.deliveries.requeue(over.redeliver(), at=NOON)
    assert positions(claimed(database)) == [1]
    with pytest.raises(Stale), database.unit_of_work() as uow:
        uow.deliveries.requeue(over.redeliver(), at=NOON)


def test_what_waits_for_an_endpoint_can_be_dropped(database: Persistence) -> None:
    queued(database, *(waiting(number, UUID(int=number)) for number in range(1, 4)))
    other = waiting(9, endpoint_id=ANOTHER)
    queued(database, other)
    (errand,) = claimed(database, limit=1)
    settled(database, errand)
    dropped = []
    for _ in range(3):
        with database.unit_of_work() as uow:
            dropped.append(uow.deliveries.drop(OWNER, ENDPOINT, limit=1))
    assert dropped == [1, 1, 0]
    assert found(database, errand.delivery), "the log stays"
    assert positions(claimed(database, NOON + DAY)) == [9]


def test_the_log_shows_the_newest_first_page_by_page(database: Persistence) -> None:
    log = [waiting(number) for number in range(5)]
    queued(database, *log, waiting(7, endpoint_id=ANOTHER))
    with database.autocommit() as reads:
        newest, after = reads.deliveries.page(OWNER, ENDPOINT, limit=3, after=None)
        oldest, end = reads.deliveries.page(OWNER, ENDPOINT, limit=3, after=after)
        assert newest + oldest == log[::-1]
        assert end is None
        assert reads.deliveries.page(SOMEBODY, ENDPOINT, limit=3, after=None) == ([], None)


@pytest.mark.parametrize("cursor", NOT_A_CURSOR)
def test_what_is_no_cursor_is_refused(database: Persistence, cursor: str) -> None:
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.deliveries.page(OWNER, ENDPOINT, limit=2, after=cursor)


def test_only_what_has_long_been_over_is_swept(database: Persistence) -> None:
    old, young, still = (
        a_delivery(settled_at=NOON),
        a_delivery(settled_at=NOON + HOUR),
        a_waiting_delivery(created_at=NOON - DAY),
    )
    queued(database, old, young, still)
    with database.unit_of_work() as uow:
        assert uow.deliveries.sweep(before=NOON + MINUTE, limit=10) == 1
    assert [found(database, each) is not None for each in (old, young, still)] == [False, True, True]


def test_nothing_is_there_that_was_never_queued(database: Persistence) -> None:
    with database.autocommit() as reads:
        assert reads.deliveries.find(OWNER, DeliveryId(uuid4())) is None
    queued(database)
    assert claimed(database) == []


def test_what_is_queued_while_the_lane_is_emptied_is_delivered_still(database: Persistence) -> None:
    """Half of them queue into one lane, the others empty and remove it."""

    def act(number: int) -> int:
        if number % 2:
            queued(database, waiting(number))
            return 0
        done = 0
        for errand in claimed(database):
            settled(database, errand)
            done += 1
        return done

    delivered = sum(each for each in at_once(act, threads=16) if isinstance(each, int))
    while errands := claimed(database, NOON + DAY):
        for errand in errands:
            settled(database, errand)
            delivered += 1
    assert delivered == 8


def test_no_two_relays_get_the_same(database: Persistence) -> None:
    queued(database, *(waiting(number, UUID(int=1000 + number)) for number in range(40)))
    rounds = at_once(lambda _: positions(claimed(database, limit=5)), threads=12)
    got = [position for each in rounds if isinstance(each, list) for position in each]
    got += positions(claimed(database, limit=40))
    assert sorted(got) == list(range(40))
