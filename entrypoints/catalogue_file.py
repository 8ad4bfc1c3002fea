"""The file in which an operator declares what the backends of the installation let people do.

TOML, because people write it and review its changes. A table is a resource, and `[roles]` says what the built-in roles
admin and member grant; docs/permissions.md shows one.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.kernel import Invalid
from domain.permissions import Catalogue
from domain.roles import ADMIN, MEMBER, OWNER

_ROLES = "roles"


class CatalogueFileInvalid(Exception):
    """Its text names every problem, one a line, with the line or the key in the file."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))


def read_catalogue(file: Path) -> Catalogue:
    """Raise CatalogueFileInvalid."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CatalogueFileInvalid(["It is not UTF-8."]) from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueFileInvalid([f"It is not TOML: {error}."]) from None
    reading = _Reading()
    roles = document.pop(_ROLES, {})
    for resource, table in document.items():
        reading.take_resource(resource, table)
    reading.take_roles(roles)
    if reading.problems:
        raise CatalogueFileInvalid(reading.problems)
    return Catalogue.declare(
        reading.permissions, of_admin=reading.granted.get(ADMIN, ()), of_member=reading.granted.get(MEMBER, ())
    )


@dataclass(slots=True)
class _Reading:
    """Goes on after a problem, so that whoever wrote the file sees all of them at once."""

    permissions: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """What a role that grants it is not blamed for."""
    granted: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def take_resource(self, resource: str, table: object) -> None:
        if not isinstance(table, Mapping):
            self._refuse(resource, f"A resource is a table: `[{resource}]`.")
            return
        for key in table.keys() - {"description", "actions"}:
            self._refuse(f"{resource}.{key}", "A resource has `actions` and, for readers of the file, a `description`.")
        if not isinstance(table.get("description", ""), str):
            self._refuse(f"{resource}.description", "A description is text.")
        actions = table.get("actions")
        if not isinstance(actions, Mapping) or not actions:
            self._refuse(f"{resource}.actions", 'A resource has actions: actions = { read = "See them" }.')
            return
        for action, text in actions.items():
            self._take_permission(f"{resource}:{action}", text, key=f"{resource}.actions.{action}")

    def take_roles(self, table: object) -> None:
        if not isinstance(table, Mapping):
            self._refuse(_ROLES, "It is a table, and no resource can have that name: `[roles]`.")
            return
        for role, grants in table.items():
            key = f"{_ROLES}.{role}"
            if role == OWNER:
                self._refuse(key, "An owner may do everything, always.")
            elif role not in (ADMIN, MEMBER):
                self._refuse(key, "Only admin and member are declared here; organizations make roles of their own.")
            elif not isinstance(grants, list) or not all(isinstance(grant, str) for grant in grants):
                self._refuse(key, 'A role is a list of permissions: ["invoices:read", "reports:*"].')
            else:
                self.granted[role] = grants
                for grant in grants:
                    self._judge_grant(grant, key=key)

    def _take_permission(self, name: str, text: object, *, key: str) -> None:
        if not isinstance(text, str):
            self._refuse(key, "What it is for is told in text.")
            self.refused.add(name)
            return
        try:
            Catalogue.declare({name: text})
        except Invalid as invalid:
            self._refuse(key, invalid.detail)
            self.refused.add(name)
        else:
            self.permissions[name] = text

    def _judge_grant(self, grant: str, *, key: str) -> None:
        if grant in self.refused:
            return
        try:
            Catalogue.declare(self.permissions, of_member=[grant])
        except Invalid as invalid:
            self._refuse(key, invalid.detail)

    def _refuse(self, key: str, problem: str) -> None:
        self.problems.append(f"{key}: {problem}")
