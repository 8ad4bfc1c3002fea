"""A load generator: keep-alive HTTP/1.1 over raw sockets, cheap enough to saturate one core of a server in Python.

It is ours so that it is there wherever the benchmark runs, presents another token with each request, and follows a
chain of refresh tokens, which wrk cannot. bench/README.md compares the two.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import quantiles
from typing import Any, Protocol, TypeVar, cast

import uvloop

from bench.machine import Server

T = TypeVar("T")


class Unexpected(Exception):
    """An answer that the measurement has no use for: what it would measure is something else."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Its value; `name` in lower case. Raise KeyError."""
        for line in self.head.split(b"\r\n"):
            key, _, value = line.partition(b":")
            if key.lower() == name:
                return value.strip()
        raise KeyError(name)

    def json(self) -> Any:
        return json.loads(self.body)


class Script(Protocol):
    """What one connection asks, one request after the other."""

    def ask(self) -> bytes:
        """The next request."""

    def hear(self, answer: Answer) -> float:
        """Return how many seconds to wait before asking again. Raise Unexpected."""


def request(method: str, path: str, *, token: str = "", body: object = None) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    if body is None:
        return f"{head}\r\n".encode()
    content = json.dumps(body)
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}".encode()


@dataclass(frozen=True, slots=True)
class Sample:
    """What was heard in a while. Latencies in milliseconds, sorted."""

    seconds: float
    served: Sequence[float]
    refused: Sequence[float]
    """Of the answers 503."""
    processor_time: float = 0.0
    """Of the server, in microseconds an answer."""

    @property
    def rate(self) -> float:
        return len(self.served) / self.seconds

    @property
    def p50(self) -> float:
        return percentile(self.served, 50)

    @property
    def p99(self) -> float:
        return percentile(self.served, 99)


def percentile(values: Sequence[float], at: int) -> float:
    return quantiles(values, n=100, method="inclusive")[at - 1] if len(values) > 1 else values[0]


class Connection(asyncio.Protocol):
    """One request at a time, for ever; `heard` takes status and latency of each answer."""

    def __init__(self, script: Script, heard: list[tuple[int, float]], failed: Callable[[Exception], None]) -> None:
        self._script = script
        self._heard = heard
        self._failed = failed
        self._received = b""
        self._asked_at = 0.0
        self._stopping = False
        self._waiting: asyncio.TimerHandle | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def stop(self) -> None:
        """The answer that is due is awaited: a chain of tokens must not break."""
        self._stopping = True
        if self._waiting:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._received:
            data = self._received + data
        head_end = data.find(b"\r\n\r\n")
        at = data.find(b"content-length:", 0, head_end) if head_end > 0 else -1
        if head_end < 0 or (at > 0 and len(data) < head_end + 4 + int(data[at + 15 : data.find(b"\r", at)])):
            self._received = data
            return
        self._received = b""
        status = int(data[9:12])
        self._heard.append((status, time.perf_counter() - self._asked_at))
        try:
            pause = self._script.hear(Answer(status, data[:head_end], data[head_end + 4 :]))
        except Exception as unexpected:
            self._failed(unexpected)
            self._stopping = True
            pause = 0.0
        if self._stopping:
            self._transport.close()
        elif pause:
            self._waiting = asyncio.get_running_loop().call_later(pause, self._ask)
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._stopping:
            self._failed(exc or ConnectionError("The server closed the connection."))
        if self._waiting:
            self._waiting.cancel()
        if not self.closed.done():
            self.closed.set_result(None)

    def _ask(self) -> None:
        self._waiting = None
        asked = self._script.ask()
        self._asked_at = time.perf_counter()
        self._transport.write(asked)


class Clients:
    """As many connections as scripts, busy as long as the block is open."""

    def __init__(self, port: int, scripts: Iterable[Script]) -> None:
        self._port = port
        self._scripts = list(scripts)
        self._heard: list[tuple[int, float]] = []
        self._connections: list[Connection] = []
        self._failure: Exception | None = None

    async def __aenter__(self) -> "Clients":
        loop = asyncio.get_running_loop()
        for script in self._scripts:
            _, connection = await loop.create_connection(
                lambda script=script: Connection(script, self._heard, self._fail),  # type: ignore[misc]
                "127.0.0.1",
                self._port,
            )
            self._connections.append(connection)
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.stop()
        await asyncio.gather(*(connection.closed for connection in self._connections))
        if self._failure:
            raise self._failure

    async def warm_up(self, seconds: float) -> None:
        """What is answered in that time does not count."""
        await asyncio.sleep(seconds)
        self._heard.clear()

    async def observe(self, seconds: float) -> Sample:
        """What is answered in that time, or was before and not yet looked at."""
        started = time.perf_counter()
        await asyncio.sleep(seconds)
        heard, elapsed = list(self._heard), time.perf_counter() - started
        if self._failure:
            raise self._failure
        return Sample(
            elapsed,
            sorted(1000 * latency for status, latency in heard if status < 300),
            sorted(1000 * latency for status, latency in heard if status == 503),
        )

    async def pace(self, answers: int) -> float:
        """Answers a second, from the first one on, over as many more."""
        first = 0.0
        while len(self._heard) <= answers:
            await asyncio.sleep(0.0005)
            if self._heard and not first:
                first = time.perf_counter()
            if self._failure:
                raise self._failure
        return answers / (time.perf_counter() - first)

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure


def drive(server: Server, scripts: Iterable[Script], *, seconds: float, warm_up: float = 0.5) -> Sample:
    async def driven() -> Sample:
        async with Clients(server.port, scripts) as clients:
            await clients.warm_up(warm_up)
            before = server.cpu_seconds
            sample = await clients.observe(seconds)
            spent = 1e6 * (server.cpu_seconds - before)
            return replace(sample, processor_time=spent / len(sample.served))

    return run(driven())


def run(work: Awaitable[T]) -> T:
    async def worked() -> T:
        return await work

    return uvloop.run(worked())


def pace(port: int, scripts: Iterable[Script], *, answers: int) -> float:
    """Answers a second, from the first one on, over as many more: for what takes long."""

    async def paced() -> float:
        async with Clients(port, scripts) as clients:
            return await clients.pace(answers)

    return run(paced())
