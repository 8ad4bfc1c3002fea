from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.memory.rows import page_by_id, sweep
from application.ports.invitations import Invitations
from application.ports.outbox import Emit
from domain.invitations import EndOfInvitation, Invitation
from domain.kernel import AddressDigest, InvitationId, OrganizationId

InvitationKey = tuple[OrganizationId, InvitationId]


@dataclass(frozen=True, slots=True)
class MemoryInvitations(Invitations):
    rows: dict[InvitationKey, Invitation]
    emit: Emit

    def put(self, invitation: Invitation) -> Invitation | None:
        of_organization = (each for each in self.rows.values() if each.organization_id == invitation.organization_id)
        replaced = next((each for each in of_organization if each.email == invitation.email), None)
        if replaced:
            self.take(replaced.end(EndOfInvitation.REPLACED, at=invitation.created_at))
        self.rows[invitation.organization_id, invitation.id] = replace(invitation, events=())
        self._note(invitation)
        return replaced

    def find(self, organization_id: OrganizationId, id: InvitationId, *, at: datetime) -> Invitation | None:
        invitation = self.rows.get((organization_id, id))
        return invitation if invitation and invitation.is_live(at) else None

    def take(self, invitation: Invitation) -> bool:
        if self.rows.pop((invitation.organization_id, invitation.id), None) is None:
            return False
        self._note(replace(invitation, version=invitation.version + 1))
        return True

    def count(self, organization_id: OrganizationId, *, at: datetime) -> int:
        return sum(1 for _ in self._waiting(organization_id, at))

    def page(
        self, organization_id: OrganizationId, *, limit: int, after: str | None, at: datetime
    ) -> tuple[list[Invitation], str | None]:
        return page_by_id(self._waiting(organization_id, at), lambda each: each.id, limit=limit, after=after)

    def of_address(self, digest: AddressDigest, *, limit: int, at: datetime) -> list[Invitation]:
        waiting = (each for each in self.rows.values() if each.email.digest == digest and each.is_live(at))
        return sorted(waiting, key=lambda each: each.id, reverse=True)[:limit]

    def void(self, organization_id: OrganizationId, *, limit: int) -> int:
        return sweep(self.rows, lambda each: each.organization_id == organization_id, limit=limit)

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda invitation: not invitation.is_live(at), limit=limit)

    def _waiting(self, organization_id: OrganizationId, at: datetime) -> Iterator[Invitation]:
        return (each for each in self.rows.values() if each.organization_id == organization_id and each.is_live(at))

    def _note(self, invitation: Invitation) -> None:
        self.emit(invitation.organization_id, invitation.id, invitation)
