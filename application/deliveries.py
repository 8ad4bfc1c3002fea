"""What goes to webhooks: queued with the order of the events, looked at, tried, and sent once more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.environment import Clock, Ids
from application.ports.outbox import OutboxEvent
from application.ports.unit_of_work import Begin, UnitOfWork
from application.webhooks import Holder, managed_by, seen_by, webhook_of
from domain.assurance import AssurancePolicy
from domain.audit import INSTALLATION, Happening
from domain.deliveries import Delivery, DeliveryNotFound
from domain.kernel import DeliveryId, WebhookId
from domain.webhooks import WebhookDisabled, WebhookEndpoint


def queue_deliveries(uow: UnitOfWork, events: Sequence[OutboxEvent], *, ids: Ids, at: datetime) -> None:
    """Let the events, which have their places, wait for every endpoint that wants them: their owner's, and the
    installation's, which get all. One query where there is no endpoint."""
    if not events:
        return
    endpoints: dict[UUID, list[WebhookEndpoint]] = {}
    for endpoint in uow.webhooks.active({INSTALLATION, *(event.owner_id for event in events)}):
        endpoints.setdefault(endpoint.owner_id, []).append(endpoint)
    if endpoints:
        uow.deliveries.queue(list(_wanted(events, endpoints, ids, at)))


def _wanted(
    events: Sequence[OutboxEvent], endpoints: dict[UUID, list[WebhookEndpoint]], ids: Ids, at: datetime
) -> Iterable[Delivery]:
    for event in events:
        for owner_id in {event.owner_id, INSTALLATION}:
            for endpoint in endpoints.get(owner_id, ()):
                if event.position is not None and endpoint.events_wanted.wants(event.name):
                    yield Delivery(
                        owner_id=owner_id,
                        id=DeliveryId(ids.new()),
                        endpoint_id=endpoint.id,
                        aggregate_id=event.aggregate_id,
                        event_owner_id=event.owner_id,
                        event_id=event.id,
                        event_name=event.name,
                        position=event.position,
                        created_at=at,
                    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TryWebhook:
    """A `webhook.test` goes to that endpoint alone, waiting for nothing else that goes there."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, holder: Holder, webhook_id: UUID) -> Delivery:
        """Raise SessionRequired, PermissionDenied, OperatorRequired, StepUpRequired, WebhookNotFound,
        WebhookDisabled."""
        owner_id, _ = managed_by(holder, self.assurance)
        id, now = DeliveryId(self.ids.new()), self.clock.now()
        with self.unit_of_work() as uow:
            endpoint = _active(uow, owner_id, webhook_id)
            delivery = Delivery.test(owner_id=owner_id, id=id, endpoint_id=endpoint.id, at=now)
            uow.deliveries.queue([delivery])
            uow.audit.note(_asked("webhook.tested", endpoint, delivery, now))
        return delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeliveries:
    """What was sent to a webhook, and what came of it, newest first. Answers are not kept."""

    autocommit: Begin
    assurance: AssurancePolicy

    def __call__(
        self, *, holder: Holder, webhook_id: UUID, limit: int, after: str | None
    ) -> tuple[list[Delivery], str | None]:
        """Raise PermissionDenied, OperatorRequired, StepUpRequired, WebhookNotFound, CursorInvalid."""
        owner_id = seen_by(holder, self.assurance)
        with self.autocommit() as database:
            endpoint = webhook_of(database, owner_id, webhook_id)
            return database.deliveries.page(owner_id, endpoint.id, limit=limit, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeliver:
    """What was delivered, or given up, is sent once more, with the same message id."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, holder: Holder, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """Raise SessionRequired, PermissionDenied, OperatorRequired, StepUpRequired, WebhookNotFound, WebhookDisabled,
        DeliveryNotFound, DeliveryPending."""
        owner_id, _ = managed_by(holder, self.assurance)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            endpoint = _active(uow, owner_id, webhook_id)
            delivery = uow.deliveries.find(owner_id, DeliveryId(delivery_id))
            if delivery is None or delivery.endpoint_id != endpoint.id:
                raise DeliveryNotFound
            again = delivery.redeliver()
            uow.deliveries.requeue(again, at=now)
            uow.audit.note(_asked("webhook.redelivered", endpoint, again, now))
        return again


def _asked(action: str, endpoint: WebhookEndpoint, delivery: Delivery, at: datetime) -> Happening:
    """It changes nothing of what Portico keeps, and yet somebody made the installation call out."""
    return Happening(
        action=action,
        at=at,
        target_id=endpoint.id,
        organization_id=endpoint.organization_id,
        details={"delivery_id": str(delivery.id)},
    )


def _active(uow: UnitOfWork, owner_id: UUID, id: UUID) -> WebhookEndpoint:
    """Locked, so that nothing waits for one that is switched off meanwhile. Raise WebhookNotFound, WebhookDisabled."""
    endpoint = uow.webhooks.lock(owner_id, WebhookId(id))
    if not endpoint.is_active:
        raise WebhookDisabled
    return endpoint
