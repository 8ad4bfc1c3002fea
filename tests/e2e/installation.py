"""A Portico as its operator has it: a directory, some settings, the `portico` command, and servers that it starts."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import httpx
from typer.testing import CliRunner, Result

from entrypoints.cli import app

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PORTICO = BIN / "portico"
PATIENCE = 60.0
"""Seconds for what takes one or two on a machine that does nothing else."""

_TRUST = ssl.create_default_context()
"""Never used, and costly: without it, each client would make one of its own."""

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """`settings` are all that its environment holds; in the directory there is no `.env` unless a test writes one."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def for_development(cls, directory: Path, database_url: str = "sqlite:///portico.sqlite3", **more: str) -> Self:
        """Cheap hashes, and a log that a program can read."""
        settings = {"ENVIRONMENT": "development", "MAIL": "console", "BCRYPT_COST": "4", "LOG_FORMAT": "json"}
        return cls(directory=directory, settings={**settings, "DATABASE_URL": database_url, **more})

    def having(self, **settings: str) -> Self:
        return replace(self, settings={**self.settings, **settings})

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.directory), "NO_COLOR": "1", **self.settings}

    def command(self, *arguments: str, **more: str) -> Result:
        """`portico …`, without the second that a process of its own takes. `more` settings are for this once."""
        with chdir(self.directory):
            absent = dict.fromkeys(os.environ)
            return CliRunner().invoke(app, arguments, env={**absent, **self.environment, **more})

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`portico …` in a process of its own, to its end."""
        return subprocess.run(
            [PORTICO, *arguments],
            cwd=self.directory,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextmanager
    def serving(self, *arguments: str, **more: str) -> Iterator["Server"]:
        """A server that is ready, and killed at the end if it still runs."""
        server = Server.start(self.having(**more), *arguments)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.kill()

    @contextmanager
    def relaying(self, **more: str) -> Iterator["Relay"]:
        """A relay that has started, and is killed at the end if it still runs."""
        relay = Relay.start(self.having(**more))
        try:
            relay.wait_until_started()
            yield relay
        finally:
            relay.kill()


@dataclass(frozen=True, slots=True)
class Relay:
    """`portico relay`; its log goes to a file."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, installation: Installation) -> Self:
        log = installation.directory / f"relay-{free_port()}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [PORTICO, "relay"],
                cwd=installation.directory,
                env=installation.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return cls(process, log)

    def wait_until_started(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while b"relay.started" not in self.log.read_bytes():
            assert self.process.poll() is None, f"it ended: {self.log.read_text()}"
            assert time.monotonic() < deadline, f"it never started: {self.log.read_text()}"
            time.sleep(0.02)

    def terminate(self) -> int:
        """Ask it to end, wait, and return its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """At once."""
        self.process.kill()
        self.process.wait(PATIENCE)


@dataclass(frozen=True, slots=True)
class Server:
    """`portico serve` on a free port, in a process group of its own; its log goes to a file."""

    installation: Installation
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    started_at: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, installation: Installation, *arguments: str) -> Self:
        port = free_port()
        log = installation.directory / f"serve-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [PORTICO, "serve", "--port", str(port), *arguments],
                cwd=installation.directory,
                env=installation.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(installation, process, port, log)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str | None = None, *, user_agent: str = "e2e") -> httpx.Client:
        headers = {"User-Agent": user_agent, **({"Authorization": f"Bearer {token}"} if token else {})}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE, trust_env=False, verify=_TRUST)

    def wait_until_ready(self) -> float:
        """Return the seconds since it was started."""
        with self.client() as client:
            while True:
                try:
                    if client.get("/health/ready").status_code == 200:
                        return time.monotonic() - self.started_at
                except httpx.TransportError:
                    pass
                assert self.process.poll() is None, f"it ended: {self.log.read_text()}"
                assert time.monotonic() - self.started_at < PATIENCE, f"it never answered: {self.log.read_text()}"
                time.sleep(0.02)

    def terminate(self) -> int:
        """Ask it to end, wait, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """At once, with its workers, as a power failure would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)

    def mails(self) -> list[dict[str, Any]]:
        with self.client() as client:
            items: list[dict[str, Any]] = client.get("/dev/mailbox.json").json()["items"]
            return items

    def mail_to(self, address: str) -> dict[str, Any]:
        """The newest mail to the address, waiting for it if need be."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for mail in self.mails():
                if mail["to"] == address:
                    return mail
            time.sleep(0.1)
        raise AssertionError(f"no mail to {address}: {self.log.read_text()}")

    def sign_up(self, address: str, password: str = PASSWORD) -> dict[str, Any]:
        """Register, read the mail, verify, and return the account."""
        with self.client() as client:
            asked = client.post("/v1/accounts", json={"email": address, "password": password})
            assert asked.status_code == 202, asked.text
            token = self.mail_to(address)["token"]
            verified = client.post("/v1/accounts/verify", json={"token": token, "password": password})
            assert verified.status_code == 201, verified.text
            account: dict[str, Any] = verified.json()
            return account

    def sign_in(self, address: str, password: str = PASSWORD) -> dict[str, Any]:
        """The tokens."""
        with self.client() as client:
            answer = client.post("/v1/sessions", json={"email": address, "password": password})
            assert answer.status_code == 201, answer.text
            tokens: dict[str, Any] = answer.json()
            return tokens


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
