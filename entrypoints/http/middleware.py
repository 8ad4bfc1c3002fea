"""Around every request: its id, its log line, its count, its outer limits, and an answer whatever happens inside."""

import random
import re
import time
from functools import partial
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.occasion import arise
from domain.audit import Occasion
from entrypoints.counts import RequestCounts
from entrypoints.http.problems import internal_error

MOST_BODY_BYTES = 2**20

_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]


class RequestMiddleware:
    """One plain ASGI callable instead of a stack of them: each would cost every request a little."""

    def __init__(self, app: ASGIApp, counts: RequestCounts) -> None:
        self.app, self.counts = app, counts
        self.log: Any = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        self.counts.in_flight += 1
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id", b""))
        state = scope.setdefault("state", {})
        structlog.contextvars.bind_contextvars(request_id=request_id)
        arise(partial(_occasion, scope, request_id))
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                    *_HEADERS,
                ]
            await send(message)

        try:
            await self.app(scope, _limited(headers, receive), send_with_headers)
        except Exception:
            self.log.exception("request.failed")
            if status == 0:
                await internal_error(scope["path"])(scope, receive, send_with_headers)
        finally:
            route = getattr(scope.get("route"), "path", None)
            seconds = time.perf_counter() - started
            self.counts.ended(scope["method"], route, status, seconds)
            self.log.info(
                "request",
                method=scope["method"],
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
                principal=str(state["principal_id"]) if "principal_id" in state else None,
                **({"key": str(state["key_id"])} if "key_id" in state else {}),
            )


def _occasion(scope: Scope, request_id: str) -> Occasion:
    """As much as is known of it by now."""
    state = scope["state"]
    return Occasion(
        actor_id=state.get("principal_id"),
        principal_id=state.get("principal_id"),
        key_id=state.get("key_id"),
        organization_id=state.get("organization_id"),
        client=scope["app"].state.client_addresses.client(scope),
        request_id=request_id,
    )


def _request_id(given: bytes) -> str:
    if _SANE_REQUEST_ID.fullmatch(given):
        return given.decode()
    # Not from the operating system: it is a name, no secret, and asking lets go of the interpreter's lock.
    return f"{random.getrandbits(128):032x}"


def _limited(headers: dict[bytes, bytes], receive: Receive) -> Receive:
    """Refuses, when it is read, a body that says or turns out to be too large."""
    announced = _announced(headers)
    if announced is not None and announced <= MOST_BODY_BYTES:
        return receive  # the server lets no more through than was announced
    received = announced or 0

    async def receive_limited() -> Message:
        nonlocal received
        if received <= MOST_BODY_BYTES:
            message = await receive()
            received += len(message.get("body", b""))
        if received > MOST_BODY_BYTES:
            raise HTTPException(413)
        return message

    return receive_limited


def _announced(headers: dict[bytes, bytes]) -> int | None:
    """None where the size shows only as the body comes."""
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) < 20 and b"transfer-encoding" not in headers else None
