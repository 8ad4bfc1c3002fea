from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from application.ports.environment import Ids
from application.ports.outbox import Outbox, OutboxEvent
from domain.kernel import Aggregate


class OutboxRow(Model):
    __tablename__ = "outbox"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    aggregate_id: Mapped[UUID]
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class SqlOutbox(Outbox):
    connection: Connection

    def of_owner(self, owner_id: UUID, *, limit: int) -> list[OutboxEvent]:
        owned = select(OutboxRow.__table__).where(OutboxRow.owner_id == owner_id)
        newest = self.connection.execute(owned.order_by(OutboxRow.id.desc()).limit(limit))
        return [OutboxEvent(**row) for row in newest.mappings()]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Keeps the events of a unit of work until it commits: they are written last, in one statement."""

    ids: Ids
    rows: list[dict[str, Any]] = field(default_factory=list)

    def emit(self, owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:
        for event in aggregate.events:
            self.rows.append(
                {
                    "owner_id": owner_id,
                    "id": self.ids.new(),
                    "aggregate_id": aggregate_id,
                    "version": aggregate.version,
                    "name": event.name,
                    "data": event.data(),
                    "at": event.at,
                }
            )

    def write(self, connection: Connection) -> None:
        if self.rows:
            connection.execute(insert(OutboxRow), self.rows)


def refuse_events(owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:  # noqa: ARG001 (an Emit)
    """Without a transaction an event could be lost, or tell of what never happened."""
    if aggregate.events:
        raise RuntimeError("What records events needs a unit of work.")
