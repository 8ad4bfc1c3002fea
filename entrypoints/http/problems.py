"""Every refusal as `application/problem+json` (RFC 9457), in one place: kind of error -> status -> document."""

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from application.ports.unit_of_work import Unavailable
from domain.kernel import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Stale,
    TooMany,
    Unauthenticated,
)
from entrypoints.hashing import Busy

STATUS_OF_KIND: dict[type[DomainError], int] = {
    Invalid: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooMany: 429,
}

CODES_OF_HTTP = {
    400: "request_malformed",
    404: "route_not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "media_type_unsupported",
}
VALIDATION_FAILED = "validation_failed"
INTERNAL_ERROR = "internal_error"
UNAVAILABLE = "unavailable"
BUSY = "busy"


class FieldProblem(BaseModel):
    pointer: str = Field(description="JSON pointer to what is wrong: `/body/email`, `/query/limit`.")
    detail: str


class Problem(BaseModel):
    """What is wrong, for a program (`code`, which never changes) and for a person (`detail`)."""

    type: str = Field(description="Where the code is explained: `/problems/{code}`.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path that was called.")
    code: str
    errors: list[FieldProblem] | None = None
    reasons: list[str] | None = Field(default=None, description="With `password_too_weak`: why.")


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


def status_of(error: type[DomainError]) -> int:
    return next(status for kind, status in STATUS_OF_KIND.items() if issubclass(error, kind))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 (what it is registered for)
    headers: dict[str, str] = {}
    members = error.members()
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Invalid) and error.field:
        members["errors"] = [{"pointer": f"/body/{error.field}", "detail": error.detail}]
    return problem(request.url.path, status_of(type(error)), error.code, error.detail, headers=headers, members=members)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (what it is registered for)
    # Never pydantic's `input`: it may be a password.
    errors = [{"pointer": _pointer(e["loc"]), "detail": e["msg"]} for e in error.errors()]
    detail = "The request is not what this call takes: see `errors`."
    return problem(request.url.path, 422, VALIDATION_FAILED, detail, members={"errors": errors})


def _pointer(location: Sequence[int | str]) -> str:
    """RFC 6901. The name of a field that is not ours may hold anything, so it is cut and cleaned."""
    parts = (str(part)[:64].encode("ascii", "replace").decode() for part in location)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


async def _refused_by_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (what it is registered for)
    code = CODES_OF_HTTP.get(error.status_code, INTERNAL_ERROR)
    details = {
        400: "The body could not be read.",
        404: "There is no such call. `/docs` lists them all.",
        405: "This path does not take that method.",
        413: "A body may have at most 1 MiB.",
    }
    detail = details.get(error.status_code, HTTPStatus(error.status_code).phrase)
    return problem(request.url.path, error.status_code, code, detail, headers=error.headers)


async def _unavailable(request: Request, error: Exception) -> Response:
    if isinstance(error, Busy):
        headers = {"Retry-After": str(error.retry_after)}
        return problem(request.url.path, 503, BUSY, str(error), headers=headers)
    structlog.get_logger().error("unavailable", reason=str(error))
    detail = "The service cannot do that at this moment. Try again in a little while."
    return problem(request.url.path, 503, UNAVAILABLE, detail, headers={"Retry-After": "5"})


def internal_error(path: str) -> ProblemResponse:
    detail = "Something went wrong here. The log has it under the X-Request-ID of this answer."
    return problem(path, 500, INTERNAL_ERROR, detail)


def install(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused_by_http)
    app.add_exception_handler(Unavailable, _unavailable)


Responses = dict[int | str, dict[str, Any]]


def refusals(*errors: type[DomainError], hashes: bool = False, body: bool = True) -> Responses:
    """The `responses` of an operation: what it refuses with, by status, each with its codes."""
    raised: list[type[DomainError]] = [*errors, *([Stale] if errors else [])]
    codes: dict[int, list[str]] = {500: [INTERNAL_ERROR], 503: [UNAVAILABLE]}
    for error in raised:
        codes.setdefault(status_of(error), []).append(error.code)
    if hashes:
        codes[503].append(BUSY)
    if body:
        codes.setdefault(400, []).append(CODES_OF_HTTP[400])
        codes.setdefault(413, []).append(CODES_OF_HTTP[413])
    codes.setdefault(422, []).append(VALIDATION_FAILED)
    return {status: _documented(status, dict.fromkeys(found)) for status, found in sorted(codes.items())}


def _documented(status: int, codes: Iterable[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{code}`" for code in codes),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "In seconds."}}
    return described
