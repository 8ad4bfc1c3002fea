"""Persistence in SQL: PostgreSQL, or an SQLite file for a start."""

from adapters.sql.database import SqlDatabase

__all__ = ["SqlDatabase"]
