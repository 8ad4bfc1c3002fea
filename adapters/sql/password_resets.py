from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, String, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import swept
from application.ports.password_resets import PasswordResets
from domain.accounts import EmailAddress
from domain.kernel import AddressDigest, PasswordResetId
from domain.passwords import PasswordReset


class PasswordResetRow(Model):
    __tablename__ = "password_resets"

    address_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def to_row(reset: PasswordReset) -> dict[str, Any]:
    return {
        "address_digest": reset.email.digest,
        "id": reset.id,
        "email": reset.email.value,
        "created_at": reset.created_at,
        "expires_at": reset.expires_at,
    }


def to_reset(row: Sequence[Any]) -> PasswordReset:
    """`row` holds the columns of PasswordResetRow in their order."""
    _, id, email, created_at, expires_at = row
    return PasswordReset(id=id, email=EmailAddress(email), created_at=created_at, expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class SqlPasswordResets(PasswordResets):
    connection: Connection

    def add(self, reset: PasswordReset) -> None:
        self.connection.execute(insert(PasswordResetRow), to_row(reset))

    def find(self, digest: AddressDigest, id: PasswordResetId, *, at: datetime) -> PasswordReset | None:
        reset = select(PasswordResetRow.__table__).where(
            PasswordResetRow.address_digest == digest, PasswordResetRow.id == id, PasswordResetRow.expires_at > at
        )
        row = self.connection.execute(reset).first()
        return to_reset(row) if row else None

    def take(self, digest: AddressDigest, id: PasswordResetId, *, at: datetime) -> PasswordReset | None:
        taken = (
            delete(PasswordResetRow)
            .where(
                PasswordResetRow.address_digest == digest, PasswordResetRow.id == id, PasswordResetRow.expires_at > at
            )
            .returning(PasswordResetRow.__table__)
        )
        row = self.connection.execute(taken).first()
        return to_reset(row) if row else None

    def void(self, digest: AddressDigest) -> None:
        self.connection.execute(delete(PasswordResetRow).where(PasswordResetRow.address_digest == digest))

    def sweep(self, *, at: datetime, limit: int) -> int:
        over = PasswordResetRow.expires_at <= at
        return swept(self.connection, PasswordResetRow, over, oldest=PasswordResetRow.expires_at, limit=limit)
