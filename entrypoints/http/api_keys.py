"""Keys for programs. Only a signed-in person deals with keys, and a secret is shown once."""

import re
from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from application.api_keys import (
    ListPersonalKeys,
    ListServiceKeys,
    MadeApiKey,
    MakePersonalKey,
    MakeServiceKey,
    RevokePersonalKey,
    RevokeServiceKey,
    RotatePersonalKey,
    RotateServiceKey,
)
from domain.api_keys import ApiKey, ApiKeyNotFound, InvalidApiKey, TooManyApiKeys
from domain.assurance import StepUpRequired
from domain.kernel import CursorInvalid, OrganizationId
from domain.organizations import OrganizationNotFound
from domain.permissions import API_KEYS_MANAGE, API_KEYS_READ, PermissionUnknown
from domain.roles import ExceedsOwnRights
from domain.service_accounts import ServiceAccountNotFound
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Cursor,
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

personal = router("api keys", prefix="/v1/me/api-keys")
routes = router("api keys", prefix="/v1/organizations/{id}/service-accounts/{service_account_id}/api-keys")

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _written_as_rfc3339(given: object) -> object:
    """Pydantic also takes a number for a time, and a string of digits."""
    if not isinstance(given, str) or not _RFC3339.fullmatch(given):
        raise PydanticCustomError("rfc3339", "Input should be a time as RFC 3339 writes it")
    return given


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # at the edges of what a datetime can say
        raise PydanticCustomError("rfc3339", "Input should be a time between the years 1 and 9999") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_written_as_rfc3339), AfterValidator(_in_utc)]
Scopes = Annotated[
    list[Annotated[str, StringConstraints(max_length=100)]],
    Field(max_length=200, description="Permissions, none beyond your own.", examples=[["invoices:send"]]),
]


