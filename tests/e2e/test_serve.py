"""`portico serve`: what it refuses, how it starts, how it ends."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.installation import ROOT, Installation, Server
from tests.postgres import server as postgres


def test_it_refuses_to_start_and_names_every_wrong_setting_at_once(tmp_path: Path) -> None:
    wrong = {
        "DATABASE_URL": "mysql://root@localhost/portico",
        "SECRET_KEY": "short",
        "PUBLIC_URL": "http://accounts.example.com",
        "MAIL": "console",
        "BCRYPT_COST": "8",
        "ACCESS_TOKEN_LIFETIME": "ten minutes",
        "TRUSTED_PROXIES": "*",
        "PORT": "99999",
    }
    refused = Installation(directory=tmp_path, settings=wrong).run("serve")
    assert refused.returncode == 1
    assert {name for name in wrong if f"{name}: " in refused.stderr} == set(wrong)
    assert "Traceback" not in refused.stderr


def test_it_refuses_several_workers_on_sqlite(on_sqlite: Installation) -> None:
    refused = on_sqlite.run("serve", "--workers", "2")
    assert (refused.returncode, "WORKERS: " in refused.stderr) == (1, True)


def test_it_refuses_a_postgresql_whose_schema_is_not_at_head(tmp_path: Path) -> None:
    refused = Installation.for_development(tmp_path, postgres().create_empty_database()).run("serve")
    assert refused.returncode == 1
    assert "portico migrate up" in refused.stderr


@pytest.mark.parametrize(
    "database_url", ["postgresql://nobody:secret@127.0.0.1:1/portico", "sqlite:////nowhere/at/all/portico.sqlite3"]
)
def test_it_says_in_words_that_the_database_cannot_be_reached(tmp_path: Path, database_url: str) -> None:
    refused = Installation.for_development(tmp_path, database_url).run("serve")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "secret" not in refused.stderr


def test_on_sqlite_it_starts_in_an_empty_directory_and_answers_soon(on_sqlite: Installation) -> None:
    server = Server.start(on_sqlite)
    try:
        # About two seconds, twice that while other tests run; what matters is that no one waits for a minute.
        assert server.wait_until_ready() < 10
        assert (on_sqlite.directory / "portico.sqlite3").stat().st_mode & 0o077 == 0
        assert (on_sqlite.directory / ".portico" / "secret_key").stat().st_mode & 0o077 == 0
    finally:
        server.kill()


def test_sigterm_lets_it_finish_what_it_has_accepted(on_sqlite: Installation) -> None:
    with on_sqlite.serving(BCRYPT_COST="14") as server:  # a sign-in takes about a second
        answers: list[httpx.Response] = []

        def sign_in() -> None:
            with server.client() as client:
                credentials = {"email": "nobody@example.com", "password": "whatever it may be"}
                answers.append(client.post("/v1/sessions", json=credentials))

        slow = threading.Thread(target=sign_in)
        slow.start()
        time.sleep(0.3)
        assert not answers
        server.terminate()
        slow.join()
        assert [answer.status_code for answer in answers] == [401]
        with server.client() as client, pytest.raises(httpx.ConnectError):
            client.get("/health/live")


def test_two_workers_serve_one_postgresql_and_end_together(on_postgresql: Installation) -> None:
    with on_postgresql.serving("--workers", "2") as server:
        address = "ada@example.com"
        operator = on_postgresql.run("create-operator", address, OPERATOR_PASSWORD="three herons at noon")
        assert operator.returncode == 0, operator.stderr
        token = server.sign_in(address, "three herons at noon")["access_token"]
        for _ in range(20):  # a connection each, so that both workers are asked
            with server.client(token) as client:
                assert client.get("/v1/me").json()["email"] == address
        workers = children(server.process.pid)
        assert len(workers) == 2
        server.terminate()
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def children(pid: int) -> list[int]:
    """The worker processes; the helper that Python starts for `multiprocessing` is none."""
    found = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


IMPORTED_BY_A_WORKER = """
import asyncio, sys
from entrypoints.asgi import create

async def live(app):
    async with app.router.lifespan_context(app):
        print(*sys.modules)

asyncio.run(live(create()))
"""


def test_a_worker_imports_nothing_of_the_command_line_nor_what_nobody_asked_for_yet(
    on_sqlite: Installation,
) -> None:
    assert on_sqlite.run("migrate", "up").returncode == 0
    imported = subprocess.run(
        [sys.executable, "-c", IMPORTED_BY_A_WORKER],
        cwd=on_sqlite.directory,
        env={**on_sqlite.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "sqlalchemy" in imported
    assert not {"alembic", "migrations", "typer", "smtplib", "joserfc"} & set(imported)
    assert not {"pyotp", "segno", "webauthn", "zxcvbn"} & set(imported)
    # Of OpenTelemetry FastAPI itself imports the API, which does nothing alone.
    assert not {"opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client", "requests"} & set(imported)


def test_the_environment_wins_over_the_file(on_sqlite: Installation) -> None:
    (on_sqlite.directory / ".env").write_text("PORT=1\nREGISTRATION=closed\n")
    with on_sqlite.serving() as server, server.client() as client:  # its port comes by the command line
        body = {"email": "ada@example.com", "password": "correct horse battery staple"}
        assert client.post("/v1/accounts", json=body).json()["code"] == "registration_closed"
