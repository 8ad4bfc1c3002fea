"""What a real connection may send: the application runs behind uvicorn, as `portico serve` starts it."""

import json
import select
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from entrypoints.protocol import MOST_HEAD_BYTES, BoundedHeads

PIECE = 16 * 1024
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"


async def measure(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    config = uvicorn.Config(measure, http=BoundedHeads, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()
        server.should_exit = True
        running.join()


@pytest.fixture
def connection(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=10) as connection:
        yield connection


def answered(connection: socket.socket, sent: bytes, repeated: bytes = b"") -> tuple[bytes, int]:
    """What comes back once `sent` and pieces of `repeated`, without end, have gone; and how many bytes it took."""
    connection.sendall(sent)
    total = len(sent)
    while repeated and total < 10 * MOST_HEAD_BYTES and not select.select([connection], [], [], 0.02)[0]:
        piece = repeated * (PIECE // len(repeated))
        connection.sendall(piece)
        total += len(piece)
    received = b""
    while more := connection.recv(65_536):
        received += more
    return received, total


def is_refusal(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"http/1.1 431 request header fields too large"
    assert {b"connection: close", b"content-type: application/problem+json"} <= set(lines)
    return bool(json.loads(body)["code"] == "head_too_large")


@pytest.mark.parametrize(
    ("begun", "repeated"),
    [
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
        (b"GET / HTTP/1.1\r\na: ", b"b"),
        (b"GET / HTTP/1.1\r\n", b"b"),
        (b"GET /", b"b"),
    ],
    ids=["many headers", "a giant value", "a giant name", "a giant address"],
)
def test_a_head_without_end_is_refused_at_64_kib(connection: socket.socket, begun: bytes, repeated: bytes) -> None:
    received, sent = answered(connection, begun, repeated)
    assert is_refusal(received)
    assert MOST_HEAD_BYTES < sent <= MOST_HEAD_BYTES + 3 * PIECE


@pytest.mark.parametrize("repeated", [b"a: b\r\n", b"b"], ids=["trailers", "one trailer"])
def test_trailers_without_end_close_the_connection(connection: socket.socket, repeated: bytes) -> None:
    received, sent = answered(connection, CHUNKED + b"0\r\na: ", repeated)
    assert received == b""  # the request was being answered already
    assert sent <= MOST_HEAD_BYTES + 5 * PIECE


@pytest.mark.parametrize("header", [b"a: b\r\n", b"a: " + b"b" * 1_000 + b"\r\n"])
def test_a_large_head_is_refused_even_if_it_comes_at_once(connection: socket.socket, header: bytes) -> None:
    many = header * (MOST_HEAD_BYTES // len(header) + 1)
    assert is_refusal(answered(connection, b"GET / HTTP/1.1\r\n" + many + b"\r\n")[0])


def test_a_head_may_have_64_kib(address: tuple[str, int]) -> None:
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", trust_env=False) as client:
        assert client.get("/", headers={"a": "b" * (MOST_HEAD_BYTES - 1_000)}).status_code == 200


def test_what_is_no_http_is_still_a_bad_request(connection: socket.socket) -> None:
    assert answered(connection, b"nonsense\r\n\r\n")[0].startswith(b"HTTP/1.1 400 ")


def test_a_connection_is_kept_and_each_head_counted_by_itself(connection: socket.socket) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\na: " + b"b" * (MOST_HEAD_BYTES // 2) + b"\r\n\r\n"
    for _ in range(5):
        connection.sendall(request)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_body_is_no_head(address: tuple[str, int]) -> None:
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", trust_env=False) as client:
        for body in (b"x" * 2**20, iter([b"x" * PIECE] * 64)):
            assert client.post("/", content=body).text == str(2**20)


def test_requests_may_come_all_at_once(connection: socket.socket) -> None:
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
    last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received, _ = answered(connection, post * 5 + last)
    assert received.count(b"HTTP/1.1 200 OK") == 6
    assert received.count(b"\r\n\r\n100000") == 5
