"""A membership is an account in an organization, with the role that it has there."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from domain.kernel import AccountId, Aggregate, Conflict, Event, MembershipId, NotFound, OrganizationId
from domain.roles import OWNER, RoleName


class MemberNotFound(NotFound):
    """That account is no member of the organization."""

    code = "member_not_found"

    def __init__(self) -> None:
        super().__init__("That account is no member of this organization.")


class AlreadyMember(Conflict):
    """The account is a member already."""

    code = "already_member"

    def __init__(self) -> None:
        super().__init__("That account is a member already.")


class LastOwner(Conflict):
    """An organization would be left without an owner."""

    code = "last_owner"

    def __init__(self) -> None:
        super().__init__("The organization would be left without an owner: make another member owner, or delete it.")


class EndOfMembership(StrEnum):
    LEFT = "left"
    REMOVED = "removed"
    ACCOUNT_CLOSED = "account_closed"
    ORGANIZATION_DELETED = "organization_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAdded(Event):
    name = "member.added"
    organization_id: OrganizationId
    account_id: AccountId
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRoleChanged(Event):
    name = "member.role_changed"
    organization_id: OrganizationId
    account_id: AccountId
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved(Event):
    name = "member.removed"
    organization_id: OrganizationId
    account_id: AccountId
    reason: EndOfMembership


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(Aggregate):
    """Found by organization and account. Its id tells it from an earlier one of the same account: whoever comes back
    begins anew."""

    id: MembershipId
    organization_id: OrganizationId
    account_id: AccountId
    role: RoleName
    created_at: datetime

    @classmethod
    def begin(
        cls,
        *,
        id: MembershipId,
        organization_id: OrganizationId,
        account_id: AccountId,
        role: RoleName,
        at: datetime,
    ) -> Self:
        return cls(
            id=id,
            organization_id=organization_id,
            account_id=account_id,
            role=role,
            created_at=at,
            events=(MemberAdded(organization_id=organization_id, account_id=account_id, role=role, at=at),),
        )

    @property
    def is_owner(self) -> bool:
        return self.role == OWNER

    def change_role(self, role: RoleName, *, at: datetime) -> Self:
        if role == self.role:
            return self
        changed = MemberRoleChanged(organization_id=self.organization_id, account_id=self.account_id, role=role, at=at)
        return replace(self, role=role, events=self.recorded(changed))

    def end(self, reason: EndOfMembership, *, at: datetime) -> Self:
        removed = MemberRemoved(organization_id=self.organization_id, account_id=self.account_id, reason=reason, at=at)
        return replace(self, events=self.recorded(removed))
