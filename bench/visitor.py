"""One patient client: it calls one thing after the other, and remembers how long each took."""

import re
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from bench.load import Answer, Unexpected, request

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Heard = Callable[[str, float], None]
"""Takes the name of a call and how many seconds it took."""


class Visitor:
    """A keep-alive connection. `heard` is told after each call."""

    def __init__(self, port: int, heard: Heard) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._heard = heard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def call(self, method: str, path: str, *, token: str = "", body: object = None, name: str = "") -> Any:
        """The JSON of the answer. Raise Unexpected unless it is a success."""
        asked = request(method, path, token=token, body=body)
        started = time.perf_counter()
        self._connection.sendall(asked)
        answer = self._answer()
        self._heard(name or f"{method} {_ID.sub('{id}', path)}", time.perf_counter() - started)
        if answer.status >= 300:
            raise Unexpected(f"{method} {path}: {answer.status} {answer.body[:500]!r}")
        return answer.json() if answer.body else None

    def _answer(self) -> Answer:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._received()
        head, _, body = received.partition(b"\r\n\r\n")
        status = int(head[9:12])
        if status != 204:
            length = int(Answer(status, head, b"").header(b"content-length"))
            while len(body) < length:
                body += self._received()
        return Answer(status, head, body)

    def _received(self) -> bytes:
        data = self._connection.recv(65536)
        if not data:
            raise Unexpected("The server closed the connection.")
        return data
