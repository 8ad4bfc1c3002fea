from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.accounts import AccountRow
from adapters.sql.model import Model
from adapters.sql.statements import put, swept
from application.ports.email_changes import EmailChanges
from application.ports.outbox import Emit
from domain.accounts import EmailAddress
from domain.email_changes import EmailChange
from domain.kernel import AccountId, EmailChangeId


class EmailChangeRow(Model):
    __tablename__ = "email_changes"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(AccountRow.id), primary_key=True)
    id: Mapped[UUID]
    new_email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def to_row(change: EmailChange) -> dict[str, Any]:
    return {
        "account_id": change.account_id,
        "id": change.id,
        "new_email": change.new_email.value,
        "created_at": change.created_at,
        "expires_at": change.expires_at,
    }


def to_change(row: Sequence[Any]) -> EmailChange:
    """`row` holds the columns of EmailChangeRow in their order."""
    account_id, id, new_email, created_at, expires_at = row
    return EmailChange(
        id=id,
        account_id=account_id,
        new_email=EmailAddress(new_email),
        created_at=created_at,
        expires_at=expires_at,
    )


@dataclass(frozen=True, slots=True)
class SqlEmailChanges(EmailChanges):
    connection: Connection
    emit: Emit

    def put(self, change: EmailChange) -> None:
        put(self.connection, EmailChangeRow, to_row(change))
        self.emit(change.account_id, change.id, change)

    def find(self, account_id: AccountId, *, at: datetime) -> EmailChange | None:
        waiting = select(EmailChangeRow.__table__).where(
            EmailChangeRow.account_id == account_id, EmailChangeRow.expires_at > at
        )
        row = self.connection.execute(waiting).first()
        return to_change(row) if row else None

    def take(self, account_id: AccountId, id: EmailChangeId, *, at: datetime) -> EmailChange | None:
        taken = (
            delete(EmailChangeRow)
            .where(EmailChangeRow.account_id == account_id, EmailChangeRow.id == id, EmailChangeRow.expires_at > at)
            .returning(EmailChangeRow.__table__)
        )
        row = self.connection.execute(taken).first()
        return to_change(row) if row else None

    def void(self, account_id: AccountId) -> None:
        self.connection.execute(delete(EmailChangeRow).where(EmailChangeRow.account_id == account_id))

    def sweep(self, *, at: datetime, limit: int) -> int:
        over = EmailChangeRow.expires_at <= at
        return swept(self.connection, EmailChangeRow, over, oldest=EmailChangeRow.expires_at, limit=limit)
