from uuid import UUID

import pytest

from domain.deliveries import Delivery, DeliveryPending, DeliveryState
from domain.kernel import DeliveryId, WebhookId
from domain.webhooks import WebhookPolicy
from tests.builders import HOUR, MINUTE, NOON, a_delivery, a_waiting_delivery

POLICY = WebhookPolicy(retry_after=(MINUTE, HOUR), jitter=0.5)


def test_what_is_delivered_is_over() -> None:
    delivered = a_waiting_delivery(tries=1, error="timeout").delivered(204, at=NOON)
    assert (delivered.state, delivered.tries, delivered.status) == (DeliveryState.DELIVERED, 2, 204)
    assert (delivered.error, delivered.tried_at, delivered.settled_at) == ("", NOON, NOON)


def test_what_fails_waits_ever_longer_and_is_given_up_in_the_end() -> None:
    delivery, waits = a_waiting_delivery(), []
    for _ in range(3):
        assert delivery.state is DeliveryState.PENDING
        delivery, wait = delivery.failed(None, "timeout", policy=POLICY, random=1.0, at=NOON)
        waits.append(wait)
    assert waits == [1.5 * MINUTE, 1.5 * HOUR, None]
    assert (delivery.state, delivery.tries, delivery.settled_at) == (DeliveryState.FAILED, 3, NOON)
    assert (delivery.status, delivery.error) == (None, "timeout")


def test_what_is_over_can_be_sent_once_more_under_the_same_message_id() -> None:
    over = a_delivery()
    again = over.redeliver()
    assert (again.state, again.tries, again.settled_at) == (DeliveryState.PENDING, 0, None)
    assert again.message_id == over.message_id == str(over.event_id)
    with pytest.raises(DeliveryPending):
        again.redeliver()


def test_each_test_has_a_lane_of_its_own() -> None:
    owner_id, endpoint_id = UUID(int=1), WebhookId(UUID(int=2))
    first, second = (
        Delivery.test(owner_id=owner_id, id=DeliveryId(UUID(int=number)), endpoint_id=endpoint_id, at=NOON)
        for number in (3, 4)
    )
    assert first.lane != second.lane
    assert first.is_test
    assert not a_delivery().is_test
