from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, String, Text, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import without_key
from application.ports.outbox import Emit
from application.ports.signing_keys import SigningKeys
from domain.kernel import Stale
from domain.signing_keys import KeyState, SigningKey


class SigningKeyRow(Model):
    """Few rows, the same on every shard."""

    __tablename__ = "signing_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    public_pem: Mapped[str] = mapped_column(Text)
    sealed_private: Mapped[str] = mapped_column(Text)
    version: Mapped[int]


def to_row(key: SigningKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "state": key.state.value,
        "state_since": key.state_since,
        "created_at": key.created_at,
        "public_pem": key.public_pem,
        "sealed_private": key.sealed_private,
        "version": key.version,
    }


def to_key(row: Sequence[Any]) -> SigningKey:
    """`row` holds the columns of SigningKeyRow in their order."""
    id, state, state_since, created_at, public_pem, sealed_private, version = row
    return SigningKey(
        id=id,
        state=KeyState(state),
        state_since=state_since,
        created_at=created_at,
        public_pem=public_pem,
        sealed_private=sealed_private,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlSigningKeys(SigningKeys):
    connection: Connection
    emit: Emit

    def all(self) -> list[SigningKey]:
        rows = self.connection.execute(select(SigningKeyRow.__table__).order_by(SigningKeyRow.id))
        return [to_key(row) for row in rows]

    def lock(self) -> list[SigningKey]:
        if self.connection.dialect.name == "postgresql":
            # Locks on rows would not keep out a key that another is about to add. Readers pass.
            self.connection.execute(text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"))
        return self.all()

    def add(self, key: SigningKey) -> None:
        self.connection.execute(insert(SigningKeyRow), to_row(key))
        self.emit(key.id, key.id, key)

    def save(self, key: SigningKey) -> None:
        saved = replace(key, version=key.version + 1)
        stored = (SigningKeyRow.id == key.id, SigningKeyRow.version == key.version)
        changed = update(SigningKeyRow).where(*stored).values(without_key(SigningKeyRow, to_row(saved)))
        if not self.connection.execute(changed).rowcount:
            raise Stale
        self.emit(key.id, key.id, saved)
