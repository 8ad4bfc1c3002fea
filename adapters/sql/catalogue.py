from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    TableValuedAlias,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from adapters.sql.api_keys import ApiKeyRow
from adapters.sql.model import Json, Model
from adapters.sql.roles import BuiltInRoleRow, RoleRow
from adapters.sql.statements import put
from application.ports.catalogue import Catalogues
from application.ports.outbox import Emit
from domain.audit import INSTALLATION
from domain.permissions import Catalogue, Permission
from domain.roles import ADMIN, MEMBER, OWNER

_NAMING = ((RoleRow, RoleRow.permissions), (ApiKeyRow, ApiKeyRow.scopes))
"""The tables whose rows name permissions, and where."""


class PermissionRow(Model):
    """What there is to be allowed: the same on every shard."""

    __tablename__ = "permissions"

    name: Mapped[str] = mapped_column(String(81), primary_key=True)
    description: Mapped[str] = mapped_column(String(200))


_ALWAYS_THERE = select(BuiltInRoleRow.name).order_by(BuiltInRoleRow.name)
"""Rows that stand for the rest of the catalogue where it is locked."""


@dataclass(frozen=True, slots=True)
class SqlCatalogues(Catalogues):
    connection: Connection
    emit: Emit

    def get(self) -> Catalogue:
        built_in = self.connection.execute(select(BuiltInRoleRow.name, BuiltInRoleRow.permissions)).all()
        granted = {name: frozenset(map(Permission, permissions)) for name, permissions in built_in}
        described = self.connection.execute(select(PermissionRow.name, PermissionRow.description)).all()
        permissions = {Permission(name): description for name, description in sorted(map(tuple, described))}
        return Catalogue(permissions=MappingProxyType(permissions), of_admin=granted[ADMIN], of_member=granted[MEMBER])

    def hold(self) -> Catalogue:
        self.connection.execute(_ALWAYS_THERE.with_for_update(read=True))
        return self.get()

    def lock(self) -> Catalogue:
        self.connection.execute(_ALWAYS_THERE.with_for_update())
        return self.get()

    def put(self, catalogue: Catalogue) -> None:
        granted = {OWNER: catalogue.permissions, ADMIN: catalogue.of_admin, MEMBER: catalogue.of_member}
        for name in sorted(granted):  # never deleted: who waits for their lock must find them
            put(self.connection, BuiltInRoleRow, {"name": name, "permissions": sorted(granted[name])})
        described = [{"name": name, "description": text} for name, text in catalogue.permissions.items()]
        self.connection.execute(delete(PermissionRow))
        self.connection.execute(insert(PermissionRow), described)
        self.emit(INSTALLATION, catalogue.id, catalogue)

    def uses(self, permissions: Collection[Permission]) -> Mapping[Permission, int]:
        found: Counter[Permission] = Counter()
        for model, names in _NAMING:
            each = self._each(names)
            counted = select(each.c.value, func.count()).select_from(model).join(each, true())
            of_these = counted.where(each.c.value.in_(permissions)).group_by(each.c.value)
            for name, count in self.connection.execute(of_these):
                found[Permission(name)] += count
        return found

    def withdraw(self, permissions: Collection[Permission]) -> None:
        """Each counts as saved: whoever read it with what is struck out must not write it back."""
        for model, names in _NAMING:
            each = self._each(names)
            is_struck = each.c.value.in_(permissions)
            left = select(self._list_of(each)).where(~is_struck).correlate(model).scalar_subquery()
            named = select(each.c.value).where(is_struck).correlate(model).exists()
            self.connection.execute(update(model).where(named).values({names: left, model.version: model.version + 1}))

    def _each(self, names: InstrumentedAttribute[list[str]]) -> TableValuedAlias:
        """Every name in the list of a row, as a table of them."""
        unnest = func.jsonb_array_elements_text if self._is_postgresql else func.json_each
        return unnest(names).table_valued("value")

    def _list_of(self, each: TableValuedAlias) -> ColumnElement[list[str]]:
        aggregate = func.jsonb_agg if self._is_postgresql else func.json_group_array
        return func.coalesce(aggregate(each.c.value), literal([], Json))

    @property
    def _is_postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"
