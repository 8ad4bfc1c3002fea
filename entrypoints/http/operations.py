"""What the OpenAPI document says of an operation, taken from the use case that it calls."""

import inspect
from typing import Any

from fastapi import APIRouter

from domain.access import AccessTokenInvalid, AuthenticationRequired
from domain.kernel import DomainError
from domain.sessions import SessionEnded
from entrypoints.http.problems import Responses, refusals


def router(tag: str, *, prefix: str = "") -> APIRouter:
    """The routes of one concept. An operationId is the name of its function: stable, and telling in a client."""
    return APIRouter(prefix=prefix, tags=[tag], generate_unique_id_function=lambda route: route.name)


_AUTHENTICATION = (AuthenticationRequired, AccessTokenInvalid, SessionEnded)


def operation(
    use_case: type,
    *errors: type[DomainError],
    secured: bool = True,
    hashes: bool = False,
    body: bool = True,
    also: Responses | None = None,
) -> dict[str, Any]:
    """Description, refusals and security of a route: `@routes.get(path, **operation(ShowAccount, …))`.

    The description is the use case's docstring. `hashes`: it may answer 503 `busy`. `body`: it takes one. `also`:
    further answers that are no refusals.
    """
    described: dict[str, Any] = {
        "description": inspect.getdoc(use_case),
        "responses": {
            **refusals(*(_AUTHENTICATION if secured else ()), *errors, hashes=hashes, body=body),
            **(also or {}),
        },
    }
    if secured:
        described["openapi_extra"] = {"security": [{"bearer": []}]}
    return described
