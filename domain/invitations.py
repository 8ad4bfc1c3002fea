"""An invitation is a membership that waits for its account; an address has at most one in an organization."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from domain.accounts import Account, EmailAddress
from domain.kernel import (
    ActorId,
    Aggregate,
    Conflict,
    Event,
    Forbidden,
    InvitationId,
    NotFound,
    OrganizationId,
)
from domain.roles import RoleName

MOST_PENDING = 1000
"""Invitations that an organization may have waiting."""


class InvitationNotFound(NotFound):
    """The organization has no such invitation, or it was answered, taken back or has expired."""

    code = "invitation_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such invitation any more.")


class InvitationForAnother(Forbidden):
    """The invitation is for another address than the caller has proved."""

    code = "invitation_for_another"

    def __init__(self) -> None:
        super().__init__("This invitation is for another address. Sign in with the account that has proved it.")


class TooManyInvitations(Conflict):
    """The organization has as many invitations waiting, or has sent as many in a day, as it may."""

    code = "too_many_invitations"


class EndOfInvitation(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationMade(Event):
    name = "invitation.created"
    organization_id: OrganizationId
    invitation_id: InvitationId
    role: RoleName
    by: ActorId


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationEnded(Event):
    name = "invitation.ended"
    organization_id: OrganizationId
    invitation_id: InvitationId
    reason: EndOfInvitation


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation(Aggregate):
    organization_id: OrganizationId
    id: InvitationId
    email: EmailAddress
    role: RoleName
    invited_by: ActorId
    created_at: datetime
    expires_at: datetime

    @classmethod
    def make(
        cls,
        *,
        id: InvitationId,
        organization_id: OrganizationId,
        email: EmailAddress,
        role: RoleName,
        by: ActorId,
        lifetime: timedelta,
        at: datetime,
    ) -> Self:
        made = InvitationMade(organization_id=organization_id, invitation_id=id, role=role, by=by, at=at)
        return cls(
            organization_id=organization_id,
            id=id,
            email=email,
            role=role,
            invited_by=by,
            created_at=at,
            expires_at=at + lifetime,
            events=(made,),
        )

    def is_live(self, at: datetime) -> bool:
        return at < self.expires_at

    def must_be_for(self, account: Account) -> None:
        """Raise InvitationForAnother unless the account has proved the very address."""
        if account.email != self.email or not account.email_verified_at:
            raise InvitationForAnother

    def end(self, reason: EndOfInvitation, *, at: datetime) -> Self:
        ended = InvitationEnded(organization_id=self.organization_id, invitation_id=self.id, reason=reason, at=at)
        return replace(self, events=self.recorded(ended))
