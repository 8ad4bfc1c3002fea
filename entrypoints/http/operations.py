"""What the OpenAPI document says of an operation, taken from the use case that it calls."""

from inspect import getdoc
from typing import Any

from domain.access import AccessTokenInvalid, AuthenticationRequired
from domain.kernel import DomainError
from domain.sessions import SessionEnded
from entrypoints.http.problems import Responses, refusals

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
        "description": getdoc(use_case),
        "responses": {
            **refusals(*(_AUTHENTICATION if secured else ()), *errors, hashes=hashes, body=body),
            **(also or {}),
        },
    }
    if secured:
        described["openapi_extra"] = {"security": [{"bearer": []}]}
    return described
