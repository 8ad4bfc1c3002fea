"""Many ids as one parameter, and ids as text: to make a UUID of each costs more than to read it."""

import json
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Dialect, Text, bindparam, cast, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeDecorator


class _IdList(TypeDecorator[Collection[str]]):
    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return _as_array if dialect.name == "postgresql" else _as_json


def _as_array(ids: Collection[str]) -> str:
    return "{" + ",".join(ids) + "}"


def _as_json(ids: Collection[str]) -> str:
    return json.dumps([*ids])


class _IsOneOf(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()


@compiles(_IsOneOf, "postgresql")
def _on_postgresql(is_one_of: _IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    id, ids = (compiler.process(each, **options) for each in is_one_of.clauses)
    return f"{id} = ANY (CAST({ids} AS UUID[]))"


@compiles(_IsOneOf, "sqlite")
def _on_sqlite(is_one_of: _IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    id, ids = (compiler.process(each, **options) for each in is_one_of.clauses)
    return f"{id} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 (both are made by SQLAlchemy)


def id_list(name: str) -> BindParameter[Collection[str]]:
    """Takes the `hex` of each."""
    return bindparam(name, type_=_IdList())


def is_one_of(id: Any, ids: BindParameter[Collection[str]]) -> ColumnElement[bool]:
    """What `IN` says; but its text is the same for any number of ids, so it is compiled once."""
    return _IsOneOf(id, ids)


def as_hex(id: Any) -> ColumnElement[str]:
    """`UUID.hex` of it, on both databases."""
    return func.replace(cast(id, Text), "-", "")
