from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Index, String, Text, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import backlog, inserted_or_changed, put, some_of, swept, without_key
from application.ports.backlog import Backlog
from application.ports.mail import MailQueue
from domain.accounts import EmailAddress
from domain.kernel import Stale
from domain.mail import MailKind, MailPolicy, QueuedMail


class MailRow(Model):
    __tablename__ = "mail"
    __table_args__ = (
        # What waits and what has gone are looked for by time; each index holds only its own.
        Index(None, "due_at", postgresql_where=text("due_at IS NOT NULL"), sqlite_where=text("due_at IS NOT NULL")),
        Index(None, "scheduled_at", postgresql_where=text("due_at IS NULL"), sqlite_where=text("due_at IS NULL")),
    )

    address_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    slot: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    address: Mapped[str | None] = mapped_column(String(254))
    ids: Mapped[dict[str, Any]]
    due_at: Mapped[datetime | None]
    tries: Mapped[int]
    scheduled_at: Mapped[datetime]
    hour_started_at: Mapped[datetime]
    sent_this_hour: Mapped[int]
    last_error: Mapped[str] = mapped_column(Text)
    version: Mapped[int]


def to_row(mail: QueuedMail) -> dict[str, Any]:
    return {
        "address_digest": mail.address_digest,
        "slot": mail.slot,
        "kind": mail.kind.value,
        "address": mail.address.value if mail.address else None,
        "ids": dict(mail.ids),
        "due_at": mail.due_at,
        "tries": mail.tries,
        "scheduled_at": mail.scheduled_at,
        "hour_started_at": mail.hour_started_at,
        "sent_this_hour": mail.sent_this_hour,
        "last_error": mail.last_error,
        "version": mail.version,
    }


def to_mail(row: Sequence[Any]) -> QueuedMail:
    """`row` holds the columns of MailRow in their order."""
    (
        address_digest,
        slot,
        kind,
        address,
        ids,
        due_at,
        tries,
        scheduled_at,
        hour_started_at,
        sent_this_hour,
        last_error,
        version,
    ) = row
    return QueuedMail(
        address_digest=address_digest,
        slot=slot,
        kind=MailKind(kind),
        address=EmailAddress(address) if address else None,
        ids=ids,
        due_at=due_at,
        tries=tries,
        scheduled_at=scheduled_at,
        hour_started_at=hour_started_at,
        sent_this_hour=sent_this_hour,
        last_error=last_error,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlMailQueue(MailQueue):
    connection: Connection

    def put(self, mail: QueuedMail) -> None:
        put(self.connection, MailRow, to_row(mail))

    def request(
        self, kind: MailKind, to: EmailAddress, *, ids: Mapping[str, str], policy: MailPolicy, at: datetime
    ) -> QueuedMail:
        first = QueuedMail.capped(kind, to, ids=ids, at=at)
        once_more = {"version": MailRow.version + 1}
        mail = to_mail(inserted_or_changed(self.connection, MailRow, to_row(first), once_more))
        if mail.version > 0:
            mail = mail.requested_again(to, ids=ids, policy=policy, at=at)
        # Written even if it is the first and stands there already: the statements must not tell.
        self.connection.execute(update(MailRow).where(*_is(mail)).values(without_key(MailRow, to_row(mail))))
        return mail

    def lease(self, *, limit: int, lease: timedelta, at: datetime) -> list[QueuedMail]:
        due = some_of(MailRow, MailRow.due_at.is_not(None), MailRow.due_at <= at, oldest=MailRow.due_at, limit=limit)
        leased = update(MailRow).where(due).values(due_at=at + lease, version=MailRow.version + 1)
        mails = [to_mail(row) for row in self.connection.execute(leased.returning(MailRow.__table__))]
        return sorted(mails, key=lambda mail: mail.scheduled_at)

    def settle(self, mail: QueuedMail) -> None:
        settled = to_row(replace(mail, version=mail.version + 1))
        unchanged = MailRow.version == mail.version
        change = update(MailRow).where(*_is(mail), unchanged).values(without_key(MailRow, settled))
        if not self.connection.execute(change).rowcount:
            raise Stale

    def of_address(self, email: EmailAddress) -> list[QueuedMail]:
        kept = select(MailRow.__table__).where(MailRow.address_digest == email.digest)
        newest_first = kept.order_by(MailRow.scheduled_at.desc(), MailRow.slot.desc())
        return [to_mail(row) for row in self.connection.execute(newest_first.limit(100))]

    def backlog(self) -> Backlog:
        return backlog(self.connection, MailRow.due_at.is_not(None), since=MailRow.due_at, first=True)

    def sweep(self, *, before: datetime, limit: int) -> int:
        gone = (MailRow.due_at.is_(None), MailRow.scheduled_at < before)
        return swept(self.connection, MailRow, *gone, oldest=MailRow.scheduled_at, limit=limit)


def _is(mail: QueuedMail) -> tuple[Any, ...]:
    return MailRow.address_digest == mail.address_digest, MailRow.slot == mail.slot
