"""A role is a named set of permissions: three are built in, and an organization may have more of its own."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType, Self

from domain.kernel import Aggregate, Conflict, Event, Forbidden, Invalid, NotFound, OrganizationId, RoleId
from domain.names import LONGEST_DESCRIPTION, visible
from domain.permissions import Permission

RoleName = NewType("RoleName", str)

OWNER = RoleName("owner")
ADMIN = RoleName("admin")
MEMBER = RoleName("member")
BUILT_IN = (OWNER, ADMIN, MEMBER)

_NAME = re.compile(r"[a-z][a-z0-9_-]{1,39}")

MOST_ROLES = 100
"""Of its own that an organization may have."""


class InvalidRole(Invalid):
    """Not a name or a description that a role can have."""

    code = "role_invalid"


class RoleUnknown(Invalid):
    """The organization has no such role to give."""

    code = "role_unknown"

    def __init__(self) -> None:
        super().__init__("The organization has no such role: see `GET …/roles`.", field="role")


class RoleNotFound(NotFound):
    """The organization has no role of that name."""

    code = "role_not_found"

    def __init__(self) -> None:
        super().__init__("The organization has no role of that name.")


class RoleTaken(Conflict):
    """The organization has a role of that name already, or it is built in."""

    code = "role_taken"

    def __init__(self) -> None:
        super().__init__("There is a role of that name already.")


class RoleBuiltIn(Conflict):
    """A built-in role stays as the catalogue makes it."""

    code = "role_built_in"

    def __init__(self) -> None:
        super().__init__("The roles owner, admin and member are built in. Make one of your own instead.")


class RoleInUse(Conflict):
    """Somebody holds the role, or has been invited to it."""

    code = "role_in_use"

    def __init__(self) -> None:
        super().__init__("Members, invitations or service accounts have that role: give them another one first.")


class TooManyRoles(Conflict):
    """The organization has as many roles of its own as it may."""

    code = "too_many_roles"

    def __init__(self) -> None:
        super().__init__(f"An organization may have at most {MOST_ROLES} roles of its own.")


class ExceedsOwnRights(Forbidden):
    """Nobody grants more than they may do themselves."""

    code = "exceeds_own_rights"

    def __init__(self) -> None:
        super().__init__("That would grant, or take, more than you may do yourself.")


def parse_role_name(raw: str) -> RoleName:
    """Raise InvalidRole unless it has 2 to 40 lower-case letters, digits, - and _, and starts with a letter."""
    if not is_role_name(raw):
        raise InvalidRole(
            "The name of a role has 2 to 40 lower-case letters, digits, hyphens and underscores.", field="name"
        )
    return RoleName(raw)


def is_role_name(raw: str) -> bool:
    """Whether any role can have that name: otherwise nobody is asked for it."""
    return _NAME.fullmatch(raw) is not None


def parse_role_description(raw: str) -> str:
    """Raise InvalidRole if it cannot be kept. It may be empty."""
    description = visible(raw, most=LONGEST_DESCRIPTION)
    if description is None:
        raise InvalidRole("A description has at most 200 characters, all of which can be seen.", field="description")
    return description


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMade(Event):
    name = "role.created"
    organization_id: OrganizationId
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged(Event):
    name = "role.changed"
    organization_id: OrganizationId
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDeleted(Event):
    name = "role.deleted"
    organization_id: OrganizationId
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Aggregate):
    """Of one organization. Its name never changes: members refer to it. Its id tells it from an earlier one of that
    name."""

    id: RoleId
    organization_id: OrganizationId
    name: RoleName
    description: str = ""
    permissions: frozenset[Permission]
    created_at: datetime

    @classmethod
    def make(
        cls,
        *,
        id: RoleId,
        organization_id: OrganizationId,
        name: RoleName,
        description: str,
        permissions: frozenset[Permission],
        at: datetime,
    ) -> Self:
        """Raise RoleTaken for the name of a built-in one."""
        if name in BUILT_IN:
            raise RoleTaken
        return cls(
            id=id,
            organization_id=organization_id,
            name=name,
            description=description,
            permissions=permissions,
            created_at=at,
            events=(RoleMade(organization_id=organization_id, role=name, at=at),),
        )

    def change(self, *, description: str, permissions: frozenset[Permission], at: datetime) -> Self:
        if (description, permissions) == (self.description, self.permissions):
            return self
        changed = RoleChanged(organization_id=self.organization_id, role=self.name, at=at)
        return replace(self, description=description, permissions=permissions, events=self.recorded(changed))

    def delete(self, *, at: datetime) -> Self:
        deleted = RoleDeleted(organization_id=self.organization_id, role=self.name, at=at)
        return replace(self, events=self.recorded(deleted))
