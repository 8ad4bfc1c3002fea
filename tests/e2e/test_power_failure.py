"""What was acknowledged is there after a `kill -9` in the middle; what was not has happened wholly or not at all."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue

import httpx

from tests.e2e.installation import PASSWORD, PATIENCE, Installation, Server

CLIENTS = 4
MOST = 50
"""Sign-ups: as many as the mailbox keeps mails."""


def until_the_power_fails(
    server: Server, work: Callable[[httpx.Client, str], None], addresses: Iterable[str], *, when: Callable[[], bool]
) -> None:
    """Let clients work, each on a device of its own, and kill the server once `when` holds."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for address in addresses:
        waiting.put(address)

    def client(device: str) -> None:
        with server.client(user_agent=device) as connection, suppress(httpx.TransportError, Empty):
            while True:
                work(connection, waiting.get_nowait())

    threads = [threading.Thread(target=client, args=(f"device {number}",)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    while not when() and time.monotonic() < deadline:
        time.sleep(0.001)
    server.kill()
    for thread in threads:
        thread.join()
    assert when(), server.log.read_text()


def test_what_was_acknowledged_survives_a_power_failure(either: Installation) -> None:
    signed_up: list[str] = []
    tokens: dict[str, str] = {}
    verified: list[str] = []
    devices: dict[str, tuple[str, str]] = {}
    """By address: the user agent, and the refresh token that it was given last."""

    def sign_up(client: httpx.Client, address: str) -> None:
        if client.post("/v1/accounts", json={"email": address, "password": PASSWORD}).status_code == 202:
            signed_up.append(address)

    def verify_and_stay(client: httpx.Client, address: str) -> None:
        proof = {"token": tokens[address], "password": PASSWORD}
        if client.post("/v1/accounts/verify", json=proof).status_code == 201:
            verified.append(address)
        answer = client.post("/v1/sessions", json={"email": address, "password": PASSWORD})
        for _ in range(4):
            if answer.is_success:
                devices[address] = (client.headers["User-Agent"], answer.json()["refresh_token"])
            answer = client.post("/v1/sessions/refresh", json={"refresh_token": devices[address][1]})

    with either.serving(BACKGROUND_WORK="false") as server:
        everybody = [f"person{number}@example.com" for number in range(MOST)]
        until_the_power_fails(server, sign_up, everybody, when=lambda: len(signed_up) >= 20)

    with either.serving() as server:
        for address in signed_up:
            tokens[address] = server.mail_to(address)["token"]
        until_the_power_fails(server, verify_and_stay, signed_up, when=lambda: len(verified) >= 12)

    with either.serving() as server:
        for address in signed_up:
            with server.client() as client:
                proof = {"token": tokens[address], "password": PASSWORD}
                answer = client.post("/v1/accounts/verify", json=proof)
            assert answer.status_code == 422 if address in verified else answer.status_code in (201, 422), address
            server.sign_in(address)
        for device, refresh_token in devices.values():
            with server.client(user_agent=device) as client:
                answer = client.post("/v1/sessions/refresh", json={"refresh_token": refresh_token})
                assert answer.status_code == 200, answer.text
