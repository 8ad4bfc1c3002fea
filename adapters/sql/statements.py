"""The statements that several repositories make alike, for both dialects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Row,
    Select,
    Uuid,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute

from adapters.sql.model import Model
from adapters.sql.prepared import Convert, driver_conversion
from application.ports.backlog import MOST_COUNTED, Backlog

Entity = TypeVar("Entity")

Pair = TypeVar("Pair", bound=tuple[UUID, UUID])

Values = Mapping[str, Any]


def claimed(connection: Connection, model: type[Model], row: Values) -> bool:
    """Insert the row unless its key is taken. A conflict waits for the transaction that made it, and is no error:
    this transaction stays usable."""
    return connection.execute(_insert(connection, model).values(row).on_conflict_do_nothing()).rowcount == 1


def put(connection: Connection, model: type[Model], row: Values) -> None:
    """Insert the row, or overwrite the one that has its key."""
    statement = _insert(connection, model).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=_key(model), set_=without_key(model, row)))


def put_all(
    connection: Connection, model: type[Model], rows: Sequence[Values], *columns: InstrumentedAttribute[Any]
) -> None:
    """Insert the rows, or overwrite those columns of the ones that have their keys: many in one statement."""
    statement = _insert(connection, model)
    given = {column.key: statement.excluded[column.key] for column in columns}
    connection.execute(statement.on_conflict_do_update(index_elements=_key(model), set_=given), rows)


def inserted_or_changed(connection: Connection, model: type[Model], row: Values, change: Values) -> Row[Any]:
    """Insert the row, or `change` the one that has its key, and return it as it is then.

    It is locked until the end of the transaction. It is one statement, so that nothing can be removed between a look
    and a lock, and it is the same whether or not the row existed.
    """
    upsert = _insert(connection, model).on_conflict_do_update(index_elements=_key(model), set_=change)
    # One row, its values apart from the statement: SQLAlchemy compiles an insert of several anew each time.
    return connection.execute(upsert.returning(model.__table__), row).one()


def inserted_or_locked(connection: Connection, model: type[Model], rows: Sequence[Values]) -> None:
    """Insert the rows, and lock, unchanged, those whose keys are there already. Whoever removes such a row waits, or is
    waited for.

    Give the rows in the order of their keys, so that two who do this do not wait for each other.
    """
    if not rows:
        return
    unchanged = next(iter(without_key(model, rows[0])))
    same = {unchanged: getattr(model, unchanged)}
    upsert = _insert(connection, model).on_conflict_do_update(index_elements=_key(model), set_=same)
    # It returns something, because SQLAlchemy sends many such rows in one statement only then.
    connection.execute(upsert.returning(_key(model)[0]), list(rows)).all()


def some_of(
    model: type[Model], *conditions: ColumnElement[bool], oldest: InstrumentedAttribute[Any], limit: int
) -> ColumnElement[bool]:
    """That a row is among the `limit` oldest that meet the conditions and that nobody else has locked.

    A CTE, because PostgreSQL may run a subquery with FOR UPDATE and LIMIT more than once, and so exceed the limit.
    """
    key = _key(model)
    chosen = select(*key).where(*conditions).order_by(oldest).limit(limit).with_for_update(skip_locked=True)
    return tuple_(*key).in_(select(chosen.cte("chosen")))


def swept(
    connection: Connection,
    model: type[Model],
    *conditions: ColumnElement[bool],
    oldest: InstrumentedAttribute[Any],
    limit: int,
) -> int:
    """Remove at most `limit` rows that meet the conditions; return how many. What is in use waits for the next time."""
    removed = delete(model).where(some_of(model, *conditions, oldest=oldest, limit=limit)).returning(*_key(model))
    return len(connection.execute(removed).all())  # SQLite's driver counts no statement that begins with WITH


def insert_all(connection: Connection, *rows_of: tuple[type[Model], Sequence[Values]]) -> None:
    """Insert rows into several tables. On PostgreSQL all go in one round trip, as text that was compiled once: every
    change writes so, and three statements of SQLAlchemy's cost it twice the processor time."""
    if connection.dialect.name != "postgresql":
        for model, rows in rows_of:
            if rows:
                connection.execute(insert(model), rows)
        return
    texts: list[str] = []
    values: list[Any] = []
    for model, rows in rows_of:
        if rows:
            insertion = _insertion(model, connection.dialect)
            texts.append(insertion.head + ", ".join([insertion.group] * len(rows)))
            values += [convert(row[name]) for row in rows for name, convert in insertion.columns]
    if texts:
        connection.exec_driver_sql("; ".join(texts), tuple(values))


