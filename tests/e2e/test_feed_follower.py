"""The example that follows the feed, killed again and again beside a live Portico; and its document."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from examples.feed_follower.state import State
from tests.e2e.installation import PATIENCE, ROOT, Installation, Server
from tests.e2e.tours import steps, walk

DOCUMENT = (ROOT / "docs" / "event-feed.md").read_text()
EXAMPLE = ROOT / "examples" / "feed_follower"
ADA = "ada@example.com"


def test_the_commands_of_the_document_print_what_it_shows(on_sqlite: Installation) -> None:
    tour = steps(DOCUMENT)
    assert len(tour) == 4
    with on_sqlite.serving() as server:
        server.sign_up(ADA)
        access = server.sign_in(ADA)["access_token"]
        walk(tour, replace(server, installation=on_sqlite.having(access=access)))


def test_the_code_in_the_document_is_the_code_of_the_example() -> None:
    shown = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    written = [unspaced(file.read_text()) for file in EXAMPLE.glob("*.py")]
    assert len(shown) == 2
    for code in shown:
        assert any(unspaced(code) in text for text in written), code


def unspaced(code: str) -> str:
    """The formatter indents a document otherwise than a method."""
    return "".join(code.split())


class Acme:
    """An organization, and people who come and go."""

    def __init__(self, server: Server) -> None:
        self.server = server
        server.sign_up(ADA)
        self.token = server.sign_in(ADA)["access_token"]
        self.path = f"/v1/organizations/{self.call('POST', '/v1/organizations', name='Acme')['id']}"
        program = self.call("POST", f"{self.path}/service-accounts", name="Directory", role="admin")["id"]
        keys = f"{self.path}/service-accounts/{program}/api-keys"
        self.key: str = self.call("POST", keys, name="feed", scopes=["events:read"])["secret"]

    def call(self, method: str, path: str, **body: Any) -> Any:
        with self.server.client(self.token) as client:
            answer = client.request(method, path, json=body or None)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def joins(self, name: str) -> str:
        """The id of their account."""
        address = f"{name}@example.com"
        account: str = self.server.sign_up(address)["id"]
        self.comes_back(name)
        return account

    def comes_back(self, name: str) -> None:
        address = f"{name}@example.com"
        self.call("POST", f"{self.path}/invitations", email=address, role="member")
        with self.server.client(self.server.sign_in(address)["access_token"]) as client:
            [invitation] = client.get("/v1/me/invitations").json()["items"]
            assert client.post("/v1/invitations/accept", json={"token": invitation["token"]}).status_code == 200

    def changes(self, account: str, role: str) -> None:
        self.call("PATCH", f"{self.path}/members/{account}", role=role)

    def leaves(self, account: str) -> None:
        self.call("DELETE", f"{self.path}/members/{account}")

    def members(self) -> dict[str, str]:
        page = self.call("GET", f"{self.path}/members")
        return {member["account_id"]: member["role"] for member in page["items"]}

    def count(self) -> int:
        """Of all events that it has had."""
        cursor, seen = None, 0
        while True:
            query = {"limit": "100", "wait": "2", **({"after": cursor} if cursor else {})}
            with self.server.client(self.key) as client:
                page = client.get("/v1/events", params=query).json()
            if not page["items"]:
                return seen
            cursor, seen = page["next_cursor"], seen + len(page["items"])


def followed(acme: Acme, file: Path) -> "subprocess.Popen[bytes]":
    environment = {
        **acme.server.installation.environment,
        "PYTHONPATH": str(ROOT),
        "PORTICO_URL": acme.server.url,
        "PORTICO_KEY": acme.key,
        "STATE": str(file),
    }
    command = [sys.executable, "-m", "examples.feed_follower"]
    return subprocess.Popen(command, env=environment, cwd=file.parent, start_new_session=True)


@contextmanager
def following(acme: Acme, file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = followed(acme, file)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


def known(file: Path) -> tuple[str, dict[str, str]]:
    state = State(file)
    try:
        return state.dump(), state.members()
    finally:
        state.close()


def read_by(file: Path, number: int) -> bool:
    return file.exists() and known(file)[0].startswith(f"{number} ")


@pytest.mark.parametrize("database", ["on_sqlite", "on_postgresql"])
def test_one_that_is_killed_again_and_again_ends_with_what_one_knows_that_never_was(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> None:
    installation: Installation = request.getfixturevalue(database)
    killed, spared = tmp_path / "killed.sqlite3", tmp_path / "spared.sqlite3"
    with installation.serving() as server:
        acme = Acme(server)
        people: dict[str, str] = {}
        with following(acme, spared):
            for number, name in enumerate(("bob", "eve", "lin", "sue", "tom", "zoe")):
                with following(acme, killed):  # killed while it reads, or waits, or has hardly begun
                    people[name] = acme.joins(name)
                    acme.changes(people[name], "admin")
                    time.sleep(0.15 * number)
                    if number % 2:
                        acme.leaves(people[name])
                acme.changes(people["bob"], "member" if number % 2 else "owner")
            acme.comes_back("eve")
            number = acme.count()
            with following(acme, killed):
                deadline = time.monotonic() + PATIENCE
                while not (read_by(killed, number) and read_by(spared, number)):
                    assert time.monotonic() < deadline, (number, known(killed), known(spared))
                    time.sleep(0.1)
        assert known(killed) == known(spared)
        assert known(killed)[1] == acme.members()
        assert number > 30
