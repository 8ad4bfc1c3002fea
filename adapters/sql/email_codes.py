from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import swept
from application.ports.email_codes import EmailCodes
from domain.accounts import EmailAddress
from domain.email_codes import EmailCode
from domain.kernel import AddressDigest, EmailCodeId


class EmailCodeRow(Model):
    __tablename__ = "email_codes"

    address_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int]


def to_row(code: EmailCode) -> dict[str, Any]:
    return {
        "address_digest": code.email.digest,
        "id": code.id,
        "email": code.email.value,
        "created_at": code.created_at,
        "expires_at": code.expires_at,
        "tries": code.tries,
    }


def to_code(row: Sequence[Any]) -> EmailCode:
    """`row` holds the columns of EmailCodeRow in their order."""
    _, id, email, created_at, expires_at, tries = row
    return EmailCode(id=id, email=EmailAddress(email), created_at=created_at, expires_at=expires_at, tries=tries)


@dataclass(frozen=True, slots=True)
class SqlEmailCodes(EmailCodes):
    connection: Connection

    def add(self, code: EmailCode) -> None:
        self.connection.execute(insert(EmailCodeRow), to_row(code))

    def find(self, digest: AddressDigest, id: EmailCodeId, *, at: datetime) -> EmailCode | None:
        found = select(EmailCodeRow.__table__).where(
            EmailCodeRow.address_digest == digest, EmailCodeRow.id == id, EmailCodeRow.expires_at > at
        )
        row = self.connection.execute(found).first()
        return to_code(row) if row else None

    def spend_try(self, digest: AddressDigest, id: EmailCodeId, *, most: int, at: datetime) -> EmailCode | None:
        spent = (
            update(EmailCodeRow)
            .where(
                EmailCodeRow.address_digest == digest,
                EmailCodeRow.id == id,
                EmailCodeRow.expires_at > at,
                EmailCodeRow.tries < most,
            )
            .values(tries=EmailCodeRow.tries + 1)
            .returning(EmailCodeRow.__table__)
        )
        row = self.connection.execute(spent).first()
        return to_code(row) if row else None

    def take(self, digest: AddressDigest, id: EmailCodeId) -> bool:
        taken = delete(EmailCodeRow).where(EmailCodeRow.address_digest == digest, EmailCodeRow.id == id)
        return self.connection.execute(taken).rowcount == 1

    def void(self, digest: AddressDigest) -> None:
        self.connection.execute(delete(EmailCodeRow).where(EmailCodeRow.address_digest == digest))

    def sweep(self, *, at: datetime, limit: int) -> int:
        over = EmailCodeRow.expires_at <= at
        return swept(self.connection, EmailCodeRow, over, oldest=EmailCodeRow.expires_at, limit=limit)
