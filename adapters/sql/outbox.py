from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Index, String, delete, select, text, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import backlog, placed
from application.ports.backlog import Backlog
from application.ports.outbox import Outbox, OutboxEvent

_PLACED, _UNPLACED = text("position IS NOT NULL"), text("position IS NULL")


class OutboxRow(Model):
    __tablename__ = "outbox"
    __table_args__ = (
        # What waits is not in them: so a request that writes events does not touch them.
        Index(None, "position", postgresql_where=_PLACED, sqlite_where=_PLACED),
        Index(None, "owner_id", "position", postgresql_where=_PLACED, sqlite_where=_PLACED),
        Index(
            "ix_outbox_unplaced",
            "aggregate_id",
            "version",
            "id",
            postgresql_where=_UNPLACED,
            sqlite_where=_UNPLACED,
        ),
    )

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    aggregate_id: Mapped[UUID]
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    schema_version: Mapped[int] = mapped_column(server_default="1")
    position: Mapped[int | None] = mapped_column(BigInteger)


def to_event(row: Sequence[Any]) -> OutboxEvent:
    """`row` holds the columns of OutboxRow in their order."""
    owner_id, id, aggregate_id, version, name, data, at, schema_version, position = row
    return OutboxEvent(
        id=id,
        owner_id=owner_id,
        aggregate_id=aggregate_id,
        version=version,
        name=name,
        data=data,
        at=at,
        schema_version=schema_version,
        position=position,
    )


@dataclass(frozen=True, slots=True)
class SqlOutbox(Outbox):
    connection: Connection

    def of_owner(self, owner_id: UUID, *, limit: int) -> list[OutboxEvent]:
        owned = select(OutboxRow.__table__).where(OutboxRow.owner_id == owner_id)
        newest = self.connection.execute(owned.order_by(OutboxRow.id.desc()).limit(limit))
        return [to_event(row) for row in newest]

    def find(self, owner_id: UUID, id: UUID) -> OutboxEvent | None:
        return next(iter(self.some([(owner_id, id)])), None)

    def some(self, keys: Iterable[tuple[UUID, UUID]]) -> list[OutboxEvent]:
        among = tuple_(OutboxRow.owner_id, OutboxRow.id).in_(list(keys))
        return [to_event(row) for row in self.connection.execute(select(OutboxRow.__table__).where(among))]

    def feed(self, *, after: int, limit: int, owner_id: UUID | None = None) -> list[OutboxEvent]:
        following = select(OutboxRow.__table__).where(OutboxRow.position > after)
        if owner_id is not None:
            following = following.where(OutboxRow.owner_id == owner_id)
        rows = self.connection.execute(following.order_by(OutboxRow.position).limit(limit))
        return [to_event(row) for row in rows]

    def owners(self, *, after: int, through: int) -> set[UUID]:
        between = select(OutboxRow.owner_id).where(OutboxRow.position > after, OutboxRow.position <= through)
        return set(self.connection.execute(between.distinct()).scalars())

    def unplaced(self, *, limit: int) -> list[OutboxEvent]:
        # By aggregate and version: so a limit can cut off only what comes later.
        waiting = select(OutboxRow.__table__).where(OutboxRow.position.is_(None))
        in_order = waiting.order_by(OutboxRow.aggregate_id, OutboxRow.version, OutboxRow.id).limit(limit)
        return [to_event(row) for row in self.connection.execute(in_order)]

    def backlog(self) -> Backlog:
        return backlog(self.connection, OutboxRow.position.is_(None), since=OutboxRow.at)

    def place(self, positions: Mapping[tuple[UUID, UUID], int]) -> None:
        placed(self.connection, OutboxRow, positions)

    def forget(self, *, before: datetime, limit: int) -> int | None:
        oldest = select(OutboxRow.position, OutboxRow.at).where(OutboxRow.position.is_not(None))
        first = self.connection.execute(oldest.order_by(OutboxRow.position).limit(limit)).all()
        old = list(takewhile(lambda row: row.at < before, first))
        if not old:
            return None
        gone: int = old[-1].position
        self.connection.execute(delete(OutboxRow).where(OutboxRow.position <= gone))
        return gone
