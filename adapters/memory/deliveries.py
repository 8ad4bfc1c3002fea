from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from adapters.memory.rows import first_page, sweep
from application.ports.deliveries import Deliveries, Errand, Settled
from application.ports.pages import id_of
from domain.deliveries import Delivery, DeliveryState, Lane
from domain.kernel import DeliveryId, Stale, WebhookId

DeliveryKey = tuple[UUID, DeliveryId]


@dataclass(frozen=True, slots=True)
class MemoryDeliveries(Deliveries):
    rows: dict[DeliveryKey, Delivery]
    lanes: dict[Lane, datetime]
    """When it is due, while something waits in it."""

    def queue(self, deliveries: Collection[Delivery]) -> None:
        for delivery in deliveries:
            self._wait(delivery, delivery.created_at)

    def requeue(self, delivery: Delivery, *, at: datetime) -> None:
        before = self.find(delivery.owner_id, delivery.id)
        if before is None or before.state is DeliveryState.PENDING:
            raise Stale
        self._wait(delivery, at)

    def claim(
        self, *, limit: int, lease: timedelta, at: datetime, except_endpoints: Iterable[WebhookId] = ()
    ) -> list[Errand]:
        excepted = set(except_endpoints)
        due = [lane for lane, due_at in self.lanes.items() if due_at <= at and lane.endpoint_id not in excepted]
        due.sort(key=self.lanes.__getitem__)
        errands: list[Errand] = []
        for lane in due[:limit]:
            first = self._first(lane)
            if first is None:
                del self.lanes[lane]
            else:
                self.lanes[lane] = at + lease
                errands.append(Errand(delivery=first, leased_until=at + lease))
        return sorted(errands, key=lambda errand: errand.delivery.position)

    def settle(self, settled: Sequence[Settled]) -> None:
        for each in settled:
            before, lane = each.errand.delivery, each.delivery.lane
            if self.lanes.get(lane) != each.errand.leased_until:
                continue
            if self.find(before.owner_id, before.id) == before:
                self.rows[before.owner_id, before.id] = each.delivery
            if self._first(lane):
                self.lanes[lane] = each.due_at
            else:
                del self.lanes[lane]

    def drop(self, owner_id: UUID, endpoint_id: WebhookId, *, limit: int) -> int:
        waiting = (
            delivery
            for delivery in self.rows.values()
            if (delivery.owner_id, delivery.endpoint_id, delivery.state) == (owner_id, endpoint_id, _PENDING)
        )
        dropped = list(islice(waiting, limit))
        for delivery in dropped:
            del self.rows[delivery.owner_id, delivery.id]
        for lane in list(self.lanes):
            if (lane.owner_id, lane.endpoint_id) == (owner_id, endpoint_id) and self._first(lane) is None:
                del self.lanes[lane]
        return len(dropped)

    def find(self, owner_id: UUID, id: DeliveryId) -> Delivery | None:
        return self.rows.get((owner_id, id))

    def page(
        self, owner_id: UUID, endpoint_id: WebhookId, *, limit: int, after: str | None
    ) -> tuple[list[Delivery], str | None]:
        start = None if after is None else id_of(after)
        found = (each for each in self.rows.values() if (each.owner_id, each.endpoint_id) == (owner_id, endpoint_id))
        older = sorted((each for each in found if start is None or each.id < start), key=lambda each: each.id)
        return first_page(older[::-1], lambda delivery: str(delivery.id), limit=limit)

    def sweep(self, *, before: datetime, limit: int) -> int:
        return sweep(self.rows, lambda each: each.settled_at is not None and each.settled_at < before, limit=limit)

    def _wait(self, delivery: Delivery, at: datetime) -> None:
        self.rows[delivery.owner_id, delivery.id] = delivery
        self.lanes.setdefault(delivery.lane, at)

    def _first(self, lane: Lane) -> Delivery | None:
        return min(self._waiting(lane), key=lambda delivery: (delivery.position, delivery.id), default=None)

    def _waiting(self, lane: Lane) -> Iterator[Delivery]:
        return (each for each in self.rows.values() if each.lane == lane and each.state is _PENDING)


_PENDING = DeliveryState.PENDING
