from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ForeignKey, Index, String, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.organizations import OrganizationRow
from adapters.sql.statements import one_page, without_key
from application.ports.outbox import Emit
from application.ports.pages import id_of
from application.ports.service_accounts import ServiceAccounts
from domain.kernel import OrganizationId, ServiceAccountId, Stale
from domain.roles import RoleName
from domain.service_accounts import ServiceAccount


class ServiceAccountRow(Model):
    __tablename__ = "service_accounts"
    __table_args__ = (Index(None, "organization_id", "role"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey(OrganizationRow.id), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    display_name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(40))
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
    version: Mapped[int]


def to_row(service_account: ServiceAccount) -> dict[str, Any]:
    return {
        "organization_id": service_account.organization_id,
        "id": service_account.id,
        "display_name": service_account.display_name,
        "role": service_account.role,
        "created_by": service_account.created_by,
        "created_at": service_account.created_at,
        "version": service_account.version,
    }


def to_service_account(row: Sequence[Any]) -> ServiceAccount:
    """`row` holds the columns of ServiceAccountRow in their order: by position, as each call by a key reads it."""
    organization_id, id, display_name, role, created_by, created_at, version = row
    return ServiceAccount(
        organization_id=organization_id,
        id=id,
        display_name=display_name,
        role=RoleName(role),
        created_by=created_by,
        created_at=created_at,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlServiceAccounts(ServiceAccounts):
    connection: Connection
    emit: Emit

    def add(self, service_account: ServiceAccount) -> None:
        self.connection.execute(insert(ServiceAccountRow), to_row(service_account))
        self._note(service_account)

    def find(self, organization_id: OrganizationId, id: ServiceAccountId) -> ServiceAccount | None:
        found = select(ServiceAccountRow.__table__).where(
            ServiceAccountRow.organization_id == organization_id, ServiceAccountRow.id == id
        )
        row = self.connection.execute(found).first()
        return to_service_account(row) if row else None

    def save(self, service_account: ServiceAccount) -> None:
        saved = replace(service_account, version=service_account.version + 1)
        unchanged = ServiceAccountRow.version == service_account.version
        change = update(ServiceAccountRow).where(*_is(service_account), unchanged)
        if not self.connection.execute(change.values(without_key(ServiceAccountRow, to_row(saved)))).rowcount:
            raise Stale
        self._note(saved)

    def remove(self, service_account: ServiceAccount) -> bool:
        if not self.connection.execute(delete(ServiceAccountRow).where(*_is(service_account))).rowcount:
            return False
        self._note(replace(service_account, version=service_account.version + 1))
        return True

    def count(self, organization_id: OrganizationId) -> int:
        of_organization = ServiceAccountRow.organization_id == organization_id
        return self.connection.execute(
            select(func.count()).select_from(ServiceAccountRow).where(of_organization)
        ).scalar_one()

    def page(
        self, organization_id: OrganizationId, *, limit: int, after: str | None
    ) -> tuple[list[ServiceAccount], str | None]:
        found = select(ServiceAccountRow.__table__).where(ServiceAccountRow.organization_id == organization_id)
        if after is not None:
            found = found.where(ServiceAccountRow.id > id_of(after))
        oldest_first = found.order_by(ServiceAccountRow.id)
        return one_page(self.connection, oldest_first, to_service_account, lambda it: str(it.id), limit=limit)

    def void(self, organization_id: OrganizationId) -> None:
        self.connection.execute(delete(ServiceAccountRow).where(ServiceAccountRow.organization_id == organization_id))

    def _note(self, service_account: ServiceAccount) -> None:
        self.emit(service_account.organization_id, service_account.id, service_account)


def _is(service_account: ServiceAccount) -> tuple[ColumnElement[bool], ...]:
    return (
        ServiceAccountRow.organization_id == service_account.organization_id,
        ServiceAccountRow.id == service_account.id,
    )
