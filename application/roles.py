"""An organization's own roles, beside the three that are built in."""

from collections.abc import Collection
from dataclasses import dataclass

from application.organizations import lock_organization
from application.ports.environment import Clock, Ids
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Actor
from domain.kernel import RoleId
from domain.permissions import ROLES_MANAGE, ROLES_READ, Catalogue, Permission
from domain.roles import (
    ADMIN,
    BUILT_IN,
    MEMBER,
    MOST_ROLES,
    OWNER,
    Role,
    RoleBuiltIn,
    RoleInUse,
    RoleName,
    RoleNotFound,
    TooManyRoles,
    is_role_name,
    parse_role_description,
    parse_role_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRole:
    """A role as it can be given, built in or not."""

    name: RoleName
    description: str
    permissions: frozenset[Permission]
    is_built_in: bool

    @classmethod
    def of(cls, role: Role) -> "ShownRole":
        return cls(name=role.name, description=role.description, permissions=role.permissions, is_built_in=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCatalogue:
    """Every permission that there is, with what it is for."""

    autocommit: Begin

    def __call__(self) -> Catalogue:
        with self.autocommit() as database:
            return database.catalogue.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRoles:
    """The roles that can be given in the organization: the built-in ones first, then its own by name."""

    autocommit: Begin

    def __call__(self, *, actor: Actor) -> list[ShownRole]:
        """Raise PermissionDenied."""
        actor.must(ROLES_READ)
        with self.autocommit() as database:
            catalogue = database.catalogue.get()
            own = database.roles.all(actor.organization_id)
        built_in = (
            (OWNER, "May do everything", frozenset(catalogue.permissions)),
            (ADMIN, "Runs the organization", catalogue.of_admin),
            (MEMBER, "Belongs to it", catalogue.of_member),
        )
        return [
            *(
                ShownRole(name=name, description=text, permissions=may, is_built_in=True)
                for name, text, may in built_in
            ),
            *map(ShownRole.of, own),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeRole:
    """The organization gets a role of its own. Nobody makes one that grants more than they may do themselves."""

    unit_of_work: Begin
    clock: Clock
    ids: Ids

    def __call__(self, *, actor: Actor, name: str, description: str, permissions: Collection[str]) -> ShownRole:
        """Raise PermissionDenied, InvalidRole, PermissionUnknown, ExceedsOwnRights, RoleTaken, TooManyRoles."""
        actor.must(ROLES_MANAGE)
        role_name, text = parse_role_name(name), parse_role_description(description)
        with self.unit_of_work() as uow:
            granted = uow.catalogue.hold().known(permissions)
            actor.must_cover(granted)
            lock_organization(uow, actor)
            role = Role.make(
                id=RoleId(self.ids.new()),
                organization_id=actor.organization_id,
                name=role_name,
                description=text,
                permissions=granted,
                at=self.clock.now(),
            )
            if len(uow.roles.all(actor.organization_id)) >= MOST_ROLES:
                raise TooManyRoles
            uow.roles.add(role)
        return ShownRole.of(role)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRole:
    """A role of the organization's own is changed; it counts from the next request of whoever has it."""

    unit_of_work: Begin
    clock: Clock

    def __call__(
        self,
        *,
        actor: Actor,
        name: str,
        description: str | None = None,
        permissions: Collection[str] | None = None,
    ) -> ShownRole:
        """None leaves it as it is.

        Raise PermissionDenied, RoleNotFound, RoleBuiltIn, InvalidRole, PermissionUnknown, ExceedsOwnRights.
        """
        actor.must(ROLES_MANAGE)
        text = parse_role_description(description) if description is not None else None
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            role = _own_role(uow, actor, name)
            granted = role.permissions if permissions is None else uow.catalogue.hold().known(permissions)
            actor.must_cover(role.permissions | granted)
            changed = role.change(
                description=role.description if text is None else text, permissions=granted, at=self.clock.now()
            )
            if changed is not role:
                uow.roles.save(changed)
        return ShownRole.of(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRole:
    """A role of the organization's own is deleted, once nobody has it any more."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, actor: Actor, name: str) -> None:
        """Raise PermissionDenied, RoleNotFound, RoleBuiltIn, RoleInUse, ExceedsOwnRights."""
        actor.must(ROLES_MANAGE)
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            role = _own_role(uow, actor, name)
            actor.must_cover(role.permissions)
            if uow.roles.is_used(actor.organization_id, role.name):
                raise RoleInUse
            uow.roles.remove(role.delete(at=self.clock.now()))


def _own_role(uow: UnitOfWork, actor: Actor, name: str) -> Role:
    if name in BUILT_IN:
        raise RoleBuiltIn
    role = uow.roles.find(actor.organization_id, RoleName(name)) if is_role_name(name) else None
    if role is None:
        raise RoleNotFound
    return role
