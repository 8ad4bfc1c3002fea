"""What may be done at all: the catalogue of permissions, Portico's own and those that backends declare."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import NewType, Self
from uuid import UUID, uuid5

from domain.kernel import Aggregate, Conflict, Event, Invalid
from domain.names import LONGEST_DESCRIPTION, visible

Permission = NewType("Permission", str)
"""`resource:action`, for instance `invoices:send`."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}:[a-z][a-z0-9_-]{0,39}")


class PermissionInvalid(Invalid):
    """Not a name that a permission can have."""

    code = "permission_invalid"


class PermissionUnknown(Invalid):
    """The catalogue has no such permission."""

    code = "permission_unknown"

    def __init__(self, unknown: Iterable[str], *, field: str = "permissions") -> None:
        names = ", ".join(sorted(unknown)[:10])
        super().__init__(f"The catalogue has no such permission: {names}.", field=field)


class PermissionKept(Invalid):
    """It was to be struck out of roles and keys, and the new catalogue keeps it."""

    code = "permission_kept"

    def __init__(self, kept: Iterable[str]) -> None:
        names = ", ".join(sorted(kept)[:10])
        super().__init__(f"Only what the new catalogue lacks can be struck out, and it has: {names}.", field="withdraw")


class CatalogueInvalid(Invalid):
    """The file of the catalogue is not what it must be."""

    code = "catalogue_invalid"


class PermissionInUse(Conflict):
    """Roles or keys still name the permission that the new catalogue lacks."""

    code = "permission_in_use"


def parse_permission(raw: str, *, field: str = "permission") -> Permission:
    """Raise PermissionInvalid unless `raw` is `resource:action`, each of at most 40 lower-case letters, digits, - _."""
    if not _NAME.fullmatch(raw):
        raise PermissionInvalid(
            "A permission is `resource:action`: lower-case letters, digits, hyphens and underscores.", field=field
        )
    return Permission(raw)


ORGANIZATION_READ = Permission("organization:read")
ORGANIZATION_UPDATE = Permission("organization:update")
ORGANIZATION_DELETE = Permission("organization:delete")
MEMBERS_READ = Permission("members:read")
MEMBERS_MANAGE = Permission("members:manage")
INVITATIONS_READ = Permission("invitations:read")
INVITATIONS_MANAGE = Permission("invitations:manage")
ROLES_READ = Permission("roles:read")
ROLES_MANAGE = Permission("roles:manage")
SERVICE_ACCOUNTS_READ = Permission("service_accounts:read")
SERVICE_ACCOUNTS_MANAGE = Permission("service_accounts:manage")
API_KEYS_READ = Permission("api_keys:read")
API_KEYS_MANAGE = Permission("api_keys:manage")
ACCESS_CHECK = Permission("access:check")
AUDIT_READ = Permission("audit:read")
EVENTS_READ = Permission("events:read")
WEBHOOKS_READ = Permission("webhooks:read")
WEBHOOKS_MANAGE = Permission("webhooks:manage")

OWN: Mapping[Permission, str] = MappingProxyType(
    {
        ORGANIZATION_READ: "See the organization",
        ORGANIZATION_UPDATE: "Change its name and slug",
        ORGANIZATION_DELETE: "Delete it for good",
        MEMBERS_READ: "See who is a member, and as what",
        MEMBERS_MANAGE: "Change the roles of members, and remove them",
        INVITATIONS_READ: "See who has been invited",
        INVITATIONS_MANAGE: "Invite, and take invitations back",
        ROLES_READ: "See the roles and what they grant",
        ROLES_MANAGE: "Make, change and delete the organization's own roles",
        SERVICE_ACCOUNTS_READ: "See the service accounts",
        SERVICE_ACCOUNTS_MANAGE: "Make, change and delete service accounts",
        API_KEYS_READ: "See the keys of service accounts",
        API_KEYS_MANAGE: "Make, rotate and revoke keys of service accounts",
        ACCESS_CHECK: "Ask what others may do",
        AUDIT_READ: "Read the audit trail",
        EVENTS_READ: "Follow the event feed",
        WEBHOOKS_READ: "See the webhooks and what was delivered",
        WEBHOOKS_MANAGE: "Make, change, test and delete webhooks",
    }
)
"""Portico's own part of every catalogue."""

_OWN_OF_ADMIN = frozenset(OWN) - {ORGANIZATION_DELETE}
_OWN_OF_MEMBER = frozenset({ORGANIZATION_READ, MEMBERS_READ, ROLES_READ})


