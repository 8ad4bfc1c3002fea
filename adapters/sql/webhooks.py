from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, String, delete, insert, select, tuple_, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Json, Model
from adapters.sql.statements import one_page, without_key
from application.ports.outbox import Emit
from application.ports.pages import ids_of
from application.ports.webhooks import WebhookEndpoints
from domain.kernel import AccountId, Stale, WebhookId
from domain.webhooks import EndOfWebhook, EventFilter, WebhookEndpoint, WebhookNotFound


class WebhookRow(Model):
    """It lies with its owner, an organization or the installation: so no foreign key can say which."""

    __tablename__ = "webhooks"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(2048))
    description: Mapped[str] = mapped_column(String(200))
    events_wanted: Mapped[list[str]] = mapped_column(Json)
    sealed_secret: Mapped[str] = mapped_column(String(255))
    previous_sealed_secret: Mapped[str | None] = mapped_column(String(255))
    previous_expires_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None] = mapped_column(String(32))
    disabled_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
    version: Mapped[int]


def to_row(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "owner_id": endpoint.owner_id,
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events_wanted": sorted(endpoint.events_wanted.patterns),
        "sealed_secret": endpoint.sealed_secret,
        "previous_sealed_secret": endpoint.previous_sealed_secret,
        "previous_expires_at": endpoint.previous_expires_at,
        "disabled_because": endpoint.disabled_because.value if endpoint.disabled_because else None,
        "disabled_at": endpoint.disabled_at,
        "failing_since": endpoint.failing_since,
        "created_by": endpoint.created_by,
        "created_at": endpoint.created_at,
        "version": endpoint.version,
    }


def to_endpoint(row: Sequence[Any]) -> WebhookEndpoint:
    """`row` holds the columns of WebhookRow in their order."""
    (
        owner_id,
        id,
        url,
        description,
        events_wanted,
        sealed_secret,
        previous_sealed_secret,
        previous_expires_at,
        disabled_because,
        disabled_at,
        failing_since,
        created_by,
        created_at,
        version,
    ) = row
    return WebhookEndpoint(
        owner_id=owner_id,
        id=id,
        url=url,
        description=description,
        events_wanted=EventFilter(frozenset(events_wanted)),
        sealed_secret=sealed_secret,
        previous_sealed_secret=previous_sealed_secret,
        previous_expires_at=previous_expires_at,
        disabled_because=EndOfWebhook(disabled_because) if disabled_because else None,
        disabled_at=disabled_at,
        failing_since=failing_since,
        created_by=AccountId(created_by),
        created_at=created_at,
        version=version,
    )


_KEY = tuple_(WebhookRow.owner_id, WebhookRow.id)


@dataclass(frozen=True, slots=True)
class SqlWebhookEndpoints(WebhookEndpoints):
    connection: Connection
    emit: Emit

    def add(self, endpoint: WebhookEndpoint) -> None:
        self.connection.execute(insert(WebhookRow), to_row(endpoint))
        self._note(endpoint)

    def find(self, owner_id: UUID, id: WebhookId) -> WebhookEndpoint | None:
        row = self.connection.execute(select(WebhookRow.__table__).where(*_is(owner_id, id))).first()
        return to_endpoint(row) if row else None

    def lock(self, owner_id: UUID, id: WebhookId) -> WebhookEndpoint:
        locked = select(WebhookRow.__table__).where(*_is(owner_id, id)).with_for_update()
        row = self.connection.execute(locked).first()
        if row is None:
            raise WebhookNotFound
        return to_endpoint(row)

    def save(self, endpoint: WebhookEndpoint) -> None:
        saved = replace(endpoint, version=endpoint.version + 1)
        unchanged = (*_is(endpoint.owner_id, endpoint.id), WebhookRow.version == endpoint.version)
        change = update(WebhookRow).where(*unchanged).values(without_key(WebhookRow, to_row(saved)))
        if not self.connection.execute(change).rowcount:
            raise Stale
        self._note(saved)

    def remove(self, endpoint: WebhookEndpoint) -> bool:
        removal = delete(WebhookRow).where(*_is(endpoint.owner_id, endpoint.id)).returning(WebhookRow.version)
        removed = self.connection.execute(removal).first()
        if removed is None:
            return False
        self._note(replace(endpoint, version=removed.version + 1))
        return True

    def of_owner(self, owner_id: UUID) -> list[WebhookEndpoint]:
        owned = select(WebhookRow.__table__).where(WebhookRow.owner_id == owner_id).order_by(WebhookRow.id)
        return [to_endpoint(row) for row in self.connection.execute(owned)]

    def page(self, *, limit: int, after: str | None) -> tuple[list[WebhookEndpoint], str | None]:
        endpoints = select(WebhookRow.__table__)
        if after is not None:
            endpoints = endpoints.where(tuple_(*ids_of(after)) < _KEY)
        in_order = endpoints.order_by(WebhookRow.owner_id, WebhookRow.id)
        return one_page(self.connection, in_order, to_endpoint, lambda it: f"{it.owner_id}.{it.id}", limit=limit)

    def active(self, owner_ids: Collection[UUID]) -> list[WebhookEndpoint]:
        active = select(WebhookRow.__table__).where(
            WebhookRow.owner_id.in_(owner_ids), WebhookRow.disabled_at.is_(None)
        )
        return [to_endpoint(row) for row in self.connection.execute(active)]

    def some(self, keys: Collection[tuple[UUID, WebhookId]]) -> list[WebhookEndpoint]:
        among = select(WebhookRow.__table__).where(_KEY.in_(list(keys)))
        return [to_endpoint(row) for row in self.connection.execute(among)]

    def _note(self, endpoint: WebhookEndpoint) -> None:
        self.emit(endpoint.owner_id, endpoint.id, endpoint)


def _is(owner_id: UUID, id: WebhookId) -> tuple[ColumnElement[bool], ...]:
    return WebhookRow.owner_id == owner_id, WebhookRow.id == id
