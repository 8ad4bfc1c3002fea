"""What a failing database means to a use case.

The driver's own errors stay in here: PostgreSQL's DETAIL quotes the data of rows, and must not reach a log.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from application.ports.unit_of_work import TransactionFailed, Unavailable

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_RUN_AGAIN = frozenset({"40001", "40P01", "55P03"})  # serialization_failure, deadlock_detected, lock_not_available
_OUT_OF_ORDER = frozenset({"08", "53", "57", "58"})  # connection, resources, operator intervention, system

_CHANGE = re.compile(r"\b(?:INSERT|UPDATE|DELETE)\b")  # a query may begin with WITH, and so may a change

_SQLITE_RUN_AGAIN = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_OUT_OF_ORDER = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}
)


class StatementFailed(Exception):
    """A statement that cannot succeed: a defect of the code or the schema. Its text names SQLSTATE and constraint."""


@contextmanager
def failures_told(*, in_transaction: bool) -> Iterator[None]:
    """Raise TransactionFailed, Unavailable or StatementFailed in place of what the driver raised."""
    try:
        yield
    except DBAPIError as error:
        raise _told(error, in_transaction=in_transaction).with_traceback(error.__traceback__) from None
    except NoConnectionFree:
        raise Unavailable("All connections to the database are in use.") from None


def _told(error: DBAPIError, *, in_transaction: bool) -> Exception:
    if error.connection_invalidated and _nothing_was_committed(error.statement, in_transaction):
        return TransactionFailed("The connection to the database was lost.")
    if error.connection_invalidated:
        return Unavailable("The connection to the database was lost; what was asked may have happened.")
    driver_error = error.orig
    if isinstance(driver_error, sqlite3.Error):
        return _told_by_sqlite(driver_error)
    sqlstate: str | None = getattr(driver_error, "pgcode", None)
    if sqlstate in _RUN_AGAIN:
        return TransactionFailed(f"SQLSTATE {sqlstate}")
    if sqlstate is None and error.statement is None:
        return Unavailable(f"The database is out of reach: {' '.join(str(driver_error).split())}")
    if sqlstate and sqlstate[:2] in _OUT_OF_ORDER:
        return Unavailable(f"SQLSTATE {sqlstate}")
    constraint = getattr(getattr(driver_error, "diag", None), "constraint_name", None)
    return StatementFailed(f"SQLSTATE {sqlstate}, constraint {constraint}: {error.statement}")


def _nothing_was_committed(statement: str | None, in_transaction: bool) -> bool:
    """No statement means the commit itself: whether it arrived is not known. Neither is it of a change that stands
    alone."""
    return statement is not None and (in_transaction or not _CHANGE.search(statement))


def _told_by_sqlite(error: sqlite3.Error) -> Exception:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    primary = code & 0xFF  # https://www.sqlite.org/rescode.html#extrc
    if primary in _SQLITE_RUN_AGAIN:
        return TransactionFailed(error.sqlite_errorname)
    if primary in _SQLITE_OUT_OF_ORDER:
        return Unavailable(error.sqlite_errorname)
    return StatementFailed(f"{getattr(error, 'sqlite_errorname', type(error).__name__)}: {error}")
