"""Cursors that tell of each statement.

A cursor of the driver, because not every statement goes through SQLAlchemy's execution (see prepared.py). Who asks for
none of it has the driver's own cursors, and pays nothing.
"""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Self

from psycopg2.extensions import cursor

Watch = Callable[[str], AbstractContextManager[object]]
"""Is given the text of a statement, never its parameters, and is open while it runs."""


def psycopg_cursor(watch: Watch) -> type[cursor]:
    class Watched(cursor):
        def execute(self, query: Any, vars: Any = None) -> None:
            with watch(query if isinstance(query, str) else bytes(query).decode()):
                super().execute(query, vars)

        def executemany(self, query: Any, vars_list: Any) -> None:
            with watch(query):
                super().executemany(query, vars_list)

    return Watched


def sqlite_connection(watch: Watch) -> type[sqlite3.Connection]:
    class WatchedCursor(sqlite3.Cursor):
        def execute(self, sql: str, parameters: Any = ()) -> Self:
            with watch(sql):
                return super().execute(sql, parameters)

        def executemany(self, sql: str, parameters: Any) -> Self:
            with watch(sql):
                return super().executemany(sql, parameters)

    class Watched(sqlite3.Connection):
        def cursor(self, factory: Any = WatchedCursor) -> Any:
            return super().cursor(factory)

    return Watched
