"""How a route gets a use case, the caller and the client. All async: none costs a worker thread."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.types import Scope

from application.access import Authenticate
from domain.access import AuthenticationRequired, Principal
from domain.sessions import Client
from entrypoints.container import Container
from entrypoints.hashing import HashingExecutor


def use(pick: Callable[[Container], Any]) -> Any:
    """A parameter that the container provides: `Annotated[SignIn, use(lambda c: c.sign_in())]`."""

    async def take(request: Request) -> Any:
        return pick(request.app.state.container)

    return Depends(take)


async def _client(request: Request) -> Client:
    client: Client = request.app.state.client_addresses.client(request.scope)
    return client


class Caller:
    """Whoever presents the bearer token. A use case takes a Principal, so none can be called without asking."""

    __slots__ = ("_authenticate", "_authorization", "_scope")

    def __init__(self, scope: Scope, authorization: str, authenticate: Authenticate) -> None:
        self._scope = scope
        self._authorization = authorization
        self._authenticate = authenticate

    def principal(self) -> Principal:
        """One query. Raise AuthenticationRequired, AccessTokenInvalid, SessionEnded."""
        scheme, _, token = self._authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise AuthenticationRequired("This call needs a bearer token: sign in at POST /v1/sessions.")
        principal = self._authenticate(token.strip())
        self._scope["state"]["principal_id"] = principal.account.id  # for the log
        return principal


async def _caller(request: Request) -> Caller:
    return Caller(request.scope, request.headers.get("authorization", ""), request.app.state.container.authenticate())


CallerDep = Annotated[Caller, Depends(_caller)]
ClientDep = Annotated[Client, Depends(_client)]
HashingDep = Annotated[HashingExecutor, use(lambda c: c.hashing_executor())]