_CATALOGUE = uuid5(UUID(int=0), "catalogue")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueApplied(Event):
    """Each counts permissions; of the last two, what the built-in roles were granted and lost."""

    name = "catalogue.applied"
    added: int
    changed: int
    removed: int
    granted: int
    withdrawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue(Aggregate):
    """Every permission with what it is for, and what the built-in roles admin and member grant. An owner may do all.

    There is one, which is locked and replaced as a whole: its saves are not counted.
    """

    permissions: Mapping[Permission, str] = field(default_factory=lambda: OWN)
    of_admin: frozenset[Permission] = _OWN_OF_ADMIN
    of_member: frozenset[Permission] = _OWN_OF_MEMBER

    @classmethod
    def declare(
        cls, declared: Mapping[str, str], *, of_admin: Iterable[str] = (), of_member: Iterable[str] = ()
    ) -> Self:
        """Portico's own catalogue with what a backend declares beside it. In `of_…` `resource:*` names all actions.

        Raise PermissionInvalid; CatalogueInvalid if it takes one of Portico's own resources, or a role names what was
        not declared.
        """
        own_resources = {resource_of(own) for own in OWN}
        theirs: dict[Permission, str] = {}
        for name, text in declared.items():
            permission = parse_permission(name)
            if resource_of(permission) in own_resources:
                raise CatalogueInvalid(f"The resource of `{permission}` is Portico's own: choose another name.")
            description = visible(text, most=LONGEST_DESCRIPTION)
            if description is None:
                raise CatalogueInvalid(
                    f"What `{permission}` is for is told in at most 200 characters, all of which can be seen."
                )
            theirs[permission] = description
        permissions = {**OWN, **theirs}
        return cls(
            permissions=MappingProxyType(dict(sorted(permissions.items()))),
            of_admin=_OWN_OF_ADMIN | _expanded(of_admin, permissions),
            of_member=_OWN_OF_MEMBER | _expanded(of_member, permissions),
        )

    @property
    def id(self) -> UUID:
        return _CATALOGUE

    def apply(self, changes: "CatalogueChanges", *, at: datetime) -> Self:
        """It takes the place of the one that it differs from by `changes`."""
        applied = CatalogueApplied(
            added=len(changes.added),
            changed=len(changes.described_anew),
            removed=len(changes.removed),
            granted=len(changes.granted),
            withdrawn=len(changes.withdrawn),
            at=at,
        )
        return replace(self, events=self.recorded(applied))

    def known(self, names: Iterable[str], *, field: str = "permissions") -> frozenset[Permission]:
        """Raise PermissionUnknown."""
        names = set(names)
        if unknown := names - self.permissions.keys():
            raise PermissionUnknown(unknown, field=field)
        return frozenset(map(Permission, names))


def resource_of(permission: Permission) -> str:
    return permission.partition(":")[0]


def _expanded(names: Iterable[str], permissions: Mapping[Permission, str]) -> frozenset[Permission]:
    found: set[Permission] = set()
    for name in names:
        resource, _, action = name.partition(":")
        matching = {p for p in permissions if p == name or (action == "*" and resource_of(p) == resource)}
        if not matching:
            raise CatalogueInvalid(f"A role grants `{name}`, which the catalogue does not declare.")
        found |= matching
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueChanges:
    """From one catalogue to the next."""

    added: tuple[Permission, ...]
    described_anew: tuple[Permission, ...]
    removed: tuple[Permission, ...]
    granted: tuple[tuple[str, Permission], ...]
    """Role and permission."""
    withdrawn: tuple[tuple[str, Permission], ...]

    @classmethod
    def between(cls, before: Catalogue, after: Catalogue) -> Self:
        old, new = before.permissions, after.permissions
        roles = (("admin", before.of_admin, after.of_admin), ("member", before.of_member, after.of_member))
        return cls(
            added=tuple(sorted(new.keys() - old.keys())),
            described_anew=tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
            removed=tuple(sorted(old.keys() - new.keys())),
            granted=tuple((role, each) for role, had, has in roles for each in sorted(has - had)),
            withdrawn=tuple((role, each) for role, had, has in roles for each in sorted(had - has)),
        )

    def __bool__(self) -> bool:
        return any((self.added, self.described_anew, self.removed, self.granted, self.withdrawn))
