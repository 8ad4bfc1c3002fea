"""What the OpenAPI document says of an operation, taken from the use case that it calls."""

from inspect import getdoc
from typing import Any

from domain.access import AccessTokenInvalid, AuthenticationRequired, NoAccount, PermissionDenied, SessionRequired
from domain.accounts import OperatorRequired
from domain.api_keys import ApiKeyDamaged, ApiKeyInvalid
from domain.assurance import StepUpRequired
from domain.kernel import DomainError
from domain.organizations import OrganizationNotFound
from domain.sessions import SessionEnded
from entrypoints.http.problems import Responses, refusals

NOBODY, SUBJECT, ACCOUNT, MEMBERSHIP, OPERATOR = "nobody", "subject", "account", "membership", "operator"
"""What a call needs of its caller; otherwise it is a permission in the organization of its path. A service account is a
subject, and has no account."""

_AUTHENTICATION = (AuthenticationRequired, AccessTokenInvalid, SessionEnded)
_BY_KEY = (ApiKeyInvalid, ApiKeyDamaged)


def operation(
    use_case: type,
    *errors: type[DomainError],
    needs: str = ACCOUNT,
    keys: bool = False,
    hashes: bool = False,
    body: bool = True,
    also: Responses | None = None,
) -> dict[str, Any]:
    """Description, refusals and security of a route: `@routes.get(path, **operation(ShowAccount, …))`.

    The description is the use case's docstring. `needs`: see above. `keys`: an API key will do as well. `hashes`: it
    may answer 503 `busy`. `body`: it takes one. `also`: further answers that are no refusals.

    `needs` and `keys` stand in the document as `x-access`: a test tries every operation as everybody, and expects them.
    """
    refused = [*errors]
    if needs != NOBODY:
        refused = [*_AUTHENTICATION, *(_BY_KEY if keys else (SessionRequired,)), *errors]
    if needs == ACCOUNT and keys:
        refused.append(NoAccount)
    elif needs == OPERATOR:
        refused += [OperatorRequired, StepUpRequired]
    elif needs == MEMBERSHIP:
        refused += [OrganizationNotFound, StepUpRequired]
    elif needs not in (NOBODY, SUBJECT, ACCOUNT):
        refused += [OrganizationNotFound, PermissionDenied, StepUpRequired]
    described: dict[str, Any] = {
        "description": getdoc(use_case),
        "responses": {**refusals(*dict.fromkeys(refused), hashes=hashes, body=body), **(also or {})},
        "openapi_extra": {"x-access": {"needs": needs, "keys": keys}},
    }
    if needs != NOBODY:
        described["openapi_extra"]["security"] = [{"bearer": []}]
    return described
