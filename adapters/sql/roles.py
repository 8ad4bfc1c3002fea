from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.invitations import InvitationRow
from adapters.sql.memberships import MemberRow
from adapters.sql.model import Json, Model
from adapters.sql.organizations import OrganizationRow
from adapters.sql.service_accounts import ServiceAccountRow
from adapters.sql.statements import claimed, without_key
from application.ports.outbox import Emit
from application.ports.roles import Roles
from domain.kernel import OrganizationId, Stale
from domain.permissions import Permission
from domain.roles import BUILT_IN, Role, RoleName, RoleTaken


class RoleRow(Model):
    __tablename__ = "roles"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey(OrganizationRow.id), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    id: Mapped[UUID]
    description: Mapped[str] = mapped_column(String(200))
    permissions: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[datetime]
    version: Mapped[int]


class BuiltInRoleRow(Model):
    """What the catalogue lets owner, admin and member do: three rows, the same on every shard."""

    __tablename__ = "built_in_roles"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    permissions: Mapped[list[str]] = mapped_column(Json)


def to_row(role: Role) -> dict[str, Any]:
    return {
        "organization_id": role.organization_id,
        "name": role.name,
        "id": role.id,
        "description": role.description,
        "permissions": sorted(role.permissions),
        "created_at": role.created_at,
        "version": role.version,
    }


def to_role(row: Sequence[Any]) -> Role:
    """`row` holds the columns of RoleRow in their order."""
    organization_id, name, id, description, permissions, created_at, version = row
    return Role(
        id=id,
        organization_id=organization_id,
        name=RoleName(name),
        description=description,
        permissions=frozenset(permissions),
        created_at=created_at,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlRoles(Roles):
    connection: Connection
    emit: Emit

    def all(self, organization_id: OrganizationId) -> list[Role]:
        own = self.connection.execute(select(RoleRow.__table__).where(RoleRow.organization_id == organization_id))
        return sorted(map(to_role, own), key=lambda role: role.name)

    def find(self, organization_id: OrganizationId, name: RoleName) -> Role | None:
        row = self.connection.execute(select(RoleRow.__table__).where(*_is(organization_id, name))).first()
        return to_role(row) if row else None

    def permissions(self, organization_id: OrganizationId, name: RoleName) -> frozenset[Permission] | None:
        if name in BUILT_IN:
            granted = select(BuiltInRoleRow.permissions).where(BuiltInRoleRow.name == name)
        else:
            granted = select(RoleRow.permissions).where(*_is(organization_id, name))
        row = self.connection.execute(granted).first()
        return frozenset(map(Permission, row.permissions)) if row else None

    def add(self, role: Role) -> None:
        if not claimed(self.connection, RoleRow, to_row(role)):
            raise RoleTaken
        self._note(role)

    def save(self, role: Role) -> None:
        saved = replace(role, version=role.version + 1)
        change = update(RoleRow).where(*_as_read(role)).values(without_key(RoleRow, to_row(saved)))
        if not self.connection.execute(change).rowcount:
            raise Stale
        self._note(saved)

    def remove(self, role: Role) -> None:
        if not self.connection.execute(delete(RoleRow).where(*_as_read(role))).rowcount:
            raise Stale
        self._note(replace(role, version=role.version + 1))

    def is_used(self, organization_id: OrganizationId, name: RoleName) -> bool:
        held = [
            select(holder.role).where(holder.organization_id == organization_id, holder.role == name).exists()
            for holder in (MemberRow, ServiceAccountRow, InvitationRow)
        ]
        return any(self.connection.execute(select(*held)).one())

    def void(self, organization_id: OrganizationId) -> None:
        self.connection.execute(delete(RoleRow).where(RoleRow.organization_id == organization_id))

    def _note(self, role: Role) -> None:
        self.emit(role.organization_id, role.id, role)


def _is(organization_id: OrganizationId, name: RoleName) -> tuple[ColumnElement[bool], ...]:
    return RoleRow.organization_id == organization_id, RoleRow.name == name


def _as_read(role: Role) -> tuple[ColumnElement[bool], ...]:
    return *_is(role.organization_id, role.name), RoleRow.version == role.version
