from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Index, Select, String, delete, false, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import claimed, without_key
from application.ports.organizations import Organizations
from application.ports.outbox import Emit
from domain.kernel import OrganizationId, Stale
from domain.organizations import Organization, OrganizationNotFound, Slug, SlugTaken

_DELETED = text("deleted_at IS NOT NULL")


class SlugRow(Model):
    """How a live organization is called; unique over all shards, and therefore a row of its own."""

    __tablename__ = "slugs"

    value: Mapped[str] = mapped_column(String(40), primary_key=True)
    organization_id: Mapped[UUID]


class OrganizationRow(Model):
    __tablename__ = "organizations"
    __table_args__ = (Index(None, "deleted_at", postgresql_where=_DELETED, sqlite_where=_DELETED),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    slug: Mapped[str] = mapped_column(String(40))
    requires_second_factor: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    invitations_counted_since: Mapped[datetime | None]
    invitations_counted: Mapped[int]
    version: Mapped[int]


def to_row(organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "slug": organization.slug,
        "requires_second_factor": organization.requires_second_factor,
        "created_at": organization.created_at,
        "deleted_at": organization.deleted_at,
        "invitations_counted_since": organization.invitations_counted_since,
        "invitations_counted": organization.invitations_counted,
        "version": organization.version,
    }


def to_organization(row: Sequence[Any]) -> Organization:
    """`row` holds the columns of OrganizationRow in their order."""
    (
        id,
        name,
        slug,
        requires_second_factor,
        created_at,
        deleted_at,
        invitations_counted_since,
        invitations_counted,
        version,
    ) = row
    return Organization(
        id=id,
        name=name,
        slug=Slug(slug),
        requires_second_factor=requires_second_factor,
        created_at=created_at,
        deleted_at=deleted_at,
        invitations_counted_since=invitations_counted_since,
        invitations_counted=invitations_counted,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlOrganizations(Organizations):
    connection: Connection
    emit: Emit

    def add(self, organization: Organization) -> None:
        self._claim_slug(organization)
        self.connection.execute(insert(OrganizationRow), to_row(organization))
        self.emit(organization.id, organization.id, organization)

    def get(self, id: OrganizationId) -> Organization:
        return self._the_one(_live().where(OrganizationRow.id == id))

    def lock(self, id: OrganizationId) -> Organization:
        # FOR NO KEY UPDATE, as a save takes it: a row that refers to the organization need not wait.
        return self._the_one(_live().where(OrganizationRow.id == id).with_for_update(key_share=True))

    def some(self, ids: Collection[OrganizationId]) -> Mapping[OrganizationId, Organization]:
        organizations = map(to_organization, self.connection.execute(_live().where(OrganizationRow.id.in_(ids))))
        return {each.id: each for each in organizations}

    def save(self, organization: Organization) -> None:
        stored = (OrganizationRow.id == organization.id, OrganizationRow.version == organization.version)
        before = self.connection.scalar(select(OrganizationRow.slug).where(*stored))
        if before is not None and (before != organization.slug or not organization.is_live):
            self._change_slug(before, organization)
        saved = replace(organization, version=organization.version + 1)
        changed = update(OrganizationRow).where(*stored).values(without_key(OrganizationRow, to_row(saved)))
        if not self.connection.execute(changed).rowcount:
            raise Stale
        self.emit(organization.id, organization.id, saved)

    def deleted(self, *, limit: int) -> list[Organization]:
        # Of several who sweep, each takes another one.
        deleted = select(OrganizationRow.__table__).where(OrganizationRow.deleted_at.is_not(None))
        oldest = deleted.order_by(OrganizationRow.deleted_at).limit(limit).with_for_update(skip_locked=True)
        return [to_organization(row) for row in self.connection.execute(oldest)]

    def remove(self, id: OrganizationId) -> None:
        self.connection.execute(
            delete(OrganizationRow).where(OrganizationRow.id == id, OrganizationRow.deleted_at.is_not(None))
        )

    def _the_one(self, statement: Select[Any]) -> Organization:
        row = self.connection.execute(statement).first()
        if row is None:
            raise OrganizationNotFound
        return to_organization(row)

    def _claim_slug(self, organization: Organization) -> None:
        row = {"value": organization.slug, "organization_id": organization.id}
        if not claimed(self.connection, SlugRow, row):
            raise SlugTaken

    def _change_slug(self, before: str, organization: Organization) -> None:
        """A deleted organization is called nothing any more."""
        if organization.is_live:
            self._claim_slug(organization)
        self.connection.execute(
            delete(SlugRow).where(SlugRow.value == before, SlugRow.organization_id == organization.id)
        )


def _live() -> Select[Any]:
    return select(OrganizationRow.__table__).where(OrganizationRow.deleted_at.is_(None))
