"""Inviting people into an organization, by mail."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.access import lock_owner
from application.memberships import permissions_of
from application.one_time_tokens import read_one_time_token
from application.organizations import SeenOrganization, lock_organization
from application.ports.environment import Clock, Ids
from application.ports.security import OpaqueTokens
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Actor, Principal
from domain.accounts import EmailAddress
from domain.invitations import (
    MOST_PENDING,
    EndOfInvitation,
    Invitation,
    InvitationNotFound,
    TooManyInvitations,
)
from domain.kernel import AccountId, InvitationId, MembershipId
from domain.mail import MailKind, MailPolicy
from domain.memberships import AlreadyMember, Membership
from domain.one_time_tokens import OneTimeToken, Purpose, TokenInvalid
from domain.organizations import Organization, OrganizationNotFound
from domain.permissions import INVITATIONS_MANAGE, INVITATIONS_READ
from domain.roles import RoleName

_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """An address is invited into the organization, by mail, for 48 hours. Nobody invites above their own role.

    An address has one invitation at a time: the new one takes the place of the old, if the caller could give that too.
    """

    unit_of_work: Begin
    lifetime: timedelta
    most_a_day: int
    mail_policy: MailPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, actor: Actor, email: str, role: str) -> Invitation:
        """Raise PermissionDenied, InvalidEmail, RoleUnknown, ExceedsOwnRights, AlreadyMember, TooManyInvitations."""
        actor.must(INVITATIONS_MANAGE)
        address, now = EmailAddress.parse(email), self.clock.now()
        invitation = Invitation.make(
            id=InvitationId(self.ids.new()),
            organization_id=actor.organization_id,
            email=address,
            role=RoleName(role),
            by=actor.id,
            lifetime=self.lifetime,
            at=now,
        )
        ids = {"organization_id": str(invitation.organization_id), "invitation_id": str(invitation.id)}
        with self.unit_of_work() as uow:
            organization = lock_organization(uow, actor)
            actor.must_cover_role(invitation.role, permissions_of(uow, actor.organization_id, role))
            # Members see each other, so the refusal tells nothing that the caller may not know. Without an account the
            # same is asked in vain: anybody may invite, and is not to learn by the time it takes who has one.
            account = uow.accounts.find_by_email(address)
            if uow.memberships.find(actor.organization_id, account.id if account else AccountId(invitation.id)):
                raise AlreadyMember
            replaced = uow.invitations.put(invitation)
            if replaced and replaced.is_live(now):
                _must_cover(actor, replaced, uow)
            if uow.invitations.count(actor.organization_id, at=now) > MOST_PENDING:
                raise TooManyInvitations(f"At most {MOST_PENDING} may wait: take some back, or try again later.")
            uow.organizations.save(organization.count_invitation(most=self.most_a_day, at=now))
            uow.mail.request(MailKind.INVITATION, address, ids=ids, policy=self.mail_policy, at=now)
        return invitation


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInvitations:
    """Who has been invited and has not answered yet, oldest first."""

    autocommit: Begin
    clock: Clock

    def __call__(self, *, actor: Actor, limit: int, after: str | None) -> tuple[list[Invitation], str | None]:
        """Raise PermissionDenied, CursorInvalid."""
        actor.must(INVITATIONS_READ)
        with self.autocommit() as database:
            return database.invitations.page(actor.organization_id, limit=limit, after=after, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeInvitation:
    """An invitation is taken back: its token is worth nothing any more. Nobody takes back more than they may give."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, actor: Actor, invitation_id: UUID) -> None:
        """Raise PermissionDenied, InvitationNotFound, ExceedsOwnRights."""
        actor.must(INVITATIONS_MANAGE)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            invitation = uow.invitations.find(actor.organization_id, InvitationId(invitation_id), at=now)
            if invitation is None:
                raise InvitationNotFound
            _must_cover(actor, invitation, uow)
            if not uow.invitations.take(invitation.end(EndOfInvitation.REVOKED, at=now)):
                raise InvitationNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedInvitation:
    """An invitation as its addressee sees it. Who has proved the address may have the token: it was mailed there."""

    invitation: Invitation
    organization: Organization
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMyInvitations:
    """What waits for the caller, if they have proved their address: mail merges, this list does not. Newest first, at
    most 100."""

    autocommit: Begin
    tokens: OpaqueTokens
    clock: Clock

    def __call__(self, *, principal: Principal) -> list[ReceivedInvitation]:
        account = principal.account
        if not account.email_verified_at:
            return []
        with self.autocommit() as database:
            waiting = database.invitations.of_address(account.email.digest, limit=_MOST_SHOWN, at=self.clock.now())
            organizations = database.organizations.some({each.organization_id for each in waiting})
        return [
            ReceivedInvitation(
                invitation=each,
                organization=organizations[each.organization_id],
                token=invitation_token(self.tokens, each),
            )
            for each in waiting
            if each.organization_id in organizations
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptInvitation:
    """The account that has proved the invited address becomes a member, if whoever invited them may still give the
    role: what was promised is judged when it is taken."""

    unit_of_work: Begin
    tokens: OpaqueTokens
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, token: str) -> SeenOrganization:
        """Raise TokenInvalid, InvitationForAnother, AlreadyMember."""
        proof = _read(self.tokens, token)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            # The account first and the organization second, as everywhere: so nobody waits for each other.
            try:
                organization = uow.organizations.lock(proof.organization_id)
            except OrganizationNotFound:
                raise TokenInvalid from None
            invitation = uow.invitations.find(organization.id, InvitationId(proof.id), at=now)
            if invitation is None:
                raise TokenInvalid
            invitation.must_be_for(account)
            if not uow.invitations.take(invitation.end(EndOfInvitation.ACCEPTED, at=now)):
                raise TokenInvalid
            _must_still_be_given(uow, invitation)
            uow.memberships.add(
                Membership.begin(
                    id=MembershipId(self.ids.new()),
                    organization_id=organization.id,
                    account_id=account.id,
                    role=invitation.role,
                    at=now,
                )
            )
        return SeenOrganization(organization=organization, role=invitation.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineInvitation:
    """Whoever reads the mail of the invited address declines, with an account or without."""

    unit_of_work: Begin
    tokens: OpaqueTokens
    clock: Clock

    def __call__(self, *, token: str) -> None:
        """Raise TokenInvalid."""
        proof = _read(self.tokens, token)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            invitation = uow.invitations.find(proof.organization_id, InvitationId(proof.id), at=now)
            if invitation is None or not uow.invitations.take(invitation.end(EndOfInvitation.DECLINED, at=now)):
                raise TokenInvalid


def _must_cover(actor: Actor, invitation: Invitation, uow: UnitOfWork) -> None:
    """Raise ExceedsOwnRights if the caller could not give what goes. A role that is gone grants nothing."""
    granted = uow.roles.permissions(invitation.organization_id, invitation.role)
    actor.must_cover_role(invitation.role, granted or frozenset())


def _must_still_be_given(uow: UnitOfWork, invitation: Invitation) -> None:
    """Raise TokenInvalid if the role is gone, or whoever invited is, is suspended, may not invite any more, or may do
    less than the role by now."""
    asked = (invitation.organization_id, invitation.invited_by)
    inviter = uow.access.places([asked]).get(asked)
    granted = uow.roles.permissions(invitation.organization_id, invitation.role)
    if inviter is None or granted is None:
        raise TokenInvalid
    may_invite = inviter.decide(INVITATIONS_MANAGE, invitation.organization_id).allowed
    if not (may_invite and inviter.standing.covers_role(invitation.role, granted)):
        raise TokenInvalid


def invitation_token(tokens: OpaqueTokens, invitation: Invitation) -> str:
    proof = OneTimeToken.of_organization(invitation.organization_id, invitation.id)
    return tokens.issue(Purpose.INVITATION, proof.pack())


def _read(tokens: OpaqueTokens, token: str) -> OneTimeToken:
    proof = read_one_time_token(tokens, Purpose.INVITATION, token)
    if proof is None:
        raise TokenInvalid
    return proof
