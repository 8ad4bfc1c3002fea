from typing import Protocol

from domain.kernel import OrganizationId
from domain.permissions import Permission
from domain.roles import Role, RoleName


class Roles(Protocol):
    """An organization's own roles. They are few."""

    def all(self, organization_id: OrganizationId) -> list[Role]:
        """In the order of their names."""

    def find(self, organization_id: OrganizationId, name: RoleName) -> Role | None: ...

    def permissions(self, organization_id: OrganizationId, name: RoleName) -> frozenset[Permission] | None:
        """What a role grants now, built in or the organization's own; None if there is no such role."""

    def add(self, role: Role) -> None:
        """Raise RoleTaken."""

    def save(self, role: Role) -> None:
        """Raise Stale if it was saved since it was read."""

    def remove(self, role: Role) -> None:
        """Remove it and write what it recorded. Raise Stale if it was gone or saved since it was read."""

    def is_used(self, organization_id: OrganizationId, name: RoleName) -> bool:
        """Whether a member, an invitation or a service account has it. To rely on it, lock the organization first."""

    def void(self, organization_id: OrganizationId) -> None:
        """Remove all of a deleted organization, without a word."""
