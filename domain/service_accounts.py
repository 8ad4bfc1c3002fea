"""A service account is a principal that is no person: a backend, a job. It belongs to one organization."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from domain.kernel import ActorId, Aggregate, Conflict, Event, Invalid, NotFound, OrganizationId, ServiceAccountId
from domain.names import LONGEST_NAME, visible
from domain.roles import OWNER, RoleName

MOST_SERVICE_ACCOUNTS = 100


class InvalidServiceAccount(Invalid):
    """Not a name that a service account can have, or a role that none may have."""

    code = "service_account_invalid"


class ServiceAccountNotFound(NotFound):
    """The organization has no such service account."""

    code = "service_account_not_found"

    def __init__(self) -> None:
        super().__init__("The organization has no such service account.")


class TooManyServiceAccounts(Conflict):
    """The organization has as many service accounts as it may."""

    code = "too_many_service_accounts"

    def __init__(self) -> None:
        super().__init__(f"An organization may have at most {MOST_SERVICE_ACCOUNTS} service accounts.")


def parse_service_account_name(raw: str) -> str:
    """Raise InvalidServiceAccount if it is empty or cannot be kept."""
    name = visible(raw, most=LONGEST_NAME)
    if not name:
        raise InvalidServiceAccount("The name has 1 to 100 characters, all of which can be seen.", field="name")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountMade(Event):
    name = "service_account.created"
    organization_id: OrganizationId
    service_account_id: ServiceAccountId
    role: RoleName
    by: ActorId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountChanged(Event):
    name = "service_account.changed"
    organization_id: OrganizationId
    service_account_id: ServiceAccountId
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountDeleted(Event):
    name = "service_account.deleted"
    organization_id: OrganizationId
    service_account_id: ServiceAccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount(Aggregate):
    organization_id: OrganizationId
    id: ServiceAccountId
    display_name: str
    role: RoleName
    created_by: ActorId
    created_at: datetime

    @classmethod
    def make(
        cls,
        *,
        id: ServiceAccountId,
        organization_id: OrganizationId,
        display_name: str,
        role: RoleName,
        by: ActorId,
        at: datetime,
    ) -> Self:
        """Raise InvalidServiceAccount for the role of owner: owners are people."""
        _must_not_own(role)
        made = ServiceAccountMade(organization_id=organization_id, service_account_id=id, role=role, by=by, at=at)
        return cls(
            organization_id=organization_id,
            id=id,
            display_name=display_name,
            role=role,
            created_by=by,
            created_at=at,
            events=(made,),
        )

    def change(self, *, display_name: str, role: RoleName, at: datetime) -> Self:
        """Raise InvalidServiceAccount for the role of owner."""
        _must_not_own(role)
        if (display_name, role) == (self.display_name, self.role):
            return self
        changed = ServiceAccountChanged(
            organization_id=self.organization_id, service_account_id=self.id, role=role, at=at
        )
        return replace(self, display_name=display_name, role=role, events=self.recorded(changed))

    def delete(self, *, at: datetime) -> Self:
        deleted = ServiceAccountDeleted(organization_id=self.organization_id, service_account_id=self.id, at=at)
        return replace(self, events=self.recorded(deleted))


def _must_not_own(role: RoleName) -> None:
    if role == OWNER:
        raise InvalidServiceAccount("A service account cannot be owner: owners are people.", field="role")
