"""Inviting people into an organization, and what the invited do."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.invitations import (
    AcceptInvitation,
    DeclineInvitation,
    Invite,
    ListInvitations,
    ListMyInvitations,
    ReceivedInvitation,
    RevokeInvitation,
)
from domain.accounts import InvalidEmail
from domain.invitations import Invitation, InvitationForAnother, InvitationNotFound, TooManyInvitations
from domain.kernel import CursorInvalid
from domain.memberships import AlreadyMember
from domain.one_time_tokens import TokenInvalid
from domain.permissions import INVITATIONS_MANAGE, INVITATIONS_READ
from domain.roles import ExceedsOwnRights, RoleUnknown
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import NOBODY, operation
from entrypoints.http.organizations import OrganizationOut
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Address,
    Cursor,
    GivenRole,
    Input,
    Limit,
    Page,
    Secret,
    Timestamp,
    answer,
    from_cursor,
    no_content,
    to_cursor,
)

routes = router("invitations", prefix="/v1/organizations/{id}/invitations")
received = router("invitations")


class InvitationOut(BaseModel):
    """Without the token, which only its addressee gets."""

    id: UUID
    email: str
    role: str
    invited_by: UUID = Field(description="An account or a service account.")
    created_at: Timestamp
    expires_at: Timestamp

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        return cls(
            id=invitation.id,
            email=invitation.email.value,
            role=invitation.role,
            invited_by=invitation.invited_by,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )


class InvitationPage(Page[InvitationOut]):
    """Invitations that wait, oldest first."""


class NewInvitation(Input):
    email: Address
    role: GivenRole


@routes.post(
    "",
    status_code=201,
    response_model=InvitationOut,
    summary="Invite somebody",
    **operation(
        Invite,
        InvalidEmail,
        RoleUnknown,
        ExceedsOwnRights,
        AlreadyMember,
        TooManyInvitations,
        needs=INVITATIONS_MANAGE,
        keys=True,
    ),
)
def invite(
    id: UUID, body: NewInvitation, caller: Caller, invite: Annotated[Invite, use(lambda c: c.invite())]
) -> Response:
    invitation = invite(actor=caller.actor(id), email=body.email, role=body.role)
    return answer(InvitationOut.of(invitation), 201)


@routes.get(
    "",
    response_model=InvitationPage,
    summary="List the invitations that wait",
    **operation(ListInvitations, CursorInvalid, needs=INVITATIONS_READ, keys=True, body=False),
)
def list_invitations(
    id: UUID,
    caller: Caller,
    list_invitations: Annotated[ListInvitations, use(lambda c: c.list_invitations())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    invitations, after = list_invitations(actor=caller.actor(id), limit=limit, after=from_cursor(cursor))
    items = [InvitationOut.of(invitation) for invitation in invitations]
    return answer(InvitationPage(items=items, next_cursor=to_cursor(after)))


@routes.delete(
    "/{invitation_id}",
    status_code=NO_CONTENT,
    summary="Take an invitation back",
    **operation(
        RevokeInvitation, InvitationNotFound, ExceedsOwnRights, needs=INVITATIONS_MANAGE, keys=True, body=False
    ),
)
def revoke_invitation(
    id: UUID,
    invitation_id: UUID,
    caller: Caller,
    revoke: Annotated[RevokeInvitation, use(lambda c: c.revoke_invitation())],
) -> Response:
    revoke(actor=caller.actor(id), invitation_id=invitation_id)
    return no_content()


class InvitingOrganization(BaseModel):
    id: UUID
    name: str
    slug: str


class ReceivedInvitationOut(BaseModel):
    id: UUID
    organization: InvitingOrganization
    role: str
    expires_at: Timestamp
    token: str = Field(description="To accept or decline it with.")

    @classmethod
    def of(cls, received: ReceivedInvitation) -> Self:
        invitation, organization = received.invitation, received.organization
        return cls(
            id=invitation.id,
            organization=InvitingOrganization(id=organization.id, name=organization.name, slug=organization.slug),
            role=invitation.role,
            expires_at=invitation.expires_at,
            token=received.token,
        )


class ReceivedInvitations(BaseModel):
    """Invitations to the caller's address, newest first, at most 100."""

    items: list[ReceivedInvitationOut]


class InvitationToken(Input):
    token: Secret


@received.get(
    "/v1/me/invitations",
    response_model=ReceivedInvitations,
    summary="List what I am invited to",
    **operation(ListMyInvitations, body=False),
)
def list_my_invitations(
    caller: Caller, list_mine: Annotated[ListMyInvitations, use(lambda c: c.list_my_invitations())]
) -> Response:
    items = [ReceivedInvitationOut.of(each) for each in list_mine(principal=caller.principal())]
    return answer(ReceivedInvitations(items=items), secret=True)


@received.post(
    "/v1/invitations/accept",
    response_model=OrganizationOut,
    summary="Accept an invitation",
    **operation(AcceptInvitation, TokenInvalid, InvitationForAnother, AlreadyMember),
)
def accept_invitation(
    body: InvitationToken,
    caller: Caller,
    accept: Annotated[AcceptInvitation, use(lambda c: c.accept_invitation())],
) -> Response:
    return answer(OrganizationOut.of(accept(principal=caller.principal(), token=body.token)))


@received.post(
    "/v1/invitations/decline",
    status_code=NO_CONTENT,
    summary="Decline an invitation",
    **operation(DeclineInvitation, TokenInvalid, needs=NOBODY),
)
def decline_invitation(
    body: InvitationToken, decline: Annotated[DeclineInvitation, use(lambda c: c.decline_invitation())]
) -> Response:
    decline(token=body.token)
    return no_content()
