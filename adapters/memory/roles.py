from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

from adapters.memory.invitations import InvitationKey
from adapters.memory.memberships import MembershipKey
from adapters.memory.service_accounts import ServiceAccountKey
from application.ports.catalogue import Catalogues
from application.ports.outbox import Emit
from application.ports.roles import Roles
from domain.invitations import Invitation
from domain.kernel import OrganizationId, Stale
from domain.memberships import Membership
from domain.permissions import Permission
from domain.roles import ADMIN, MEMBER, OWNER, Role, RoleName, RoleTaken
from domain.service_accounts import ServiceAccount

RoleKey = tuple[OrganizationId, RoleName]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRoles(Roles):
    rows: dict[RoleKey, Role]
    catalogue: Catalogues
    memberships: dict[MembershipKey, Membership]
    invitations: dict[InvitationKey, Invitation]
    service_accounts: dict[ServiceAccountKey, ServiceAccount]
    emit: Emit

    def all(self, organization_id: OrganizationId) -> list[Role]:
        own = (role for role in self.rows.values() if role.organization_id == organization_id)
        return sorted(own, key=lambda role: role.name)

    def find(self, organization_id: OrganizationId, name: RoleName) -> Role | None:
        return self.rows.get((organization_id, name))

    def permissions(self, organization_id: OrganizationId, name: RoleName) -> frozenset[Permission] | None:
        catalogue = self.catalogue.get()
        built_in = {OWNER: frozenset(catalogue.permissions), ADMIN: catalogue.of_admin, MEMBER: catalogue.of_member}
        if name in built_in:
            return built_in[name]
        role = self.find(organization_id, name)
        return role.permissions if role else None

    def add(self, role: Role) -> None:
        if (role.organization_id, role.name) in self.rows:
            raise RoleTaken
        self._keep(role)

    def save(self, role: Role) -> None:
        self._must_be_fresh(role)
        self._keep(replace(role, version=role.version + 1))

    def remove(self, role: Role) -> None:
        self._must_be_fresh(role)
        del self.rows[role.organization_id, role.name]
        self._note(replace(role, version=role.version + 1))

    def is_used(self, organization_id: OrganizationId, name: RoleName) -> bool:
        holders: Iterable[Membership | Invitation | ServiceAccount] = chain(
            self.memberships.values(), self.invitations.values(), self.service_accounts.values()
        )
        return any(holder.organization_id == organization_id and holder.role == name for holder in holders)

    def void(self, organization_id: OrganizationId) -> None:
        for role in self.all(organization_id):
            del self.rows[organization_id, role.name]

    def _must_be_fresh(self, role: Role) -> None:
        before = self.find(role.organization_id, role.name)
        if before is None or before.version != role.version:
            raise Stale

    def _keep(self, role: Role) -> None:
        self.rows[role.organization_id, role.name] = replace(role, events=())
        self._note(role)

    def _note(self, role: Role) -> None:
        self.emit(role.organization_id, role.id, role)
