from dataclasses import dataclass
from uuid import UUID

from application.ports.environment import Ids
from application.ports.outbox import Emit, Outbox, OutboxEvent
from domain.kernel import Aggregate


@dataclass(frozen=True, slots=True)
class MemoryOutbox(Outbox):
    rows: dict[UUID, OutboxEvent]

    def of_owner(self, owner_id: UUID, *, limit: int) -> list[OutboxEvent]:
        owned = (event for event in self.rows.values() if event.owner_id == owner_id)
        return sorted(owned, key=lambda event: event.id, reverse=True)[:limit]


def keeping(rows: dict[UUID, OutboxEvent], ids: Ids) -> Emit:
    def emit(owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:
        for event in aggregate.events:
            id = ids.new()
            rows[id] = OutboxEvent(
                id=id,
                owner_id=owner_id,
                aggregate_id=aggregate_id,
                version=aggregate.version,
                name=event.name,
                data=event.data(),
                at=event.at,
            )

    return emit


def refuse_events(owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:  # noqa: ARG001 (an Emit)
    if aggregate.events:
        raise RuntimeError("What records events needs a unit of work.")