@dataclass(frozen=True, slots=True)
class _Insertion:
    head: str
    group: str
    columns: Sequence[tuple[str, Convert]]


@lru_cache
def _insertion(model: type[Model], dialect: Dialect) -> _Insertion:
    types = {column.name: column.type.dialect_impl(dialect) for column in model.__table__.columns}
    casts = [f"%s::{type.compile(dialect)}" if isinstance(type, Uuid | JSON) else "%s" for type in types.values()]
    return _Insertion(
        head=f"INSERT INTO {model.__tablename__} ({', '.join(types)}) VALUES ",  # noqa: S608 (names of ours)
        group=f"({', '.join(casts)})",
        columns=[(name, driver_conversion(type, dialect)) for name, type in types.items()],
    )


def backlog(
    connection: Connection, waits: ColumnElement[bool], *, since: InstrumentedAttribute[Any], first: bool = False
) -> Backlog:
    """Counts no more than it must, by the index of what waits; `first` where that begins with the oldest."""
    counted = select(since.label("since")).where(waits).limit(MOST_COUNTED)
    waiting = (counted.order_by(since) if first else counted).subquery()
    count, oldest = connection.execute(select(func.count(), func.min(waiting.c.since, type_=since.type))).one()
    return Backlog(count, oldest)


def placed(connection: Connection, model: type[Model], positions: Mapping[Pair, int]) -> None:
    """Set `position` of many rows by their keys, which are pairs of ids."""
    if not positions:
        return
    first, second = _key(model)
    if connection.dialect.name == "postgresql":
        # Three arrays in one statement: the driver would send a statement a row.
        keys = list(positions)
        unnested = func.unnest(
            bindparam("firsts", [key[0] for key in keys], type_=postgresql.ARRAY(Uuid())),
            bindparam("seconds", [key[1] for key in keys], type_=postgresql.ARRAY(Uuid())),
            bindparam("positions", list(positions.values()), type_=postgresql.ARRAY(BigInteger())),
        )
        each = unnested.table_valued("first", "second", "position", joins_implicitly=True).render_derived()
        is_it = and_(first == each.c.first, second == each.c.second)
        connection.execute(update(model).where(is_it).values(position=cast(each.c.position, BigInteger)))
        return
    is_it = and_(first == bindparam("first"), second == bindparam("second"))
    connection.execute(
        update(model).where(is_it).values(position=bindparam("place")).execution_options(synchronize_session=False),
        [{"first": key[0], "second": key[1], "place": place} for key, place in positions.items()],
    )


def one_page(
    connection: Connection,
    statement: Select[Any],
    to_entity: Callable[[Sequence[Any]], Entity],
    cursor: Callable[[Entity], str],
    *,
    limit: int,
) -> tuple[list[Entity], str | None]:
    """The first `limit` rows, and the cursor of the last of them if more follow."""
    rows = connection.execute(statement.limit(limit + 1)).all()
    page = [to_entity(row) for row in rows[:limit]]
    return page, cursor(page[-1]) if len(rows) > limit else None


def without_key(model: type[Model], row: Values) -> dict[str, Any]:
    """What an update may set: the key says on which shard the row lies, and never changes."""
    key = {column.name for column in model.__table__.primary_key}
    return {name: value for name, value in row.items() if name not in key}


def _key(model: type[Model]) -> list[ColumnElement[Any]]:
    return list(model.__table__.primary_key)


def _insert(connection: Connection, model: type[Model]) -> postgresql.Insert | sqlite.Insert:
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(model)
