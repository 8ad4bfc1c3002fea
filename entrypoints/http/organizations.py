"""Organizations, as their members see them."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from application.organizations import (
    ChangeOrganization,
    DeleteOrganization,
    ListOrganizations,
    MakeOrganization,
    SeenOrganization,
    ShowOrganization,
)
from domain.access import SessionRequired
from domain.kernel import CursorInvalid
from domain.organizations import (
    DeletionUnconfirmed,
    EmailUnverified,
    InvalidOrganizationName,
    InvalidSlug,
    SlugTaken,
    TooManyOrganizations,
)
from domain.permissions import ORGANIZATION_DELETE, ORGANIZATION_READ, ORGANIZATION_UPDATE
from domain.roles import OWNER
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import SUBJECT, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Cursor,
    Input,
    Limit,
    Page,
    Timestamp,
    answer,
    from_cursor,
    no_content,
    to_cursor,
)

routes = router("organizations", prefix="/v1/organizations")

OrganizationName = Annotated[str, StringConstraints(max_length=400), Field(examples=["Acme"])]
GivenSlug = Annotated[
    str,
    StringConstraints(max_length=400),
    Field(examples=["acme"], description="3 to 40 lower-case letters, digits and, inside, hyphens."),
]


class OrganizationOut(BaseModel):
    id: UUID
    name: str
    slug: str
    requires_second_factor: bool = Field(description="Of its members, at AAL 2 only.")
    created_at: Timestamp
    role: str = Field(description="The caller's.")

    @classmethod
    def of(cls, seen: SeenOrganization) -> Self:
        organization = seen.organization
        return cls(
            id=organization.id,
            name=organization.name,
            slug=organization.slug,
            requires_second_factor=organization.requires_second_factor,
            created_at=organization.created_at,
            role=seen.role,
        )


class OrganizationPage(Page[OrganizationOut]):
    """Organizations, oldest first."""


class NewOrganization(Input):
    name: OrganizationName
    slug: Annotated[GivenSlug | None, Field(description="Left out, it is made of the name.")] = None


class OrganizationChange(Input):
    """What is left out stays as it is."""

    name: OrganizationName | None = None
    slug: GivenSlug | None = None
    requires_second_factor: Annotated[
        bool | None, Field(description="Of all members. Who sets it must have signed in with one, not by key.")
    ] = None


@routes.post(
    "",
    status_code=201,
    response_model=OrganizationOut,
    summary="Make an organization",
    **operation(
        MakeOrganization, InvalidOrganizationName, InvalidSlug, SlugTaken, EmailUnverified, TooManyOrganizations
    ),
)
def make_organization(
    body: NewOrganization, caller: Caller, make: Annotated[MakeOrganization, use(lambda c: c.make_organization())]
) -> Response:
    organization = make(principal=caller.principal(), name=body.name, slug=body.slug)
    made = SeenOrganization(organization=organization, role=OWNER)
    return answer(OrganizationOut.of(made), 201)


@routes.get(
    "",
    response_model=OrganizationPage,
    summary="List my organizations",
    **operation(ListOrganizations, CursorInvalid, needs=SUBJECT, keys=True, body=False),
)
def list_organizations(
    caller: Caller,
    list_organizations: Annotated[ListOrganizations, use(lambda c: c.list_organizations())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    organizations, after = list_organizations(subject=caller.subject(), limit=limit, after=from_cursor(cursor))
    items = [OrganizationOut.of(each) for each in organizations]
    return answer(OrganizationPage(items=items, next_cursor=to_cursor(after)))


@routes.get(
    "/{id}",
    response_model=OrganizationOut,
    summary="Look at an organization",
    **operation(ShowOrganization, needs=ORGANIZATION_READ, keys=True, body=False),
)
def show_organization(
    id: UUID, caller: Caller, show: Annotated[ShowOrganization, use(lambda c: c.show_organization())]
) -> Response:
    return answer(OrganizationOut.of(show(actor=caller.actor(id))))


@routes.patch(
    "/{id}",
    response_model=OrganizationOut,
    summary="Change an organization",
    **operation(
        ChangeOrganization,
        InvalidOrganizationName,
        InvalidSlug,
        SlugTaken,
        SessionRequired,
        needs=ORGANIZATION_UPDATE,
        keys=True,
    ),
)
def change_organization(
    id: UUID,
    body: OrganizationChange,
    caller: Caller,
    change: Annotated[ChangeOrganization, use(lambda c: c.change_organization())],
) -> Response:
    changed = change(
        actor=caller.actor(id),
        name=body.name,
        slug=body.slug,
        requires_second_factor=body.requires_second_factor,
    )
    return answer(OrganizationOut.of(changed))


@routes.delete(
    "/{id}",
    status_code=NO_CONTENT,
    summary="Delete an organization for good",
    **operation(DeleteOrganization, DeletionUnconfirmed, needs=ORGANIZATION_DELETE, body=False),
)
def delete_organization(
    id: UUID,
    caller: Caller,
    delete: Annotated[DeleteOrganization, use(lambda c: c.delete_organization())],
    confirm: Annotated[str | None, Query(max_length=400, description="The slug of the organization.")] = None,
) -> Response:
    delete(actor=caller.actor(id), confirm=confirm)
    return no_content()