class ApiKeyOut(BaseModel):
    id: UUID
    name: str
    prefix: str = Field(description="How its present secret begins.")
    organization_id: UUID | None
    service_account_id: UUID | None
    scopes: list[str]
    created_at: Timestamp
    expires_at: Timestamp | None
    last_used_at: Timestamp | None = Field(description="To the minute.")
    previous_secret_expires_at: Timestamp | None = Field(description="Until then the secret before works as well.")

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(
            id=key.id,
            name=key.display_name,
            prefix=key.prefix,
            organization_id=key.organization_id,
            service_account_id=key.service_account_id,
            scopes=sorted(key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            previous_secret_expires_at=key.previous_expires_at,
        )


class ApiKeyPage(Page[ApiKeyOut]):
    """Keys, oldest first."""


class ApiKeyWithSecret(ApiKeyOut):
    secret: str = Field(description="Shown this once: nobody can read it again.")

    @classmethod
    def made(cls, made: MadeApiKey) -> Self:
        return cls(**dict(ApiKeyOut.of(made.key)), secret=made.secret)


class NewServiceKey(Input):
    name: Name
    scopes: Scopes
    expires_at: Moment | None = None


class NewPersonalKey(Input):
    name: Name
    organization_id: Annotated[
        UUID | None, Field(description="Where it works; without one it tells who you are, and no more.")
    ] = None
    scopes: Scopes = Field(default_factory=list)
    expires_at: Moment | None = None


@personal.get(
    "",
    response_model=ApiKeyPage,
    summary="List my keys",
    **operation(ListPersonalKeys, CursorInvalid, body=False),
)
def list_personal_keys(
    caller: Caller,
    list_keys: Annotated[ListPersonalKeys, use(lambda c: c.list_personal_keys())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    return _page(*list_keys(principal=caller.principal(), limit=limit, after=from_cursor(cursor)))


@personal.post(
    "",
    status_code=201,
    response_model=ApiKeyWithSecret,
    summary="Make a key that acts in my name",
    **operation(
        MakePersonalKey,
        StepUpRequired,
        OrganizationNotFound,
        InvalidApiKey,
        PermissionUnknown,
        ExceedsOwnRights,
        TooManyApiKeys,
    ),
)
def make_personal_key(
    body: NewPersonalKey,
    caller: Caller,
    make: Annotated[MakePersonalKey, use(lambda c: c.make_personal_key())],
) -> Response:
    organization_id = None if body.organization_id is None else OrganizationId(body.organization_id)
    subject = caller.subject(organization_id)
    made = make(
        principal=subject.person(),
        actor=None if organization_id is None else subject.within(organization_id),
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
    )
    return answer(ApiKeyWithSecret.made(made), 201, secret=True)


@personal.post(
    "/{key_id}/rotate",
    response_model=ApiKeyWithSecret,
    summary="Give my key a new secret",
    **operation(RotatePersonalKey, StepUpRequired, ApiKeyNotFound, body=False),
)
def rotate_personal_key(
    key_id: UUID, caller: Caller, rotate: Annotated[RotatePersonalKey, use(lambda c: c.rotate_personal_key())]
) -> Response:
    rotated = rotate(principal=caller.principal(), key_id=key_id)
    return answer(ApiKeyWithSecret.made(rotated), secret=True)


@personal.delete(
    "/{key_id}",
    status_code=NO_CONTENT,
    summary="Revoke my key",
    **operation(RevokePersonalKey, StepUpRequired, ApiKeyNotFound, body=False),
)
def revoke_personal_key(
    key_id: UUID, caller: Caller, revoke: Annotated[RevokePersonalKey, use(lambda c: c.revoke_personal_key())]
) -> Response:
    revoke(principal=caller.principal(), key_id=key_id)
    return no_content()


@routes.get(
    "",
    response_model=ApiKeyPage,
    summary="List the keys of a service account",
    **operation(ListServiceKeys, ServiceAccountNotFound, CursorInvalid, needs=API_KEYS_READ, body=False),
)
def list_service_keys(
    id: UUID,
    service_account_id: UUID,
    caller: Caller,
    list_keys: Annotated[ListServiceKeys, use(lambda c: c.list_service_keys())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    return _page(
        *list_keys(
            actor=caller.actor(id), service_account_id=service_account_id, limit=limit, after=from_cursor(cursor)
        )
    )


@routes.post(
    "",
    status_code=201,
    response_model=ApiKeyWithSecret,
    summary="Make a key for a service account",
    **operation(
        MakeServiceKey,
        StepUpRequired,
        ServiceAccountNotFound,
        InvalidApiKey,
        PermissionUnknown,
        ExceedsOwnRights,
        TooManyApiKeys,
        needs=API_KEYS_MANAGE,
    ),
)
def make_service_key(
    id: UUID,
    service_account_id: UUID,
    body: NewServiceKey,
    caller: Caller,
    make: Annotated[MakeServiceKey, use(lambda c: c.make_service_key())],
) -> Response:
    made = make(
        actor=caller.actor(id),
        service_account_id=service_account_id,
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
    )
    return answer(ApiKeyWithSecret.made(made), 201, secret=True)


@routes.post(
    "/{key_id}/rotate",
    response_model=ApiKeyWithSecret,
    summary="Give a key of a service account a new secret",
    **operation(RotateServiceKey, StepUpRequired, ApiKeyNotFound, ExceedsOwnRights, needs=API_KEYS_MANAGE, body=False),
)
def rotate_service_key(
    id: UUID,
    service_account_id: UUID,
    key_id: UUID,
    caller: Caller,
    rotate: Annotated[RotateServiceKey, use(lambda c: c.rotate_service_key())],
) -> Response:
    rotated = rotate(actor=caller.actor(id), service_account_id=service_account_id, key_id=key_id)
    return answer(ApiKeyWithSecret.made(rotated), secret=True)


@routes.delete(
    "/{key_id}",
    status_code=NO_CONTENT,
    summary="Revoke a key of a service account",
    **operation(RevokeServiceKey, StepUpRequired, ApiKeyNotFound, needs=API_KEYS_MANAGE, body=False),
)
def revoke_service_key(
    id: UUID,
    service_account_id: UUID,
    key_id: UUID,
    caller: Caller,
    revoke: Annotated[RevokeServiceKey, use(lambda c: c.revoke_service_key())],
) -> Response:
    revoke(actor=caller.actor(id), service_account_id=service_account_id, key_id=key_id)
    return no_content()


def _page(keys: list[ApiKey], after: str | None) -> Response:
    return answer(ApiKeyPage(items=[ApiKeyOut.of(key) for key in keys], next_cursor=to_cursor(after)))
