from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, ForeignKey, Row, String, delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.organizations import OrganizationRow
from adapters.sql.statements import inserted_or_changed, one_page, some_of
from application.ports.invitations import Invitations
from application.ports.outbox import Emit
from application.ports.pages import id_of
from domain.accounts import EmailAddress
from domain.invitations import EndOfInvitation, Invitation
from domain.kernel import AddressDigest, InvitationId, OrganizationId
from domain.roles import RoleName


class InvitationRow(Model):
    __tablename__ = "invitations"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey(OrganizationRow.id), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    address_digest: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(40))
    invited_by: Mapped[UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class AddressInvitationRow(Model):
    """The invitation of an address by an organization: its key lets there be only one.

    It is claimed, locked and removed before the other, so that nobody waits for each other.
    """

    __tablename__ = "address_invitations"

    address_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    invitation_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(index=True)


_KEY = tuple_(InvitationRow.organization_id, InvitationRow.id)


def to_row(invitation: Invitation) -> dict[str, Any]:
    return {
        "organization_id": invitation.organization_id,
        "id": invitation.id,
        "address_digest": invitation.email.digest,
        "email": invitation.email.value,
        "role": invitation.role,
        "invited_by": invitation.invited_by,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }


def to_address_row(invitation: Invitation) -> dict[str, Any]:
    return {
        "address_digest": invitation.email.digest,
        "organization_id": invitation.organization_id,
        "invitation_id": invitation.id,
        "expires_at": invitation.expires_at,
    }


def to_invitation(row: Sequence[Any]) -> Invitation:
    """`row` holds the columns of InvitationRow in their order."""
    organization_id, id, _, email, role, invited_by, created_at, expires_at = row
    return Invitation(
        organization_id=organization_id,
        id=id,
        email=EmailAddress(email),
        role=RoleName(role),
        invited_by=invited_by,
        created_at=created_at,
        expires_at=expires_at,
    )


@dataclass(frozen=True, slots=True)
class SqlInvitations(Invitations):
    connection: Connection
    emit: Emit

    def put(self, invitation: Invitation) -> Invitation | None:
        replaced = self._make_way(invitation)
        self.connection.execute(insert(InvitationRow), to_row(invitation))
        self._note(invitation)
        return replaced

    def find(self, organization_id: OrganizationId, id: InvitationId, *, at: datetime) -> Invitation | None:
        waiting = select(InvitationRow.__table__).where(
            InvitationRow.organization_id == organization_id, InvitationRow.id == id, InvitationRow.expires_at > at
        )
        row = self.connection.execute(waiting).first()
        return to_invitation(row) if row else None

    def take(self, invitation: Invitation) -> bool:
        taken = delete(AddressInvitationRow).where(
            AddressInvitationRow.address_digest == invitation.email.digest,
            AddressInvitationRow.organization_id == invitation.organization_id,
            AddressInvitationRow.invitation_id == invitation.id,
        )
        if not self.connection.execute(taken).rowcount:
            return False
        self._delete(invitation.organization_id, invitation.id)
        self._note_end(invitation)
        return True

    def count(self, organization_id: OrganizationId, *, at: datetime) -> int:
        waiting = (InvitationRow.organization_id == organization_id, InvitationRow.expires_at > at)
        return self.connection.execute(select(func.count()).select_from(InvitationRow).where(*waiting)).scalar_one()

    def page(
        self, organization_id: OrganizationId, *, limit: int, after: str | None, at: datetime
    ) -> tuple[list[Invitation], str | None]:
        waiting = select(InvitationRow.__table__).where(
            InvitationRow.organization_id == organization_id, InvitationRow.expires_at > at
        )
        if after is not None:
            waiting = waiting.where(InvitationRow.id > id_of(after))
        oldest_first = waiting.order_by(InvitationRow.id)
        return one_page(self.connection, oldest_first, to_invitation, lambda it: str(it.id), limit=limit)

    def of_address(self, digest: AddressDigest, *, limit: int, at: datetime) -> list[Invitation]:
        # Not a join: the two tables lie on different shards.
        waiting = select(AddressInvitationRow.organization_id, AddressInvitationRow.invitation_id).where(
            AddressInvitationRow.address_digest == digest, AddressInvitationRow.expires_at > at
        )
        newest = waiting.order_by(AddressInvitationRow.invitation_id.desc()).limit(limit)
        keys = [tuple(row) for row in self.connection.execute(newest)]
        found = self.connection.execute(select(InvitationRow.__table__).where(_KEY.in_(keys)))
        return sorted(map(to_invitation, found), key=lambda each: each.id, reverse=True)

    def void(self, organization_id: OrganizationId, *, limit: int) -> int:
        # Nothing is skipped, as a sweep else does: none left must mean that there is none.
        first = (
            select(InvitationRow.address_digest, InvitationRow.id)
            .where(InvitationRow.organization_id == organization_id)
            .order_by(InvitationRow.id)
            .limit(limit)
        )
        rows = self.connection.execute(first).all()
        self.connection.execute(
            delete(AddressInvitationRow).where(
                AddressInvitationRow.address_digest.in_([row.address_digest for row in rows]),
                AddressInvitationRow.organization_id == organization_id,
            )
        )
        removed = delete(InvitationRow).where(
            InvitationRow.organization_id == organization_id, InvitationRow.id.in_([row.id for row in rows])
        )
        self.connection.execute(removed)
        return len(rows)

    def sweep(self, *, at: datetime, limit: int) -> int:
        expires_at = AddressInvitationRow.expires_at
        over = some_of(AddressInvitationRow, expires_at <= at, oldest=expires_at, limit=limit)
        removed = delete(AddressInvitationRow).where(over)
        keys = removed.returning(AddressInvitationRow.organization_id, AddressInvitationRow.invitation_id)
        rows = [tuple(row) for row in self.connection.execute(keys)]
        self.connection.execute(delete(InvitationRow).where(_KEY.in_(rows)))
        return len(rows)

    def _make_way(self, invitation: Invitation) -> Invitation | None:
        """Claim the address, or take it over from the invitation that has it."""
        row = to_address_row(invitation)
        as_it_is = {"expires_at": AddressInvitationRow.expires_at}
        before = inserted_or_changed(self.connection, AddressInvitationRow, row, as_it_is).invitation_id
        if before == invitation.id:
            return None
        self.connection.execute(
            update(AddressInvitationRow)
            .where(
                AddressInvitationRow.address_digest == row["address_digest"],
                AddressInvitationRow.organization_id == invitation.organization_id,
            )
            .values(invitation_id=invitation.id, expires_at=invitation.expires_at)
        )
        found = self._delete(invitation.organization_id, before)
        if found is None:
            return None
        replaced = to_invitation(found)
        self._note_end(replaced.end(EndOfInvitation.REPLACED, at=invitation.created_at))
        return replaced

    def _delete(self, organization_id: UUID, id: UUID) -> Row[Any] | None:
        removed = delete(InvitationRow).where(InvitationRow.organization_id == organization_id, InvitationRow.id == id)
        return self.connection.execute(removed.returning(InvitationRow.__table__)).first()

    def _note_end(self, ended: Invitation) -> None:
        self._note(replace(ended, version=ended.version + 1))

    def _note(self, invitation: Invitation) -> None:
        self.emit(invitation.organization_id, invitation.id, invitation)
