"""Who is in an organization, and as what."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response

from application.memberships import ChangeMemberRole, LeaveOrganization, ListMembers, Member, RemoveMember
from domain.kernel import CursorInvalid
from domain.memberships import LastOwner, MemberNotFound
from domain.permissions import MEMBERS_MANAGE, MEMBERS_READ
from domain.roles import ExceedsOwnRights, RoleUnknown
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import MEMBERSHIP, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Cursor,
    GivenRole,
    Input,
    Limit,
    Page,
    Timestamp,
    answer,
    from_cursor,
    no_content,
    to_cursor,
)

routes = router("members", prefix="/v1/organizations/{id}/members")


class MemberOut(BaseModel):
    account_id: UUID
    email: str
    display_name: str
    role: str
    created_at: Timestamp

    @classmethod
    def of(cls, member: Member) -> Self:
        return cls(
            account_id=member.account.id,
            email=member.account.email.value,
            display_name=member.account.display_name,
            role=member.membership.role,
            created_at=member.membership.created_at,
        )


class MemberPage(Page[MemberOut]):
    """Members, in the order in which their accounts were made."""


class RoleChange(Input):
    role: GivenRole


@routes.get(
    "",
    response_model=MemberPage,
    summary="List the members",
    **operation(ListMembers, CursorInvalid, needs=MEMBERS_READ, keys=True, body=False),
)
def list_members(
    id: UUID,
    caller: Caller,
    list_members: Annotated[ListMembers, use(lambda c: c.list_members())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    members, after = list_members(actor=caller.actor(id), limit=limit, after=from_cursor(cursor))
    items = [MemberOut.of(member) for member in members]
    return answer(MemberPage(items=items, next_cursor=to_cursor(after)))


@routes.delete(
    "/me",
    status_code=NO_CONTENT,
    summary="Leave an organization",
    **operation(LeaveOrganization, LastOwner, needs=MEMBERSHIP, body=False),
)
def leave_organization(
    id: UUID, caller: Caller, leave: Annotated[LeaveOrganization, use(lambda c: c.leave_organization())]
) -> Response:
    leave(actor=caller.actor(id))
    return no_content()


@routes.patch(
    "/{account_id}",
    response_model=MemberOut,
    summary="Give a member another role",
    **operation(
        ChangeMemberRole,
        MemberNotFound,
        RoleUnknown,
        ExceedsOwnRights,
        LastOwner,
        needs=MEMBERS_MANAGE,
        keys=True,
    ),
)
def change_member_role(
    id: UUID,
    account_id: UUID,
    body: RoleChange,
    caller: Caller,
    change: Annotated[ChangeMemberRole, use(lambda c: c.change_member_role())],
) -> Response:
    return answer(MemberOut.of(change(actor=caller.actor(id), account_id=account_id, role=body.role)))


@routes.delete(
    "/{account_id}",
    status_code=NO_CONTENT,
    summary="Remove a member",
    **operation(RemoveMember, MemberNotFound, ExceedsOwnRights, LastOwner, needs=MEMBERS_MANAGE, keys=True, body=False),
)
def remove_member(
    id: UUID, account_id: UUID, caller: Caller, remove: Annotated[RemoveMember, use(lambda c: c.remove_member())]
) -> Response:
    remove(actor=caller.actor(id), account_id=account_id)
    return no_content()
