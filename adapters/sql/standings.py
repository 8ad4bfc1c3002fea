"""What somebody is in an organization, read as one column: each more costs a microsecond to plan and to read."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Dialect, ScalarSelect, Text, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from adapters.sql.organizations import OrganizationRow
from adapters.sql.roles import BuiltInRoleRow, RoleRow
from domain.access import Standing
from domain.kernel import OrganizationId
from domain.permissions import Permission
from domain.roles import RoleName

Id = ColumnElement[UUID] | InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None]
Name = ColumnElement[str] | InstrumentedAttribute[str]
Rank = tuple[RoleName, bool, frozenset[Permission]]
"""A role, whether the organization requires a second factor, and what the role grants."""


class _RankText(TypeDecorator[Rank]):
    impl = Text
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Rank | None]:  # noqa: ARG002
        return _rank


class PermissionsText(TypeDecorator[frozenset[Permission]]):
    """JSON that is read as text, because the same few sets come again and again, and each is parsed once."""

    impl = Text
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], frozenset[Permission]]:  # noqa: ARG002
        return _permissions


class _RankOf(FunctionElement[Rank]):
    inherit_cache = True
    type = _RankText()


@compiles(_RankOf, "postgresql")
def _on_postgresql(rank: _RankOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_build_array({compiler.process(rank.clauses, **options)}) AS TEXT)"


@compiles(_RankOf, "sqlite")
def _on_sqlite(rank: _RankOf, compiler: SQLCompiler, **options: Any) -> str:
    role, requires_second_factor, granted = (compiler.process(each, **options) for each in rank.clauses)
    return f"json_array({role}, {requires_second_factor}, json({granted}))"  # where JSON is text, and to be told so


def rank(role: Name, organization: Id) -> ColumnElement[Rank]:
    """Null where the organization is not live. A role that is gone grants nothing."""
    return _RankOf(role, requires_second_factor(organization), _granted(role, organization))


def requires_second_factor(organization: Id) -> ScalarSelect[bool]:
    """Null where the organization is not live: the one thing that all who ask must know of it."""
    is_live = OrganizationRow.id == organization, OrganizationRow.deleted_at.is_(None)
    return select(OrganizationRow.requires_second_factor).where(*is_live).scalar_subquery()


def standing_in(organization_id: OrganizationId | None, rank: Rank | None = None) -> Standing | None:
    if organization_id is None or rank is None:
        return None
    role, requires_second_factor, permissions = rank
    return Standing(
        organization_id=organization_id,
        role=role,
        permissions=permissions,
        requires_second_factor=requires_second_factor,
    )


def _granted(role: Name, organization: Id) -> ColumnElement[Any]:
    """Most roles are built in: so that is tried first."""
    built_in = select(BuiltInRoleRow.permissions).where(BuiltInRoleRow.name == role)
    own = select(RoleRow.permissions).where(RoleRow.organization_id == organization, RoleRow.name == role)
    return func.coalesce(built_in.scalar_subquery(), own.scalar_subquery())


def _rank(text: str | None) -> Rank | None:
    return None if text is None else _parsed_rank(text)


@lru_cache(maxsize=1024)
def _parsed_rank(text: str) -> Rank | None:
    role, requires_second_factor, granted = json.loads(text)
    if requires_second_factor is None:
        return None
    return RoleName(role), bool(requires_second_factor), frozenset(granted or ())


@lru_cache(maxsize=1024)
def _permissions(text: str) -> frozenset[Permission]:
    return frozenset(json.loads(text))
