"""Every refusal as `application/problem+json` (RFC 9457), in one place: kind of error -> status -> document."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from inspect import getdoc
from typing import Any, NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from application.ports.unit_of_work import Unavailable
from domain.access import AccessTokenInvalid
from domain.api_keys import ApiKeyDamaged, ApiKeyInvalid
from domain.kernel import (
    ChangedMeanwhile,
    Conflict,
    DomainError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
)
from domain.sessions import SessionEnded
from entrypoints.hashing import Busy

STATUS_OF_KIND: dict[type[DomainError], int] = {
    Invalid: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    TooMany: 429,
}


class Own(NamedTuple):
    """What this layer itself refuses with, before or after any use case."""

    code: str
    status: int
    detail: str


MALFORMED = Own("request_malformed", 400, "The body could not be read.")
NO_SUCH_CALL = Own("route_not_found", 404, "There is no such call. `/docs` lists them all.")
WRONG_METHOD = Own("method_not_allowed", 405, "This path does not take that method: see `Allow`.")
TOO_LARGE = Own("body_too_large", 413, "A body may have at most 1 MiB.")
NOT_JSON = Own("media_type_unsupported", 415, "A body is JSON here: send it with `Content-Type: application/json`.")
HEAD_TOO_LARGE = Own("head_too_large", 431, "The address and headers of a request may have at most 64 KiB.")
VALIDATION_FAILED = Own("validation_failed", 422, "The request is not what this call takes: see `errors`.")
INTERNAL_ERROR = Own(
    "internal_error", 500, "Something went wrong here. The log has it under the X-Request-ID of this answer."
)
UNAVAILABLE = Own("unavailable", 503, "The service cannot do that at this moment. Try again in a little while.")
BUSY = Own("busy", 503, "Too many passwords are being checked at this moment. Try again in a little while.")

OWN = (
    MALFORMED,
    NO_SUCH_CALL,
    WRONG_METHOD,
    TOO_LARGE,
    NOT_JSON,
    HEAD_TOO_LARGE,
    VALIDATION_FAILED,
    INTERNAL_ERROR,
    UNAVAILABLE,
    BUSY,
)
_OF_HTTP = {own.status: own for own in (MALFORMED, NO_SUCH_CALL, WRONG_METHOD, TOO_LARGE)}
_OF_BEARER = (AccessTokenInvalid, SessionEnded, ApiKeyInvalid, ApiKeyDamaged)
_MOST_ERRORS = 20
_METHODS = ("GET", "POST", "PATCH", "DELETE")


class FieldProblem(BaseModel):
    pointer: str = Field(description="JSON pointer to what is wrong: `/body/email`, `/query/limit`.")
    detail: str


class RequiredAssurance(BaseModel):
    """As in RFC 9470, so that a client knows what to ask its user for."""

    acr: str = Field(examples=["aal2"])
    max_age: int | None = Field(description="Seconds since the proof; null if its age does not matter.")


class Problem(BaseModel):
    """What is wrong, for a program (`code`, which never changes) and for a person (`detail`)."""

    type: str = Field(description="Where the code is explained: `/problems/{code}`.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path that was called.")
    code: str
    errors: list[FieldProblem] | None = Field(default=None, description="The first 20.")
    reasons: list[str] | None = Field(default=None, description="With `password_too_weak`: why.")
    permission: str | None = Field(default=None, description="With `permission_denied`: what is lacking.")
    because: list[str] | None = Field(default=None, description="With `permission_denied`: every step that led there.")
    required: RequiredAssurance | None = Field(default=None, description="With `step_up_required`: what would do.")
    enrol_first: bool | None = Field(
        default=None, description="With `step_up_required`: whether there is no second factor yet to prove."
    )


class ProblemResponse(Response):
    media_type = "application/problem+json"


def problem(
    path: str,
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> ProblemResponse:
    document = {
        "type": f"/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": path,
        "code": code,
        **(members or {}),
    }
    return ProblemResponse(
        json.dumps(document), status_code=status, headers={"Cache-Control": "no-store", **(headers or {})}
    )


def own_problem(
    path: str,
    own: Own,
    *,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> ProblemResponse:
    return problem(path, own.status, own.code, own.detail, headers=headers, members=members)


def status_of(error: type[DomainError]) -> int:
    return next(status for kind, status in STATUS_OF_KIND.items() if issubclass(error, kind))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 (what it is registered for)
    headers: dict[str, str] = {}
    members = error.members()
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        # RFC 6750 section 3.1: a client is to know whether its token was at fault, or only lacking.
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if isinstance(error, _OF_BEARER) else "Bearer"
    if isinstance(error, Invalid) and error.field:
        members["errors"] = [{"pointer": f"/{_place(request, error.field)}/{error.field}", "detail": error.detail}]
    return problem(request.url.path, status_of(type(error)), error.code, error.detail, headers=headers, members=members)


def _place(request: Request, field: str) -> str:
    """Where the call takes the field: a use case cannot know."""
    in_query = (parameter.alias for parameter in request.scope["route"].dependant.query_params)
    return "query" if field in in_query else "body"


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (what it is registered for)
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return own_problem(request.url.path, MALFORMED)
    if isinstance(error.body, bytes):  # FastAPI left it unread: its Content-Type is not JSON
        return own_problem(request.url.path, NOT_JSON)
    errors = [{"pointer": _pointer(e["loc"]), "detail": _detail(e)} for e in found[:_MOST_ERRORS]]
    return own_problem(request.url.path, VALIDATION_FAILED, members={"errors": errors})


def _detail(error: Mapping[str, Any]) -> str:
    """Never pydantic's `input`: it may be a password. What it says of a UUID quotes the input as well."""
    return "Input should be a UUID" if error["type"] == "uuid_parsing" else str(error["msg"])


