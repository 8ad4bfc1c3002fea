from datetime import datetime
from typing import Protocol

from domain.kernel import AccountId, OrganizationId
from domain.memberships import EndOfMembership, Membership


class Memberships(Protocol):
    """A membership is found from both its ends, and is written at both together."""

    def add(self, membership: Membership) -> None:
        """Raise AlreadyMember."""

    def find(self, organization_id: OrganizationId, account_id: AccountId) -> Membership | None: ...

    def save(self, membership: Membership) -> None:
        """Raise Stale if it was saved since it was read."""

    def remove(self, membership: Membership) -> bool:
        """Remove it and write what it recorded. False, and nothing written, if it was gone."""

    def end_all(self, account_id: AccountId, reason: EndOfMembership, *, at: datetime) -> list[Membership]:
        """Remove all of the account, each with its event; return them as they were at last."""

    def void(self, organization_id: OrganizationId, *, limit: int, at: datetime) -> list[AccountId]:
        """Remove at most `limit` of a deleted organization, each with its event; return whose they were."""

    def has_other_owner(self, organization_id: OrganizationId, account_id: AccountId) -> bool:
        """Whether somebody else owns the organization. To rely on it, lock the organization first."""

    def owners(self, organization_id: OrganizationId, *, limit: int) -> list[AccountId]:
        """At most `limit` of the organization's owners, in the order of their ids."""

    def count_owned(self, account_id: AccountId) -> int:
        """Of how many organizations the account is owner."""

    def owned_by(self, account_id: AccountId) -> list[OrganizationId]:
        """Where the account is owner, in the order of the ids."""

    def page_of_organization(
        self, organization_id: OrganizationId, *, limit: int, after: str | None
    ) -> tuple[list[Membership], str | None]:
        """In the order of the accounts' ids, and where the next page starts. Raise CursorInvalid."""

    def page_of_account(
        self, account_id: AccountId, *, limit: int, after: str | None
    ) -> tuple[list[Membership], str | None]:
        """In the order of the organizations' ids, and where the next page starts. Raise CursorInvalid."""
