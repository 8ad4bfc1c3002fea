"""Who is in an organization, and as what."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.organizations import lock_organization
from application.ports.environment import Clock
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Actor
from domain.accounts import Account
from domain.api_keys import EndOfKey
from domain.kernel import AccountId, OrganizationId, Stale
from domain.memberships import EndOfMembership, LastOwner, MemberNotFound, Membership
from domain.organizations import OrganizationNotFound
from domain.permissions import MEMBERS_MANAGE, MEMBERS_READ, Permission
from domain.roles import RoleName, RoleUnknown, is_role_name


def permissions_of(uow: UnitOfWork, organization_id: OrganizationId, role: str) -> frozenset[Permission]:
    """What a role that is to be given, or taken, grants. Raise RoleUnknown."""
    permissions = uow.roles.permissions(organization_id, RoleName(role)) if is_role_name(role) else None
    if permissions is None:
        raise RoleUnknown
    return permissions


def end_membership(uow: UnitOfWork, membership: Membership, reason: EndOfMembership, *, at: datetime) -> None:
    """Remove it with the keys that its account has for the organization: none outlives the membership. Somebody must
    have locked the organization. Raise LastOwner."""
    must_leave_an_owner(uow, membership)
    if not uow.memberships.remove(membership.end(reason, at=at)):
        raise MemberNotFound
    uow.api_keys.end_all(
        membership.account_id, EndOfKey.MEMBERSHIP_ENDED, organization_id=membership.organization_id, at=at
    )


def end_memberships_of(uow: UnitOfWork, account_id: AccountId, *, at: datetime) -> None:
    """An account is being closed.

    Raise LastOwner if it is an organization's only one, and Stale if it was made owner of another one meanwhile.
    """
    owned = uow.memberships.owned_by(account_id)
    for organization_id in owned:
        with suppress(OrganizationNotFound):  # a deleted one needs no owner
            uow.organizations.lock(organization_id)
            if not uow.memberships.has_other_owner(organization_id, account_id):
                raise LastOwner
    ended = uow.memberships.end_all(account_id, EndOfMembership.ACCOUNT_CLOSED, at=at)
    # Who made it owner may have left since, in the belief that it stays.
    if any(each.is_owner and each.organization_id not in owned for each in ended):
        raise Stale


def must_leave_an_owner(uow: UnitOfWork, membership: Membership) -> None:
    """Raise LastOwner if nobody else owns the organization."""
    if membership.is_owner and not uow.memberships.has_other_owner(membership.organization_id, membership.account_id):
        raise LastOwner


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    membership: Membership
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMembers:
    """Who is in the organization, and as what."""

    autocommit: Begin

    def __call__(self, *, actor: Actor, limit: int, after: str | None) -> tuple[list[Member], str | None]:
        """Raise PermissionDenied, CursorInvalid."""
        actor.must(MEMBERS_READ)
        with self.autocommit() as database:
            memberships, after = database.memberships.page_of_organization(
                actor.organization_id, limit=limit, after=after
            )
            accounts = database.accounts.some({each.account_id for each in memberships})
        return [
            Member(membership=each, account=accounts[each.account_id])
            for each in memberships
            if each.account_id in accounts
        ], after


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMemberRole:
    """A member gets another role. Nobody gives, or takes, a role that grants more than their own."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, actor: Actor, account_id: UUID, role: str) -> Member:
        """Raise PermissionDenied, MemberNotFound, RoleUnknown, ExceedsOwnRights, LastOwner."""
        actor.must(MEMBERS_MANAGE)
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            membership = _member(uow, actor, account_id)
            actor.must_cover_role(membership.role, permissions_of(uow, actor.organization_id, membership.role))
            actor.must_cover_role(RoleName(role), permissions_of(uow, actor.organization_id, role))
            changed = membership.change_role(RoleName(role), at=self.clock.now())
            if changed is not membership:
                must_leave_an_owner(uow, membership)
                uow.memberships.save(changed)
            account = uow.accounts.get(membership.account_id)
        return Member(membership=changed, account=account)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember:
    """A member is removed, and their keys for the organization end. Nobody removes who may do more than they."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, actor: Actor, account_id: UUID) -> None:
        """Raise PermissionDenied, MemberNotFound, ExceedsOwnRights, LastOwner."""
        actor.must(MEMBERS_MANAGE)
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            membership = _member(uow, actor, account_id)
            actor.must_cover_role(membership.role, permissions_of(uow, actor.organization_id, membership.role))
            end_membership(uow, membership, EndOfMembership.REMOVED, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOrganization:
    """A member leaves, unless nobody would own the organization."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, actor: Actor) -> None:
        """Raise SessionRequired, LastOwner."""
        principal = actor.person()
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            membership = _member(uow, actor, principal.account.id)
            end_membership(uow, membership, EndOfMembership.LEFT, at=self.clock.now())


def _member(uow: UnitOfWork, actor: Actor, account_id: UUID) -> Membership:
    membership = uow.memberships.find(actor.organization_id, AccountId(account_id))
    if membership is None:
        raise MemberNotFound
    return membership
