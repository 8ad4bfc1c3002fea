from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Connection, Index, LargeBinary, String, delete, select, text, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import one_page, put, swept
from application.ports.audit import AuditTrail, EntryFilter
from application.ports.pages import id_of
from domain.audit import AuditEntry, ChainId, EntryId, Happening, Outcome, Personal, earliest_id, latest_id
from domain.kernel import AccountId

_UNSEALED = text("position IS NULL")


class AuditEntryRow(Model):
    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "chain_id", "actor_id", "id"),
        Index(None, "chain_id", "action", "id"),
        Index(None, "chain_id", "target_id", "id"),
        # Over all chains, for operators.
        Index(None, "id"),
        Index(None, "actor_id", "id"),
        Index(None, "action", "id"),
        Index(None, "target_id", "id"),
        Index("ix_audit_entries_unsealed", "chain_id", "id", postgresql_where=_UNSEALED, sqlite_where=_UNSEALED),
    )

    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(String(64))
    actor_id: Mapped[UUID | None]
    principal_id: Mapped[UUID | None]
    key_id: Mapped[UUID | None]
    target_id: Mapped[UUID | None]
    organization_id: Mapped[UUID | None]
    request_id: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]]
    personal_digest: Mapped[str | None] = mapped_column(String(64))
    position: Mapped[int | None] = mapped_column(BigInteger)


class AuditPersonalRow(Model):
    """What is erased when its account is."""

    __tablename__ = "audit_personal"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    network: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(256))


class AuditErasureRow(Model):
    """Whose is to be erased: there until it is done."""

    __tablename__ = "audit_erasures"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(index=True)


def to_row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "chain_id": entry.chain_id,
        "id": entry.id,
        "at": entry.at,
        "action": entry.action,
        "outcome": entry.outcome.value,
        "code": entry.code,
        "actor_id": entry.actor_id,
        "principal_id": entry.principal_id,
        "key_id": entry.key_id,
        "target_id": entry.target_id,
        "organization_id": entry.organization_id,
        "request_id": entry.request_id,
        "details": dict(entry.details),
        "personal_digest": entry.personal_digest,
        "position": entry.position,
    }


def to_personal_row(entry_id: EntryId, personal: Personal) -> dict[str, Any]:
    return {
        "account_id": personal.account_id,
        "entry_id": entry_id,
        "salt": personal.salt,
        "network": personal.network,
        "user_agent": personal.user_agent,
    }


def to_entry(row: Sequence[Any]) -> AuditEntry:
    """`row` holds the columns of AuditEntryRow in their order. Raise ValueError or TypeError for what no entry says."""
    (
        chain_id,
        id,
        at,
        action,
        outcome,
        code,
        actor_id,
        principal_id,
        key_id,
        target_id,
        organization_id,
        request_id,
        details,
        personal_digest,
        position,
    ) = row
    if not isinstance(details, dict):
        raise TypeError("Details are an object.")
    return AuditEntry(
        chain_id=chain_id,
        id=id,
        at=at,
        action=action,
        outcome=Outcome(outcome),
        code=code,
        actor_id=actor_id,
        principal_id=principal_id,
        key_id=key_id,
        target_id=target_id,
        organization_id=organization_id,
        request_id=request_id,
        details=details,
        personal_digest=personal_digest,
        position=position,
    )


def with_personal(connection: Connection, entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """What is personal lies on other shards, and is fetched by its key."""
    keys = [(entry.personal_of, entry.id) for entry in entries if entry.personal_digest]
    if not keys:
        return list(entries)
    key = tuple_(AuditPersonalRow.account_id, AuditPersonalRow.entry_id)
    found = connection.execute(select(AuditPersonalRow.__table__).where(key.in_(keys)))
    personal = {
        entry_id: Personal(account_id=account_id, salt=bytes(salt), network=network, user_agent=user_agent)
        for account_id, entry_id, salt, network, user_agent in found
    }
    return [replace(entry, personal=personal.get(entry.id)) for entry in entries]


@dataclass(frozen=True, slots=True)
class SqlAuditTrail(AuditTrail):
    connection: Connection
    keep: Callable[[Happening], None]

    def note(self, happening: Happening) -> None:
        self.keep(happening)

    def page(
        self, chain_id: ChainId | None, wanted: EntryFilter, *, limit: int, after: str | None
    ) -> tuple[list[AuditEntry], str | None]:
        entries = select(AuditEntryRow.__table__).where(*_matching(chain_id, wanted)).order_by(AuditEntryRow.id.desc())
        if after is not None:
            entries = entries.where(AuditEntryRow.id < id_of(after))
        page, cursor = one_page(self.connection, entries, to_entry, lambda entry: str(entry.id), limit=limit)
        return with_personal(self.connection, page), cursor

    def following(
        self, chain_id: ChainId | None, wanted: EntryFilter, *, after: EntryId | None, limit: int
    ) -> list[AuditEntry]:
        entries = select(AuditEntryRow.__table__).where(*_matching(chain_id, wanted)).order_by(AuditEntryRow.id)
        if after is not None:
            entries = entries.where(AuditEntryRow.id > after)
        found = [to_entry(row) for row in self.connection.execute(entries.limit(limit))]
        return with_personal(self.connection, found)

    def erase(self, account_id: AccountId, *, limit: int) -> int:
        owned = AuditPersonalRow.account_id == account_id
        return swept(self.connection, AuditPersonalRow, owned, oldest=AuditPersonalRow.entry_id, limit=limit)

    def erase_later(self, account_id: AccountId, *, at: datetime) -> None:
        put(self.connection, AuditErasureRow, {"account_id": account_id, "requested_at": at})

    def erase_due(self, *, before: datetime, limit: int) -> int:
        due = select(AuditErasureRow.account_id).where(AuditErasureRow.requested_at < before)
        oldest = due.order_by(AuditErasureRow.requested_at).limit(limit).with_for_update(skip_locked=True)
        removed = 0
        for account_id in self.connection.execute(oldest).scalars().all():
            removed += self.erase(AccountId(account_id), limit=limit - removed)
            if removed == limit:
                break
            self.connection.execute(delete(AuditErasureRow).where(AuditErasureRow.account_id == account_id))
            removed += 1
        return removed


def _matching(chain_id: ChainId | None, wanted: EntryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chain_id is not None:
        conditions.append(AuditEntryRow.chain_id == chain_id)
    if wanted.actor_id is not None:
        conditions.append(AuditEntryRow.actor_id == wanted.actor_id)
    if wanted.action is not None:
        conditions.append(AuditEntryRow.action == wanted.action)
    if wanted.target_id is not None:
        conditions.append(AuditEntryRow.target_id == wanted.target_id)
    # An id is of the millisecond of its time, which is what the indexes know.
    if wanted.since is not None:
        conditions += [AuditEntryRow.id >= earliest_id(wanted.since), AuditEntryRow.at >= wanted.since]
    if wanted.until is not None:
        conditions += [AuditEntryRow.id <= latest_id(wanted.until), AuditEntryRow.at < wanted.until]
    return conditions
