"""The programs that call in an organization's name."""

from dataclasses import dataclass
from uuid import UUID

from application.memberships import permissions_of
from application.organizations import lock_organization
from application.ports.environment import Clock, Ids
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Actor
from domain.api_keys import EndOfKey
from domain.kernel import OrganizationId, ServiceAccountId
from domain.permissions import SERVICE_ACCOUNTS_MANAGE, SERVICE_ACCOUNTS_READ
from domain.roles import RoleName
from domain.service_accounts import (
    MOST_SERVICE_ACCOUNTS,
    ServiceAccount,
    ServiceAccountNotFound,
    TooManyServiceAccounts,
    parse_service_account_name,
)


def service_account_of(uow: UnitOfWork, organization_id: OrganizationId, id: UUID) -> ServiceAccount:
    """Raise ServiceAccountNotFound."""
    service_account = uow.service_accounts.find(organization_id, ServiceAccountId(id))
    if service_account is None:
        raise ServiceAccountNotFound
    return service_account


@dataclass(frozen=True, slots=True, kw_only=True)
class ListServiceAccounts:
    """The organization's service accounts, oldest first."""

    autocommit: Begin

    def __call__(self, *, actor: Actor, limit: int, after: str | None) -> tuple[list[ServiceAccount], str | None]:
        """Raise PermissionDenied, CursorInvalid."""
        actor.must(SERVICE_ACCOUNTS_READ)
        with self.autocommit() as database:
            return database.service_accounts.page(actor.organization_id, limit=limit, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeServiceAccount:
    """A program gets a place in the organization, with a role that grants no more than its maker's."""

    unit_of_work: Begin
    clock: Clock
    ids: Ids

    def __call__(self, *, actor: Actor, name: str, role: str) -> ServiceAccount:
        """Raise PermissionDenied, InvalidServiceAccount, RoleUnknown, ExceedsOwnRights, TooManyServiceAccounts."""
        actor.must(SERVICE_ACCOUNTS_MANAGE)
        service_account = ServiceAccount.make(
            id=ServiceAccountId(self.ids.new()),
            organization_id=actor.organization_id,
            display_name=parse_service_account_name(name),
            role=RoleName(role),
            by=actor.id,
            at=self.clock.now(),
        )
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            actor.must_cover(permissions_of(uow, actor.organization_id, role))
            if uow.service_accounts.count(actor.organization_id) >= MOST_SERVICE_ACCOUNTS:
                raise TooManyServiceAccounts
            uow.service_accounts.add(service_account)
        return service_account


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeServiceAccount:
    """A service account gets another name or role. Nobody gives, or takes, a role that grants more than their own."""

    unit_of_work: Begin
    clock: Clock

    def __call__(
        self, *, actor: Actor, service_account_id: UUID, name: str | None = None, role: str | None = None
    ) -> ServiceAccount:
        """None leaves it as it is.

        Raise PermissionDenied, ServiceAccountNotFound, InvalidServiceAccount, RoleUnknown, ExceedsOwnRights.
        """
        actor.must(SERVICE_ACCOUNTS_MANAGE)
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            service_account = service_account_of(uow, actor.organization_id, service_account_id)
            new_role = service_account.role if role is None else RoleName(role)
            for each in {service_account.role, new_role}:
                actor.must_cover(permissions_of(uow, actor.organization_id, each))
            changed = service_account.change(
                display_name=service_account.display_name if name is None else parse_service_account_name(name),
                role=new_role,
                at=self.clock.now(),
            )
            if changed is not service_account:
                uow.service_accounts.save(changed)
        return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteServiceAccount:
    """A service account is deleted; its keys end at once."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, actor: Actor, service_account_id: UUID) -> None:
        """Raise PermissionDenied, ServiceAccountNotFound, ExceedsOwnRights."""
        actor.must(SERVICE_ACCOUNTS_MANAGE)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            service_account = service_account_of(uow, actor.organization_id, service_account_id)
            actor.must_cover(permissions_of(uow, actor.organization_id, service_account.role))
            if not uow.service_accounts.remove(service_account.delete(at=now)):
                raise ServiceAccountNotFound
            uow.api_keys.end_all(
                actor.organization_id,
                EndOfKey.SERVICE_ACCOUNT_DELETED,
                service_account_id=service_account.id,
                at=now,
            )
