from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Index, String, case, delete, func, insert, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Json, Model
from adapters.sql.statements import one_page, swept, without_key
from application.ports.api_keys import ApiKeys
from application.ports.outbox import Emit
from application.ports.pages import id_of
from domain.api_keys import LAST_USED_PRECISION, ApiKey, EndOfKey, KeyKind
from domain.kernel import ApiKeyId, OrganizationId, ServiceAccountId, Stale

_EXPIRES = text("expires_at IS NOT NULL")


class ApiKeyRow(Model):
    """It lies with its owner, an account or an organization: two tables, so no foreign key can say which."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index(None, "owner_id", "service_account_id", "id"),
        Index(None, "expires_at", postgresql_where=_EXPIRES, sqlite_where=_EXPIRES),
    )

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    service_account_id: Mapped[UUID | None]
    organization_id: Mapped[UUID | None]
    display_name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[str]] = mapped_column(Json)
    prefix: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(128))
    previous_digest: Mapped[str | None] = mapped_column(String(128))
    previous_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    version: Mapped[int]


def to_row(key: ApiKey) -> dict[str, Any]:
    return {
        "owner_id": key.owner_id,
        "id": key.id,
        "kind": key.kind.value,
        "service_account_id": key.service_account_id,
        "organization_id": key.organization_id,
        "display_name": key.display_name,
        "scopes": sorted(key.scopes),
        "prefix": key.prefix,
        "digest": key.digest,
        "previous_digest": key.previous_digest,
        "previous_expires_at": key.previous_expires_at,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "version": key.version,
    }


def to_key(row: Sequence[Any]) -> ApiKey:
    """`row` holds the columns of ApiKeyRow in their order: by position, because each call by a key comes through
    here."""
    (
        owner_id,
        id,
        kind,
        service_account_id,
        organization_id,
        display_name,
        scopes,
        prefix,
        digest,
        previous_digest,
        previous_expires_at,
        created_at,
        expires_at,
        last_used_at,
        version,
    ) = row
    return ApiKey(
        owner_id=owner_id,
        id=id,
        kind=KeyKind(kind),
        service_account_id=service_account_id,
        organization_id=organization_id,
        display_name=display_name,
        scopes=frozenset(scopes),
        prefix=prefix,
        digest=digest,
        previous_digest=previous_digest,
        previous_expires_at=previous_expires_at,
        created_at=created_at,
        expires_at=expires_at,
        last_used_at=last_used_at,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlApiKeys(ApiKeys):
    connection: Connection
    emit: Emit

    def add(self, key: ApiKey) -> None:
        self.connection.execute(insert(ApiKeyRow), to_row(key))
        self._note(key)

    def find(self, owner_id: UUID, id: ApiKeyId) -> ApiKey | None:
        found = select(ApiKeyRow.__table__).where(ApiKeyRow.owner_id == owner_id, ApiKeyRow.id == id)
        row = self.connection.execute(found).first()
        return to_key(row) if row else None

    def save(self, key: ApiKey) -> None:
        saved = replace(key, version=key.version + 1)
        change = without_key(ApiKeyRow, to_row(saved))
        del change["last_used_at"]  # another may have noted a use since the key was read
        saving = update(ApiKeyRow).where(*_is(key), ApiKeyRow.version == key.version).values(change)
        if not self.connection.execute(saving).rowcount:
            raise Stale
        self._note(saved)

    def remove(self, key: ApiKey) -> bool:
        removed = self.connection.execute(delete(ApiKeyRow).where(*_is(key)).returning(ApiKeyRow.version)).first()
        if removed is None:
            return False
        self._note(replace(key, version=removed.version + 1))  # another may have saved it since it was read
        return True

    def count(self, owner_id: UUID, service_account_id: ServiceAccountId | None) -> int:
        of_owner = select(func.count()).select_from(ApiKeyRow).where(*_of(owner_id, service_account_id))
        return self.connection.execute(of_owner).scalar_one()

    def page(
        self, owner_id: UUID, service_account_id: ServiceAccountId | None, *, limit: int, after: str | None
    ) -> tuple[list[ApiKey], str | None]:
        keys = select(ApiKeyRow.__table__).where(*_of(owner_id, service_account_id))
        if after is not None:
            keys = keys.where(ApiKeyRow.id > id_of(after))
        oldest_first = keys.order_by(ApiKeyRow.id)
        return one_page(self.connection, oldest_first, to_key, lambda key: str(key.id), limit=limit)

    def note_use(self, key: ApiKey, *, digest: str | None = None, at: datetime) -> None:
        last = ApiKeyRow.last_used_at
        is_due = or_(last.is_(None), last <= at - LAST_USED_PRECISION)
        noted = update(ApiKeyRow).where(*_is(key), is_due).values(last_used_at=at)
        if digest:
            is_as_read = ApiKeyRow.digest == key.digest
            noted = noted.values(digest=case((is_as_read, digest), else_=ApiKeyRow.digest))
        self.connection.execute(noted)

    def end_all(
        self,
        owner_id: UUID,
        reason: EndOfKey,
        *,
        service_account_id: ServiceAccountId | None = None,
        organization_id: OrganizationId | None = None,
        at: datetime,
    ) -> None:
        ended = delete(ApiKeyRow).where(ApiKeyRow.owner_id == owner_id)
        if service_account_id is not None:
            ended = ended.where(ApiKeyRow.service_account_id == service_account_id)
        if organization_id is not None:
            ended = ended.where(ApiKeyRow.organization_id == organization_id)
        rows = self.connection.execute(ended.returning(ApiKeyRow.__table__)).all()
        for key in sorted(map(to_key, rows), key=lambda key: key.id):
            self._note(replace(key.end(reason, at=at), version=key.version + 1))

    def sweep(self, *, at: datetime, limit: int) -> int:
        return swept(self.connection, ApiKeyRow, ApiKeyRow.expires_at <= at, oldest=ApiKeyRow.expires_at, limit=limit)

    def _note(self, key: ApiKey) -> None:
        self.emit(key.owner_id, key.id, key)


def _is(key: ApiKey) -> tuple[ColumnElement[bool], ...]:
    return ApiKeyRow.owner_id == key.owner_id, ApiKeyRow.id == key.id


def _of(owner_id: UUID, service_account_id: ServiceAccountId | None) -> tuple[ColumnElement[bool], ...]:
    # With None it is `IS NULL`.
    return ApiKeyRow.owner_id == owner_id, ApiKeyRow.service_account_id == service_account_id
