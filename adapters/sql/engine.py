"""How to reach the two databases, and how each of them begins a transaction."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import DBAPICursor

from adapters.sql.pool import CountingPool
from adapters.sql.watched import Watch, psycopg_cursor, sqlite_connection
from application.ports.unit_of_work import TransactionFailed

# Of the client library, not of the session: pgbouncer does not mind. A server that is gone without a word is given up.
_LIBPQ = {"application_name": "portico", "connect_timeout": "5", "keepalives_idle": "30", "tcp_user_timeout": "30000"}


@dataclass(frozen=True, slots=True)
class Gateway:
    """`begin` opens a transaction, which commits at a clean exit; with `alone` each statement stands alone."""

    engine: Engine
    begin: Callable[[], AbstractContextManager[Connection]]
    alone: Callable[[], AbstractContextManager[Connection]]


def parsed(url: str) -> URL:
    """`url` for the drivers that Portico has: `postgres://` and `postgresql://` mean psycopg2.

    Raise ValueError if it is neither of PostgreSQL nor of an SQLite file.
    """
    address = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    match address.get_backend_name():
        case "postgresql":
            return address.set(drivername="postgresql+psycopg2", query={**_LIBPQ, **address.query})
        case "sqlite" if address.database not in (None, "", ":memory:"):
            return address.set(drivername="sqlite+pysqlite")
        case "sqlite":
            raise ValueError("SQLite needs a file: in memory, each connection would have a database of its own.")
        case other:
            raise ValueError(f"Portico runs on PostgreSQL and SQLite, not on {other}.")


def keep_private(address: URL) -> None:
    """Make a missing SQLite file readable by its owner only; SQLite gives its companions the same mode."""
    path = address.database or ""
    if path.startswith("file:"):  # a URI, which SQLite alone reads
        return
    with suppress(OSError):  # what hinders it is told once somebody connects
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))


def gateway(url: str, *, pool_size: int, pool_timeout: float, watch: Watch | None = None) -> Gateway:
    address = parsed(url)
    # Fixed: a burst must wait here, not break the database's own limit. The last used comes first, so that a quiet
    # process keeps few connections warm.
    pool = {
        "poolclass": CountingPool,
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": pool_timeout,
        "pool_use_lifo": True,
    }
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, pool, watch)
    return _postgresql(address, pool, watch)


def _postgresql(address: URL, pool: dict[str, Any], watch: Watch | None) -> Gateway:
    engine = create_engine(
        address,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",  # most are reads; it is the transactions that pay for the change
        connect_args={"cursor_factory": psycopg_cursor(watch)} if watch else {},
        use_native_hstore=False,  # would be looked up on every new connection
        **pool,
    )
    return Gateway(engine, engine.execution_options(isolation_level="READ COMMITTED").begin, engine.connect)


def _sqlite(address: URL, pool: dict[str, Any], watch: Watch | None) -> Gateway:
    """SQLite has one writer at a time, and whoever else tries polls for the lock, unfairly. So the writers of this
    process queue for a lock of their own; readers need none (write-ahead log)."""
    keep_private(address)
    engine = create_engine(
        address,
        hide_parameters=True,
        # The driver begins nothing: BEGIN is ours. Another process that writes is waited for as long as for a turn.
        connect_args={
            "isolation_level": None,
            "timeout": pool["pool_timeout"],
            **({"factory": sqlite_connection(watch)} if watch else {}),
        },
        **pool,
    )
    writer = _writers.setdefault(str(Path(address.database or "").resolve()), Lock())
    turn = pool["pool_timeout"]

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "do_execute")
    def queue_a_change_that_stands_alone(
        cursor: DBAPICursor, statement: str, parameters: Any, context: DefaultExecutionContext
    ) -> bool:
        is_change = context.isinsert or context.isupdate or context.isdelete
        if not is_change or cursor.connection.in_transaction:
            return False  # it is executed as usual
        with _turn(writer, turn):
            cursor.execute(statement, parameters)
        return True

    @contextmanager
    def begin() -> Iterator[Connection]:
        # The connection first, as with a change that stands alone: in one order nobody waits for each other.
        with engine.connect() as connection, _turn(writer, turn), connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    return Gateway(engine, begin, engine.connect)


_writers: dict[str, Lock] = {}
"""One for each SQLite file of the process."""


@contextmanager
def _turn(writer: Lock, timeout: float) -> Iterator[None]:
    if not writer.acquire(timeout=timeout):
        raise TransactionFailed(f"Another transaction has been writing for {timeout:g} seconds.")
    try:
        yield
    finally:
        writer.release()
