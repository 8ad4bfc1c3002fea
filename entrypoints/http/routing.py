"""How a request comes to its function: on which thread, and as which caller."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from inspect import iscoroutinefunction, signature
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.access import Actor, AuthenticationRequired, Principal, Subject
from domain.kernel import AccountId, OrganizationId
from domain.sessions import Client


class Caller(Request):
    """The request as routes see it: from where it comes, and on whose behalf.

    Not a dependency, because each of those costs every request ten microseconds.
    """

    @property
    def client_seen(self) -> Client:
        client: Client = self.app.state.client_addresses.client(self.scope)
        return client

    def principal(self) -> Principal:
        """The signed-in person, by one query. A use case takes a Principal, a Subject or an Actor, so none can be
        called without asking.

        Raise AuthenticationRequired, AccessTokenInvalid, SessionEnded; for an API key SessionRequired.
        """
        return self.subject().person()

    def actor(self, organization_id: UUID) -> Actor:
        """Whoever calls, person or key, as a member of that organization. Raise also OrganizationNotFound."""
        id = OrganizationId(organization_id)
        return self.subject(id).within(id)

    def subject(self, organization_id: OrganizationId | None = None) -> Subject:
        """Whoever presents the bearer token or key, with their standing in the organization."""
        return self._authenticated(organization_id)[0]

    def subject_and_other(self, organization_id: UUID, other_id: UUID | None) -> tuple[Subject, Subject | None]:
        """By the same query somebody else as well, with theirs."""
        return self._authenticated(OrganizationId(organization_id), None if other_id is None else AccountId(other_id))

    async def authenticated(self) -> Principal:
        """`principal`, for a route that hashes: nobody takes a place in that queue who is not signed in."""
        return await asyncio.to_thread(self.principal)

    def _authenticated(
        self, organization_id: OrganizationId | None, other_id: AccountId | None = None
    ) -> tuple[Subject, Subject | None]:
        scheme, _, credential = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credential:
            raise AuthenticationRequired("This call needs a bearer token: sign in at POST /v1/sessions.")
        found: tuple[Subject, Subject | None] = self.app.state.container.authenticate()(
            credential.strip(), organization_id=organization_id, other_id=other_id
        )
        # For the log.
        state, subject = self.scope["state"], found[0]
        state["principal_id"] = subject.id
        if subject.key:
            state["key_id"] = subject.key.id
        return found


class Route(APIRoute):
    """Hands a Caller to its function, and runs a `def` on the event loop's own threads: Starlette's way there costs
    40 microseconds more."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint if iscoroutinefunction(endpoint) else _on_a_thread(endpoint), **options)
        if list(signature(endpoint).parameters) == ["caller"]:
            # There is nothing for FastAPI to read, check or provide, and looking for it costs a sixth of the request.
            self.app = self._answer_caller

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_caller(request: Request) -> Response:
            return await handle(Caller(request.scope, request.receive))

        return handle_caller

    async def _answer_caller(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(caller=Caller(scope, receive))
        await response(scope, receive, send)


def _on_a_thread(endpoint: Callable[..., Response]) -> Callable[..., Awaitable[Response]]:
    @wraps(endpoint)
    async def run(**arguments: Any) -> Response:
        return await asyncio.to_thread(endpoint, **arguments)

    return run


def router(tag: str, *, prefix: str = "") -> APIRouter:
    """The routes of one concept. An operationId is the name of its function: stable, and telling in a client."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=Route, generate_unique_id_function=lambda route: route.name)
