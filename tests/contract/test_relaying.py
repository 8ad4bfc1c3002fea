"""From a change to its receiver on every adapter: sequencer, lanes and relay as they work together."""

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from uuid import UUID

from application.ports.unit_of_work import Persistence
from application.ports.webhooks import Parcel
from domain.deliveries import Delivery, DeliveryState
from domain.webhooks import WebhookEndpoint
from tests.application.fakes import PatientCourier
from tests.application.world import World
from tests.builders import DAY, MINUTE
from tests.contract.threads import at_once

CHANGES = 6


@dataclass(frozen=True, slots=True)
class Story:
    world: World
    endpoint: WebhookEndpoint

    def log(self) -> list[Delivery]:
        with self.world.database.persistence.autocommit() as reads:
            log: list[Delivery] = reads.deliveries.page(
                self.endpoint.owner_id, self.endpoint.id, limit=100, after=None
            )[0]
        return log


def told(database: Persistence) -> Story:
    """Several people, each with a few changes of which an operator's webhook is to hear."""
    world = World(persistence=database)
    operator = world.an_operator()
    while world.sequence():
        pass
    made = world.make_webhook(holder=operator, url="https://hooks.example.com/", events=["account.renamed"])
    people = [world.somebody(f"somebody{number}@example.org") for number in range(3)]
    for number in range(CHANGES):
        for person in people:
            world.rename(principal=person, display_name=f"Ada {number}")
    while world.sequence():
        pass
    return Story(world, made.endpoint)


def versions(parcels: list[Parcel]) -> dict[UUID, list[int]]:
    """By aggregate, in the order in which they went out."""
    found: dict[UUID, list[int]] = defaultdict(list)
    for parcel in parcels:
        found[parcel.aggregate_id].append(json.loads(parcel.body)["data"]["aggregate_version"])
    return found


def test_each_event_arrives_once_and_in_the_order_of_its_aggregate(database: Persistence) -> None:
    story = told(database)
    courier = story.world.courier
    while story.world.relay_webhooks():
        courier.answer(200)
    assert {len(each) for each in versions(courier.sent).values()} == {CHANGES}
    assert all(each == sorted(set(each)) for each in versions(courier.sent).values())
    assert [each.state for each in story.log()] == [DeliveryState.DELIVERED] * 3 * CHANGES


def test_a_receiver_that_fails_now_and_then_misses_nothing(database: Persistence) -> None:
    story = told(database)
    world, taken = story.world, list[Parcel]()
    for number in range(200):
        world.relay_webhooks()
        answered = world.courier.answer(500 if number % 3 == 0 else 200)
        taken += answered if number % 3 else []
        world.clock.advance(MINUTE)
    assert {len(each) for each in versions(taken).values()} == {CHANGES}
    assert all(each == sorted(set(each)) for each in versions(taken).values())


def test_many_relays_at_once_send_nothing_twice_and_nothing_out_of_order(database: Persistence) -> None:
    story = told(database)
    sent: list[Parcel] = []

    def relay(_: int) -> int:
        courier = PatientCourier()
        step = replace(story.world.relay_webhooks, courier=courier)
        for _ in range(40):
            step()
            sent.extend(courier.answer(200))
        step()
        return len(courier.sent)

    counts = at_once(relay, threads=6)
    assert sum(count for count in counts if isinstance(count, int)) == 3 * CHANGES
    assert len({parcel.message_id for parcel in sent}) == 3 * CHANGES
    assert all(each == sorted(each) for each in versions(sent).values())


def test_what_a_dead_relay_held_is_sent_by_another(database: Persistence) -> None:
    story = told(database)
    world = story.world
    world.relay_webhooks()
    lost = {parcel.message_id for parcel in world.courier.sent}
    assert len(lost) == 3
    heir = replace(world.relay_webhooks, courier=PatientCourier())
    assert not heir()
    world.clock.advance(DAY)
    assert heir()
    assert isinstance(heir.courier, PatientCourier)
    assert {parcel.message_id for parcel in heir.courier.sent} == lost
