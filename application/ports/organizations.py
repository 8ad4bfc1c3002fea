from collections.abc import Collection, Mapping
from typing import Protocol

from domain.kernel import OrganizationId
from domain.organizations import Organization


class Organizations(Protocol):
    def add(self, organization: Organization) -> None:
        """Raise SlugTaken."""

    def get(self, id: OrganizationId) -> Organization:
        """Raise OrganizationNotFound, also if it was deleted."""

    def lock(self, id: OrganizationId) -> Organization:
        """Like `get`; until the end of the transaction nobody else may lock or save it."""

    def some(self, ids: Collection[OrganizationId]) -> Mapping[OrganizationId, Organization]:
        """Those of them that are live, in one query."""

    def save(self, organization: Organization) -> None:
        """Raise Stale if it was saved since it was read, SlugTaken if another has its new slug. One that is deleted
        gives its slug back."""

    def deleted(self, *, limit: int) -> list[Organization]:
        """At most `limit` that were deleted and not yet removed, in the order of their deletion."""

    def remove(self, id: OrganizationId) -> None:
        """A deleted one, of which nothing else is left. Does nothing to one that is live."""
