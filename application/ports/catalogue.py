from collections.abc import Collection, Mapping
from typing import Protocol

from domain.permissions import Catalogue, Permission


class Catalogues(Protocol):
    """The one catalogue of the installation. Until one is put, it is Portico's own."""

    def get(self) -> Catalogue: ...

    def hold(self) -> Catalogue:
        """Like `get`; until the end of the transaction nobody may put another one. Any number may hold it at once."""

    def lock(self) -> Catalogue:
        """Like `get`; until the end of the transaction nobody else may hold, lock or put it."""

    def put(self, catalogue: Catalogue) -> None:
        """Take the place of the present one. The role owner grants all of it."""

    def uses(self, permissions: Collection[Permission]) -> Mapping[Permission, int]:
        """How many roles of organizations and keys name each; those that nothing names are left out."""

    def withdraw(self, permissions: Collection[Permission]) -> None:
        """Strike them out of all roles of organizations and scopes of keys."""
