"""Whoever waits for events does not keep the server from ending, and costs it nothing once they are gone."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.installation import Installation, Server

MANY = 50
ADDRESS = "ada@example.com"


@pytest.fixture
def installation(on_sqlite: Installation) -> Installation:
    return on_sqlite.having(OPERATORS_NEED_SECOND_FACTOR="false")


def operator(server: Server) -> str:
    """Her token."""
    server.sign_up(ADDRESS)
    made = server.installation.run("create-operator", ADDRESS)
    assert made.returncode == 0, made.stderr
    return str(server.sign_in(ADDRESS)["access_token"])


def caught_up(server: Server, token: str) -> str:
    """The cursor behind all that has happened."""
    with server.client(token) as client:
        cursor = ""
        while True:
            page = client.get("/v1/events", params={"wait": 1, **({"after": cursor} if cursor else {})}).json()
            if not page["items"]:
                return str(page["next_cursor"])
            cursor = page["next_cursor"]


@contextmanager
def many_waiting(server: Server, token: str, cursor: str) -> Iterator[list[Future[httpx.Response]]]:
    ready = threading.Barrier(MANY + 1)

    def wait() -> httpx.Response:
        with server.client(token) as client:
            assert client.get("/health/live").status_code == 200  # so that the connection is there
            ready.wait(30)
            return client.get("/v1/events", params={"after": cursor, "wait": 30})

    with ThreadPoolExecutor(MANY) as pool:
        answers = [pool.submit(wait) for _ in range(MANY)]
        ready.wait(30)
        time.sleep(1)
        assert not any(answer.done() for answer in answers)
        yield answers


def test_sigterm_answers_all_who_wait_and_the_server_ends_soon(installation: Installation) -> None:
    with installation.serving() as server:
        token = operator(server)
        cursor = caught_up(server, token)
        with many_waiting(server, token, cursor) as answers:
            begun = time.monotonic()
            server.terminate()
            assert time.monotonic() - begun < 5
            pages: list[dict[str, Any]] = [answer.result().json() for answer in answers]
        assert pages == [{"items": [], "next_cursor": cursor}] * MANY
        assert "Traceback" not in server.log.read_text()


def test_all_who_wait_are_told_soon_after_it_happened(installation: Installation) -> None:
    with installation.serving() as server:
        token = operator(server)
        with many_waiting(server, token, caught_up(server, token)) as answers:
            with server.client(token) as client:
                assert client.patch("/v1/me", json={"display_name": "Ada L."}).status_code == 200
            begun = time.monotonic()
            pages: list[dict[str, Any]] = [answer.result().json() for answer in answers]
            assert time.monotonic() - begun < 5
        assert [[event["type"] for event in page["items"]] for page in pages] == [["account.renamed"]] * MANY


def test_when_clients_hang_up_their_calls_end(installation: Installation) -> None:
    with installation.serving() as server:
        token = operator(server)
        cursor = caught_up(server, token)
        ended = server.log.read_text().count("/v1/events")
        with server.client(token) as client, pytest.raises(httpx.ReadTimeout):
            client.get("/v1/events", params={"after": cursor, "wait": 30}, timeout=1)
        deadline = time.monotonic() + 10
        while server.log.read_text().count("/v1/events") == ended:
            assert time.monotonic() < deadline, "the call goes on"
            time.sleep(0.05)
