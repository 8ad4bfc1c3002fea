from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ForeignKey, Index, String, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.accounts import AccountRow
from adapters.sql.model import Model
from adapters.sql.organizations import OrganizationRow
from adapters.sql.statements import claimed, one_page
from application.ports.memberships import Memberships
from application.ports.outbox import Emit
from application.ports.pages import id_of
from domain.kernel import AccountId, OrganizationId, Stale
from domain.memberships import AlreadyMember, EndOfMembership, Membership
from domain.roles import OWNER, RoleName


class MemberRow(Model):
    """A membership as its organization sees it. Of the two this one is claimed, locked and believed."""

    __tablename__ = "members"
    __table_args__ = (Index(None, "organization_id", "role"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey(OrganizationRow.id), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    role: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    version: Mapped[int]


class MembershipRow(Model):
    """The same, where its account lies: so that one shard answers where somebody belongs."""

    __tablename__ = "memberships"
    __table_args__ = (Index(None, "account_id", "role"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey(AccountRow.id), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    role: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    version: Mapped[int]


def to_row(membership: Membership) -> dict[str, Any]:
    """Of either table."""
    return {
        "organization_id": membership.organization_id,
        "account_id": membership.account_id,
        "id": membership.id,
        "role": membership.role,
        "created_at": membership.created_at,
        "version": membership.version,
    }


def from_organization(row: Sequence[Any]) -> Membership:
    """`row` holds the columns of MemberRow in their order."""
    organization_id, account_id, id, role, created_at, version = row
    return Membership(
        id=id,
        organization_id=organization_id,
        account_id=account_id,
        role=RoleName(role),
        created_at=created_at,
        version=version,
    )


def from_account(row: Sequence[Any]) -> Membership:
    """`row` holds the columns of MembershipRow in their order."""
    account_id, organization_id, *rest = row
    return from_organization((organization_id, account_id, *rest))


@dataclass(frozen=True, slots=True)
class SqlMemberships(Memberships):
    connection: Connection
    emit: Emit

    def add(self, membership: Membership) -> None:
        if not claimed(self.connection, MemberRow, to_row(membership)):
            raise AlreadyMember
        self.connection.execute(insert(MembershipRow), to_row(membership))
        self._note(membership)

    def find(self, organization_id: OrganizationId, account_id: AccountId) -> Membership | None:
        member = select(MemberRow.__table__).where(*_is(MemberRow, organization_id, account_id))
        row = self.connection.execute(member).first()
        return from_organization(row) if row else None

    def save(self, membership: Membership) -> None:
        change = {"role": membership.role, "version": membership.version + 1}
        unchanged = MemberRow.version == membership.version
        saved = update(MemberRow).where(*_key(MemberRow, membership), unchanged).values(change)
        if not self.connection.execute(saved).rowcount:
            raise Stale
        self.connection.execute(update(MembershipRow).where(*_key(MembershipRow, membership)).values(change))
        self._note(replace(membership, version=membership.version + 1))

    def remove(self, membership: Membership) -> bool:
        if not self.connection.execute(delete(MemberRow).where(*_key(MemberRow, membership))).rowcount:
            return False
        self.connection.execute(delete(MembershipRow).where(*_key(MembershipRow, membership)))
        self._note(replace(membership, version=membership.version + 1))
        return True

    def end_all(self, account_id: AccountId, reason: EndOfMembership, *, at: datetime) -> list[Membership]:
        of_account = MembershipRow.account_id == account_id
        there = self.connection.execute(select(MembershipRow.organization_id).where(of_account)).scalars().all()
        ended = delete(MemberRow).where(MemberRow.organization_id.in_(there), MemberRow.account_id == account_id)
        rows = self.connection.execute(ended.returning(MemberRow.__table__)).all()
        self.connection.execute(delete(MembershipRow).where(of_account, MembershipRow.organization_id.in_(there)))
        return self._noted_end(rows, reason, at)

    def void(self, organization_id: OrganizationId, *, limit: int, at: datetime) -> list[AccountId]:
        of_organization = MemberRow.organization_id == organization_id
        # Nothing is skipped, as a sweep else does: none left must mean that there is none.
        first = select(MemberRow.account_id).where(of_organization).order_by(MemberRow.account_id).limit(limit)
        whose = self.connection.execute(first.with_for_update()).scalars().all()
        ended = delete(MemberRow).where(of_organization, MemberRow.account_id.in_(whose))
        rows = self.connection.execute(ended.returning(MemberRow.__table__)).all()
        self.connection.execute(
            delete(MembershipRow).where(
                MembershipRow.account_id.in_(whose), MembershipRow.organization_id == organization_id
            )
        )
        self._noted_end(rows, EndOfMembership.ORGANIZATION_DELETED, at)
        return [AccountId(id) for id in whose]

    def has_other_owner(self, organization_id: OrganizationId, account_id: AccountId) -> bool:
        other = select(MemberRow.account_id).where(
            MemberRow.organization_id == organization_id, MemberRow.role == OWNER, MemberRow.account_id != account_id
        )
        return self.connection.execute(other.limit(1)).first() is not None

    def owners(self, organization_id: OrganizationId, *, limit: int) -> list[AccountId]:
        owners = select(MemberRow.account_id).where(
            MemberRow.organization_id == organization_id, MemberRow.role == OWNER
        )
        ids = self.connection.execute(owners.order_by(MemberRow.account_id).limit(limit)).scalars()
        return [AccountId(id) for id in ids]

    def count_owned(self, account_id: AccountId) -> int:
        owned = select(func.count()).where(MembershipRow.account_id == account_id, MembershipRow.role == OWNER)
        return self.connection.execute(owned).scalar_one()

    def owned_by(self, account_id: AccountId) -> list[OrganizationId]:
        owned = select(MembershipRow.organization_id).where(
            MembershipRow.account_id == account_id, MembershipRow.role == OWNER
        )
        ids = self.connection.execute(owned.order_by(MembershipRow.organization_id)).scalars()
        return [OrganizationId(id) for id in ids]

    def page_of_organization(
        self, organization_id: OrganizationId, *, limit: int, after: str | None
    ) -> tuple[list[Membership], str | None]:
        members = select(MemberRow.__table__).where(MemberRow.organization_id == organization_id)
        if after is not None:
            members = members.where(MemberRow.account_id > id_of(after))
        in_order = members.order_by(MemberRow.account_id)
        return one_page(self.connection, in_order, from_organization, lambda it: str(it.account_id), limit=limit)

    def page_of_account(
        self, account_id: AccountId, *, limit: int, after: str | None
    ) -> tuple[list[Membership], str | None]:
        memberships = select(MembershipRow.__table__).where(MembershipRow.account_id == account_id)
        if after is not None:
            memberships = memberships.where(MembershipRow.organization_id > id_of(after))
        in_order = memberships.order_by(MembershipRow.organization_id)
        return one_page(self.connection, in_order, from_account, lambda it: str(it.organization_id), limit=limit)

    def _note(self, membership: Membership) -> None:
        self.emit(membership.organization_id, membership.id, membership)

    def _noted_end(self, removed: Iterable[Sequence[Any]], reason: EndOfMembership, at: datetime) -> list[Membership]:
        memberships = sorted(map(from_organization, removed), key=lambda each: (each.organization_id, each.account_id))
        for membership in memberships:
            ended = membership.end(reason, at=at)
            self._note(replace(ended, version=ended.version + 1))
        return memberships


def _is(
    model: type[MemberRow | MembershipRow], organization_id: OrganizationId, account_id: AccountId
) -> tuple[ColumnElement[bool], ...]:
    return model.organization_id == organization_id, model.account_id == account_id


def _key(model: type[MemberRow | MembershipRow], membership: Membership) -> tuple[ColumnElement[bool], ...]:
    return _is(model, membership.organization_id, membership.account_id)
