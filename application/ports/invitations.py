from datetime import datetime
from typing import Protocol

from domain.invitations import Invitation
from domain.kernel import AddressDigest, InvitationId, OrganizationId


class Invitations(Protocol):
    def put(self, invitation: Invitation) -> Invitation | None:
        """Add it, and return the one of the same organization and address whose place it takes, if any."""

    def find(self, organization_id: OrganizationId, id: InvitationId, *, at: datetime) -> Invitation | None:
        """None if it is unknown, answered, taken back or expired."""

    def take(self, invitation: Invitation) -> bool:
        """Remove it and write what it recorded. False, and nothing written, if it was gone: of any number of callers
        one gets it."""

    def count(self, organization_id: OrganizationId, *, at: datetime) -> int:
        """How many wait."""

    def page(
        self, organization_id: OrganizationId, *, limit: int, after: str | None, at: datetime
    ) -> tuple[list[Invitation], str | None]:
        """Those that wait, oldest first, and where the next page starts. Raise CursorInvalid."""

    def of_address(self, digest: AddressDigest, *, limit: int, at: datetime) -> list[Invitation]:
        """Those that wait for an address, of all organizations, newest first."""

    def void(self, organization_id: OrganizationId, *, limit: int) -> int:
        """Remove at most `limit` of the organization; return how many."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