def _pointer(location: Sequence[int | str]) -> str:
    """RFC 6901. The name of a field that is not ours may hold anything, so it is cut and cleaned."""
    parts = (str(part)[:64].encode("ascii", "replace").decode() for part in location)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


async def _refused_by_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (what it is registered for)
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = _allowed(request)
    return own_problem(request.url.path, _OF_HTTP.get(error.status_code, INTERNAL_ERROR), headers=headers)


def _allowed(request: Request) -> str:
    """All methods of the path (RFC 9110 section 10.2.1); Starlette names those of its first route only."""
    routes = request.app.routes
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    return ", ".join(
        method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)
    )


async def _unavailable(request: Request, error: Exception) -> Response:
    if isinstance(error, Busy):
        return own_problem(request.url.path, BUSY, headers={"Retry-After": str(error.retry_after)})
    structlog.get_logger().error("unavailable", reason=str(error))
    return own_problem(request.url.path, UNAVAILABLE, headers={"Retry-After": "5"})


def internal_error(path: str) -> ProblemResponse:
    return own_problem(path, INTERNAL_ERROR)


def explanations() -> dict[str, str]:
    """What `/problems/{code}` says, of every code there is."""
    raised = {error.code: f"{error.code}: {status_of(error)}\n\n{getdoc(error)}\n" for error in _all(DomainError)}
    return raised | {own.code: f"{own.code}: {own.status}\n\n{own.detail}\n" for own in OWN}


def _all(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    if hasattr(kind, "code"):
        yield kind
    for narrower in kind.__subclasses__():
        yield from _all(narrower)


def install(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused_by_http)
    app.add_exception_handler(Unavailable, _unavailable)


Responses = dict[int | str, dict[str, Any]]


def refusals(*errors: type[DomainError], hashes: bool = False, body: bool = True) -> Responses:
    """The `responses` of an operation: what it refuses with, by status, each with its codes."""
    raised: list[type[DomainError]] = [*errors, *([ChangedMeanwhile] if errors else [])]
    own = [VALIDATION_FAILED, INTERNAL_ERROR, UNAVAILABLE]
    if hashes:
        own.append(BUSY)
    if body:
        own += [MALFORMED, TOO_LARGE, NOT_JSON]
    codes: dict[int, list[str]] = {}
    for status, code in [*((status_of(error), error.code) for error in raised), *((o.status, o.code) for o in own)]:
        codes.setdefault(status, []).append(code)
    return {status: documented(status, dict.fromkeys(found)) for status, found in sorted(codes.items())}


def documented(status: int, codes: Iterable[str]) -> dict[str, Any]:
    """An entry of `responses`."""
    described: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{code}`" for code in codes),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "In seconds."}}
    return described
