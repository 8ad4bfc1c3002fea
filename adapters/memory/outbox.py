from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from uuid import UUID

from application.ports.outbox import Outbox, OutboxEvent

EventKey = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class MemoryOutbox(Outbox):
    rows: dict[EventKey, OutboxEvent]

    def of_owner(self, owner_id: UUID, *, limit: int) -> list[OutboxEvent]:
        owned = (event for event in self.rows.values() if event.owner_id == owner_id)
        return sorted(owned, key=lambda event: event.id, reverse=True)[:limit]

    def find(self, owner_id: UUID, id: UUID) -> OutboxEvent | None:
        return self.rows.get((owner_id, id))

    def some(self, keys: Iterable[EventKey]) -> list[OutboxEvent]:
        return [self.rows[key] for key in set(keys) if key in self.rows]

    def feed(self, *, after: int, limit: int, owner_id: UUID | None = None) -> list[OutboxEvent]:
        following = [
            event for event in self._placed() if (event.position or 0) > after and owner_id in (None, event.owner_id)
        ]
        return following[:limit]

    def owners(self, *, after: int, through: int) -> set[UUID]:
        return {event.owner_id for event in self._placed() if after < (event.position or 0) <= through}

    def unplaced(self, *, limit: int) -> list[OutboxEvent]:
        waiting = (event for event in self.rows.values() if event.position is None)
        return sorted(waiting, key=lambda event: (event.aggregate_id, event.version, event.id))[:limit]

    def place(self, positions: Mapping[EventKey, int]) -> None:
        for key, position in positions.items():
            self.rows[key] = replace(self.rows[key], position=position)

    def forget(self, *, before: datetime, limit: int) -> int | None:
        gone = list(takewhile(lambda event: event.at < before, self._placed()[:limit]))
        for event in gone:
            del self.rows[event.owner_id, event.id]
        return gone[-1].position if gone else None

    def _placed(self) -> list[OutboxEvent]:
        placed = (event for event in self.rows.values() if event.position is not None)
        return sorted(placed, key=lambda event: event.position or 0)
