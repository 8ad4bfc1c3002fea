"""The programs of an organization."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response

from application.service_accounts import (
    ChangeServiceAccount,
    DeleteServiceAccount,
    ListServiceAccounts,
    MakeServiceAccount,
)
from domain.kernel import CursorInvalid
from domain.permissions import SERVICE_ACCOUNTS_MANAGE, SERVICE_ACCOUNTS_READ
from domain.roles import ExceedsOwnRights, RoleUnknown
from domain.service_accounts import (
    InvalidServiceAccount,
    ServiceAccount,
    ServiceAccountNotFound,
    TooManyServiceAccounts,
)
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Cursor,
    GivenRole,
    Input,
    Limit,
    Name,
    Page,
    Timestamp,
    answer,
    from_cursor,
    no_content,
    to_cursor,
)

routes = router("service accounts", prefix="/v1/organizations/{id}/service-accounts")


class ServiceAccountOut(BaseModel):
    id: UUID
    organization_id: UUID
    name: str
    role: str
    created_at: Timestamp

    @classmethod
    def of(cls, service_account: ServiceAccount) -> Self:
        return cls(
            id=service_account.id,
            organization_id=service_account.organization_id,
            name=service_account.display_name,
            role=service_account.role,
            created_at=service_account.created_at,
        )


class ServiceAccountPage(Page[ServiceAccountOut]):
    """Service accounts, oldest first."""


class NewServiceAccount(Input):
    name: Name
    role: GivenRole


class ServiceAccountChange(Input):
    name: Name | None = None
    role: GivenRole | None = None


@routes.get(
    "",
    response_model=ServiceAccountPage,
    summary="List the service accounts",
    **operation(ListServiceAccounts, CursorInvalid, needs=SERVICE_ACCOUNTS_READ, keys=True, body=False),
)
def list_service_accounts(
    id: UUID,
    caller: Caller,
    list_service_accounts: Annotated[ListServiceAccounts, use(lambda c: c.list_service_accounts())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    found, after = list_service_accounts(actor=caller.actor(id), limit=limit, after=from_cursor(cursor))
    items = [ServiceAccountOut.of(each) for each in found]
    return answer(ServiceAccountPage(items=items, next_cursor=to_cursor(after)))


@routes.post(
    "",
    status_code=201,
    response_model=ServiceAccountOut,
    summary="Make a service account",
    **operation(
        MakeServiceAccount,
        InvalidServiceAccount,
        RoleUnknown,
        ExceedsOwnRights,
        TooManyServiceAccounts,
        needs=SERVICE_ACCOUNTS_MANAGE,
        keys=True,
    ),
)
def make_service_account(
    id: UUID,
    body: NewServiceAccount,
    caller: Caller,
    make: Annotated[MakeServiceAccount, use(lambda c: c.make_service_account())],
) -> Response:
    made = make(actor=caller.actor(id), name=body.name, role=body.role)
    return answer(ServiceAccountOut.of(made), 201)


@routes.patch(
    "/{service_account_id}",
    response_model=ServiceAccountOut,
    summary="Rename a service account, or give it another role",
    **operation(
        ChangeServiceAccount,
        ServiceAccountNotFound,
        InvalidServiceAccount,
        RoleUnknown,
        ExceedsOwnRights,
        needs=SERVICE_ACCOUNTS_MANAGE,
        keys=True,
    ),
)
def change_service_account(
    id: UUID,
    service_account_id: UUID,
    body: ServiceAccountChange,
    caller: Caller,
    change: Annotated[ChangeServiceAccount, use(lambda c: c.change_service_account())],
) -> Response:
    changed = change(actor=caller.actor(id), service_account_id=service_account_id, name=body.name, role=body.role)
    return answer(ServiceAccountOut.of(changed))


@routes.delete(
    "/{service_account_id}",
    status_code=NO_CONTENT,
    summary="Delete a service account with its keys",
    **operation(
        DeleteServiceAccount,
        ServiceAccountNotFound,
        ExceedsOwnRights,
        needs=SERVICE_ACCOUNTS_MANAGE,
        keys=True,
        body=False,
    ),
)
def delete_service_account(
    id: UUID,
    service_account_id: UUID,
    caller: Caller,
    delete: Annotated[DeleteServiceAccount, use(lambda c: c.delete_service_account())],
) -> Response:
    delete(actor=caller.actor(id), service_account_id=service_account_id)
    return no_content()
