"""The roles of an organization, and the permissions that they are made of."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from application.roles import ChangeRole, DeleteRole, ListRoles, MakeRole, ShowCatalogue, ShownRole
from domain.permissions import ROLES_MANAGE, ROLES_READ, Catalogue, PermissionUnknown
from domain.roles import (
    ExceedsOwnRights,
    InvalidRole,
    RoleBuiltIn,
    RoleInUse,
    RoleNotFound,
    RoleTaken,
    TooManyRoles,
)
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import SUBJECT, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import NO_CONTENT, Input, answer, no_content

permissions = router("roles")
routes = router("roles", prefix="/v1/organizations/{id}/roles")

NameInPath = Annotated[str, Path(max_length=400, description="The name of a role of the organization's own.")]
Description = Annotated[str, StringConstraints(max_length=400)]
Granted = Annotated[
    list[Annotated[str, StringConstraints(max_length=100)]],
    Field(max_length=1_000, description="None beyond your own.", examples=[["members:read", "invitations:manage"]]),
]


class RoleOut(BaseModel):
    name: str
    description: str
    permissions: list[str]
    is_built_in: bool = Field(description="Whether the catalogue makes it what it is: nobody changes it here.")

    @classmethod
    def of(cls, role: ShownRole) -> Self:
        return cls(
            name=role.name,
            description=role.description,
            permissions=sorted(role.permissions),
            is_built_in=role.is_built_in,
        )


class Roles(BaseModel):
    """The built-in roles, then the organization's own by name. There are never many."""

    items: list[RoleOut]


class NewRole(Input):
    name: Annotated[str, StringConstraints(max_length=400), Field(examples=["recruiter"])]
    description: Description = ""
    permissions: Granted


class RoleChanges(Input):
    """What is left out stays as it is."""

    description: Description | None = None
    permissions: Granted | None = None


@routes.get(
    "",
    response_model=Roles,
    summary="List the roles",
    **operation(ListRoles, needs=ROLES_READ, keys=True, body=False),
)
def list_roles(id: UUID, caller: Caller, list_roles: Annotated[ListRoles, use(lambda c: c.list_roles())]) -> Response:
    return answer(Roles(items=[RoleOut.of(role) for role in list_roles(actor=caller.actor(id))]))


@routes.post(
    "",
    status_code=201,
    response_model=RoleOut,
    summary="Make a role",
    **operation(
        MakeRole,
        InvalidRole,
        PermissionUnknown,
        ExceedsOwnRights,
        RoleTaken,
        TooManyRoles,
        needs=ROLES_MANAGE,
        keys=True,
    ),
)
def make_role(
    id: UUID, body: NewRole, caller: Caller, make: Annotated[MakeRole, use(lambda c: c.make_role())]
) -> Response:
    role = make(actor=caller.actor(id), name=body.name, description=body.description, permissions=body.permissions)
    return answer(RoleOut.of(role), 201)


@routes.patch(
    "/{name}",
    response_model=RoleOut,
    summary="Change a role",
    **operation(
        ChangeRole,
        RoleNotFound,
        RoleBuiltIn,
        InvalidRole,
        PermissionUnknown,
        ExceedsOwnRights,
        needs=ROLES_MANAGE,
        keys=True,
    ),
)
def change_role(
    id: UUID,
    name: NameInPath,
    body: RoleChanges,
    caller: Caller,
    change: Annotated[ChangeRole, use(lambda c: c.change_role())],
) -> Response:
    role = change(actor=caller.actor(id), name=name, description=body.description, permissions=body.permissions)
    return answer(RoleOut.of(role))


@routes.delete(
    "/{name}",
    status_code=NO_CONTENT,
    summary="Delete a role",
    **operation(
        DeleteRole,
        RoleNotFound,
        RoleBuiltIn,
        RoleInUse,
        ExceedsOwnRights,
        needs=ROLES_MANAGE,
        keys=True,
        body=False,
    ),
)
def delete_role(
    id: UUID, name: NameInPath, caller: Caller, delete: Annotated[DeleteRole, use(lambda c: c.delete_role())]
) -> Response:
    delete(actor=caller.actor(id), name=name)
    return no_content()


class PermissionOut(BaseModel):
    name: str
    description: str


class Permissions(BaseModel):
    """The whole catalogue, by name."""

    items: list[PermissionOut]

    @classmethod
    def of(cls, catalogue: Catalogue) -> Self:
        return cls(
            items=[PermissionOut(name=name, description=text) for name, text in sorted(catalogue.permissions.items())]
        )


@permissions.get(
    "/v1/permissions",
    response_model=Permissions,
    summary="List the permissions that there are",
    **operation(ShowCatalogue, needs=SUBJECT, keys=True, body=False),
)
def list_permissions(caller: Caller, show: Annotated[ShowCatalogue, use(lambda c: c.show_catalogue())]) -> Response:
    caller.subject()
    return answer(Permissions.of(show()))
