"""What every table is made of."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, JSON, TIMESTAMP, Dialect, MetaData, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, in UTC: `timestamptz` on PostgreSQL, elsewhere ISO 8601 text of one width, which sorts as time does."""

    impl = CHAR(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else CHAR(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone is no moment.")
        return value if dialect.name == "postgresql" else value.astimezone(UTC).isoformat(timespec="microseconds")

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002
        # Ten of them stand in the row that every request reads: so no method of a TypeDecorator, which costs as much
        # again.
        return _in_utc if dialect.name == "postgresql" else _parsed


def _in_utc(value: datetime | None) -> datetime | None:
    # The server answers in the zone of its own settings.
    return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


def _parsed(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


Json = JSON().with_variant(JSONB(), "postgresql")


def bytewise(length: int) -> TypeEngine[str]:
    """Text that is compared byte by byte, as SQLite does anyhow: a prefix is a range of it."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Model(DeclarativeBase):
    """A table. Its primary key starts with the column by which Citus would distribute it; nothing else is unique."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {UUID: Uuid(), datetime: UtcDateTime(), dict[str, Any]: Json}  # noqa: RUF012 (SQLAlchemy's)
