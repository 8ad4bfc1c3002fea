from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, String, case, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from application.ports.sequence import Sequences
from domain.sequence import Sequence

_ONLY = "events"


class SequenceRow(Model):
    """One row, which the first migration of it put there."""

    __tablename__ = "sequences"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    position: Mapped[int] = mapped_column(BigInteger)
    forgotten: Mapped[int] = mapped_column(BigInteger)


def to_sequence(row: Any) -> Sequence:
    """`row` holds the columns of SequenceRow in their order."""
    _, epoch, holder, expires_at, position, forgotten = row
    return Sequence(epoch=epoch, holder=holder, expires_at=expires_at, position=position, forgotten=forgotten)


_IT = SequenceRow.name == _ONLY


@dataclass(frozen=True, slots=True)
class SqlSequences(Sequences):
    connection: Connection

    def get(self) -> Sequence:
        return to_sequence(self.connection.execute(select(SequenceRow.__table__).where(_IT)).one())

    def take(self, holder: UUID, *, lease: timedelta, at: datetime) -> Sequence | None:
        if self.connection.dialect.name == "postgresql":
            # Whoever stops in the middle holds the row, and others would wait for as long as it is stopped. The server
            # ends such a transaction, which this setting does not outlive.
            limit = f"{lease // timedelta(milliseconds=1)}ms"
            self.connection.execute(select(func.set_config("idle_in_transaction_session_timeout", limit, True)))
        is_mine = SequenceRow.holder == holder
        is_free = or_(SequenceRow.expires_at.is_(None), SequenceRow.expires_at <= at)
        taken = (
            update(SequenceRow)
            .where(_IT, or_(is_mine, is_free))
            .values(
                epoch=SequenceRow.epoch + case((is_mine, 0), else_=1),
                holder=holder,
                expires_at=at + lease,
            )
        )
        row = self.connection.execute(taken.returning(SequenceRow.__table__)).first()
        return to_sequence(row) if row else None

    def advance(self, sequence: Sequence) -> None:
        self.connection.execute(update(SequenceRow).where(_IT).values(position=sequence.position))

    def forget(self, through: int) -> None:
        self.connection.execute(update(SequenceRow).where(_IT).values(forgotten=through))
