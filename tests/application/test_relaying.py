"""What a receiver gets, when, and what is kept of it: the relay over a courier that answers as it is told."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.ports.webhooks import Parcel
from application.webhooks import Holder
from domain.access import Actor
from domain.audit import INSTALLATION
from domain.deliveries import Delivery, DeliveryNotFound, DeliveryPending, DeliveryState
from domain.webhooks import EndOfWebhook, WebhookDisabled, WebhookEndpoint, WebhookPolicy, WebhookSecret
from entrypoints.http.events import EventOut
from tests.application.world import ADA, EVE, World
from tests.builders import DAY, HOUR, MINUTE

URL, ANOTHER = "https://hooks.example.com/portico", "https://slow.example.com/"
POLICY = WebhookPolicy()


@pytest.fixture
def acme(world: World) -> Actor:
    """Nothing of how it came to be is in the way."""
    actor = world.an_organization()
    placed(world)
    return actor


def placed(world: World) -> None:
    while world.sequencer():
        pass


def a_webhook(world: World, holder: Holder, *events: str, url: str = URL) -> WebhookEndpoint:
    """Its own making is told to nobody."""
    endpoint = world.make_webhook(holder=holder, url=url, events=events or ["organization.*"]).endpoint
    placed(world)
    return endpoint


def renamed(world: World, actor: Actor, *names: str) -> None:
    for name in names:
        world.change_organization(actor=actor, name=name)
    placed(world)


def step(world: World) -> list[Parcel]:
    """What goes out now."""
    before = len(world.courier.sent)
    world.relay_webhooks()
    return world.courier.sent[before:]


def said(parcel: Parcel) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(parcel.body)
    return body


def log(world: World, endpoint: WebhookEndpoint) -> list[Delivery]:
    """Oldest first."""
    with world.database.persistence.autocommit() as database:
        newest_first: list[Delivery] = database.deliveries.page(endpoint.owner_id, endpoint.id, limit=100, after=None)[
            0
        ]
    return newest_first[::-1]


def endpoint_now(world: World, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    with world.database.persistence.autocommit() as database:
        found: WebhookEndpoint | None = database.webhooks.find(endpoint.owner_id, endpoint.id)
    assert found
    return found


def test_an_event_goes_to_who_wants_it_as_the_feed_tells_it(world: World, acme: Actor) -> None:
    secret = world.make_webhook(holder=acme, url=URL, events=["organization.*"]).secret
    placed(world)
    renamed(world, acme, "Renamed")
    (parcel,) = step(world)
    (event,) = [event for event in world.events() if event.name == "organization.changed"]
    body = said(parcel)
    assert (body["type"], body["data"]) == (event.name, json.loads(EventOut.of(event).model_dump_json()))
    assert body["timestamp"] == body["data"]["at"]
    assert (parcel.url, parcel.message_id, parcel.at) == (URL, str(event.id), world.clock.now())
    assert [WebhookSecret.make(key).text for key in parcel.secrets] == [secret]
    assert secret not in repr(parcel)


def test_what_is_not_wanted_or_not_theirs_goes_to_nobody(world: World, acme: Actor) -> None:
    a_webhook(world, acme, "member.*")
    other = world.an_organization(EVE, name="Other")
    placed(world)
    a_webhook(world, other)
    renamed(world, acme, "Renamed")
    assert step(world) == []


def test_the_installations_webhooks_get_the_events_of_all(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, world.an_operator())
    renamed(world, acme, "Renamed")
    (parcel,) = step(world)
    assert parcel.owner_id == INSTALLATION
    assert said(parcel)["data"]["organization_id"] == str(acme.organization_id)
    assert parcel.endpoint_id == webhook.id


def test_without_a_webhook_nothing_is_written_about_one(world: World, acme: Actor) -> None:
    world.change_organization(actor=acme, name="Renamed")
    with world.work() as done:
        placed(world)
    assert not [call for call in done if "deliveries" in str(call)]


def test_an_aggregates_events_come_one_after_the_other(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One", "Two", "Three")
    versions = []
    while parcels := step(world):
        assert len(parcels) == 1
        versions.append(said(parcels[0])["data"]["aggregate_version"])
        world.courier.answer(204)
    assert versions == sorted(versions)
    assert [(each.state, each.tries, each.status) for each in log(world, webhook)] == [
        (DeliveryState.DELIVERED, 1, 204)
    ] * 3


def test_what_fails_is_tried_again_under_the_same_id_before_what_comes_after_it(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One", "Two")
    (first,) = step(world)
    world.courier.answer(500)
    assert step(world) == []
    world.clock.advance(timedelta(seconds=7))
    (again,) = step(world)
    assert (again.message_id, again.body) == (first.message_id, first.body)
    assert again.at > first.at
    world.courier.answer(None, "timeout")
    step(world)
    tried, waiting = log(world, webhook)
    assert (tried.state, tried.tries, tried.status, tried.error) == (DeliveryState.PENDING, 2, None, "timeout")
    assert waiting.tries == 0


def test_past_its_last_retry_it_is_given_up_and_the_next_goes(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One", "Two")
    began = world.clock.now()
    while log(world, webhook)[0].state is DeliveryState.PENDING:
        world.clock.advance(MINUTE)
        step(world)
        world.courier.answer(503)
    assert 2.5 * DAY < world.clock.now() - began < 4 * DAY
    given_up, following = log(world, webhook)
    assert (given_up.state, given_up.tries, given_up.status) == (DeliveryState.FAILED, 11, 503)
    assert [parcel.message_id for parcel in world.courier.sent] == [given_up.message_id] * 11 + [following.message_id]


def test_a_relay_that_dies_leaves_its_lanes_to_the_others(world: World, acme: Actor) -> None:
    a_webhook(world, acme)
    renamed(world, acme, "One")
    (lost,) = step(world)
    other = replace(world.relay_webhooks)
    assert not other()
    world.clock.advance(POLICY.lease)
    assert other()
    assert world.courier.sent[-1].message_id == lost.message_id


def test_one_slow_endpoint_leaves_room_to_the_others(world: World, acme: Actor) -> None:
    a_webhook(world, acme, "account.*", "session.*", url=ANOTHER)
    slow, quick = a_webhook(world, world.an_operator(), "session.*", url=ANOTHER), a_webhook(world, acme)
    for number in range(30):
        world.somebody(f"somebody{number}@example.org")
    placed(world)
    for _ in range(10):
        step(world)
    under_way = len([parcel for parcel in world.courier.sent if parcel.endpoint_id == slow.id])
    assert 0 < under_way <= world.courier.most // 2
    renamed(world, acme, "One")
    assert [parcel.endpoint_id for parcel in step(world)] == [quick.id]


def test_it_fails_since_its_first_failure_until_it_succeeds(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One")
    step(world)
    world.courier.answer(500)
    step(world)
    assert endpoint_now(world, webhook).failing_since == world.clock.now()
    world.clock.advance(MINUTE)
    step(world)
    world.courier.answer(200)
    step(world)
    assert endpoint_now(world, webhook).failing_since is None


def test_a_success_is_not_forgotten_because_its_call_began_before_the_failure_of_another(
    world: World, acme: Actor
) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One")
    failing = step(world)
    world.try_webhook(holder=acme, webhook_id=webhook.id)
    assert len(failing + step(world)) == 2
    trial = world.courier.sent[-1]
    world.courier.answer(500, only=failing)
    step(world)
    assert endpoint_now(world, webhook).failing_since
    world.courier.answer(200, only=[trial])
    step(world)
    assert endpoint_now(world, webhook).failing_since is None


def test_while_it_works_the_endpoint_is_not_written(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One", "Two")
    for _ in range(3):
        step(world)
        world.courier.answer(200)
    assert endpoint_now(world, webhook).version == webhook.version


def test_after_five_days_of_failure_it_is_off_and_the_owners_are_told(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    for day in range(6):
        renamed(world, acme, f"Day {day}")
        step(world)
        world.courier.answer(500)
        step(world)
        world.clock.advance(DAY)
    step(world)
    world.courier.answer(500)
    step(world)
    off = endpoint_now(world, webhook)
    assert off.disabled_because is EndOfWebhook.FAILING
    assert [each.state for each in log(world, webhook) if each.state is DeliveryState.PENDING] == []
    mail = world.mailed("webhook_disabled")
    assert mail.to.value == ADA
    assert (mail.values["host"], mail.values["webhook_id"]) == ("hooks.example.com", str(webhook.id))
    renamed(world, acme, "Afterwards")
    assert step(world) == []


def test_one_that_answers_that_it_is_gone_is_off_at_once_and_operators_are_told(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, world.an_operator())
    renamed(world, acme, "One")
    step(world)
    world.courier.answer(410)
    step(world)
    assert endpoint_now(world, webhook).disabled_because is EndOfWebhook.GONE
    assert world.mailed("webhook_disabled").to.value == "root@example.net"


def test_no_mail_tells_of_one_that_was_switched_on_again(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One")
    step(world)
    world.courier.answer(410)
    step(world)
    world.change_webhook(holder=acme, webhook_id=webhook.id, enabled=True)
    assert "webhook_disabled" not in {mail.template for mail in world.deliver()}


def test_what_waits_for_one_that_is_switched_off_is_dropped(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One")
    world.change_webhook(holder=acme, webhook_id=webhook.id, enabled=False)
    assert log(world, webhook) == []
    assert step(world) == []


def test_what_was_queued_for_one_that_went_meanwhile_is_dropped_by_the_relay(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One")
    with world.database.persistence.unit_of_work() as uow:
        uow.webhooks.remove(webhook)
    assert step(world) == []
    assert log(world, webhook) == []


def test_a_test_goes_to_that_webhook_alone_and_waits_for_nothing(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    a_webhook(world, acme, "*", url=ANOTHER)
    renamed(world, acme, "One")
    step(world)
    tried = world.try_webhook(holder=acme, webhook_id=webhook.id)
    (parcel,) = step(world)
    assert (parcel.url, parcel.message_id) == (URL, str(tried.id))
    assert said(parcel) == {
        "type": "webhook.test",
        "timestamp": "2026-03-20T12:00:00.000Z",
        "data": {"webhook_id": str(webhook.id)},
    }


def test_one_that_is_off_is_not_tried(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    world.change_webhook(holder=acme, webhook_id=webhook.id, enabled=False)
    with pytest.raises(WebhookDisabled):
        world.try_webhook(holder=acme, webhook_id=webhook.id)


def test_what_was_delivered_is_sent_once_more_under_the_same_id(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One")
    (first,) = step(world)
    world.courier.answer(200)
    step(world)
    (delivery,) = log(world, webhook)
    world.redeliver(holder=acme, webhook_id=webhook.id, delivery_id=delivery.id)
    (again,) = step(world)
    assert (again.message_id, again.body) == (first.message_id, first.body)
    with pytest.raises(DeliveryPending):
        world.redeliver(holder=acme, webhook_id=webhook.id, delivery_id=delivery.id)


def test_nothing_is_redelivered_that_another_webhook_got(world: World, acme: Actor) -> None:
    webhook, other = a_webhook(world, acme), a_webhook(world, acme, "member.*")
    renamed(world, acme, "One")
    step(world)
    world.courier.answer(200)
    step(world)
    (delivery,) = log(world, webhook)
    for webhook_id, delivery_id in ((other.id, delivery.id), (webhook.id, UUID(int=1))):
        with pytest.raises(DeliveryNotFound):
            world.redeliver(holder=acme, webhook_id=webhook_id, delivery_id=delivery_id)


def test_an_event_that_is_no_longer_kept_is_given_up(world: World, acme: Actor) -> None:
    webhook = a_webhook(world, acme)
    renamed(world, acme, "One")
    with world.database.persistence.unit_of_work() as uow:
        uow.outbox.forget(before=world.clock.now() + HOUR, limit=100)
    assert step(world) == []
    step(world)
    (delivery,) = log(world, webhook)
    assert (delivery.state, delivery.error) == (DeliveryState.FAILED, "event_gone")
    assert endpoint_now(world, webhook).failing_since is None


def test_a_secret_that_cannot_be_read_holds_up_no_other_and_is_not_the_receivers_fault(
    world: World, acme: Actor
) -> None:
    broken, whole = a_webhook(world, acme), a_webhook(world, acme, url=ANOTHER)
    with world.database.persistence.unit_of_work() as uow:
        uow.webhooks.save(replace(broken, sealed_secret="nonsense"))
    renamed(world, acme, "One")
    assert [parcel.url for parcel in step(world)] == [ANOTHER]
    step(world)
    (delivery,) = log(world, broken)
    assert (delivery.state, delivery.error) == (DeliveryState.PENDING, "secret_unreadable")
    assert endpoint_now(world, broken).failing_since is None
    assert whole.id != broken.id


def test_a_step_says_whether_there_may_be_more(world: World, acme: Actor) -> None:
    a_webhook(world, acme)
    assert not world.relay_webhooks()
    renamed(world, acme, "One")
    assert world.relay_webhooks()
    assert world.relay_webhooks(), "it is under way"
    world.courier.answer(200)
    assert not world.relay_webhooks()
