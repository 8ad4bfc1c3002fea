from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from adapters.memory.api_keys import ApiKeyKey
from adapters.memory.roles import RoleKey
from application.ports.catalogue import Catalogues
from application.ports.outbox import Emit
from domain.api_keys import ApiKey
from domain.audit import INSTALLATION
from domain.permissions import Catalogue, Permission
from domain.roles import Role


@dataclass(frozen=True, slots=True)
class MemoryCatalogues(Catalogues):
    rows: dict[None, Catalogue]
    """The one, or none."""
    roles: dict[RoleKey, Role]
    api_keys: dict[ApiKeyKey, ApiKey]
    emit: Emit

    def get(self) -> Catalogue:
        return self.rows.get(None) or Catalogue()

    def hold(self) -> Catalogue:
        return self.get()

    def lock(self) -> Catalogue:
        return self.get()

    def put(self, catalogue: Catalogue) -> None:
        # A plain dict can be pickled.
        self.rows[None] = replace(catalogue, permissions=dict(catalogue.permissions), events=())
        self.emit(INSTALLATION, catalogue.id, catalogue)

    def uses(self, permissions: Collection[Permission]) -> Mapping[Permission, int]:
        of_roles = (role.permissions for role in self.roles.values())
        of_keys = (key.scopes for key in self.api_keys.values())
        return Counter(each for named in chain(of_roles, of_keys) for each in named.intersection(permissions))

    def withdraw(self, permissions: Collection[Permission]) -> None:
        """Each counts as saved: whoever read it with what is struck out must not write it back."""
        for role_id, role in self.roles.items():
            left = role.permissions.difference(permissions)
            if left != role.permissions:
                self.roles[role_id] = replace(role, permissions=left, version=role.version + 1)
        for key_id, key in self.api_keys.items():
            left = key.scopes.difference(permissions)
            if left != key.scopes:
                self.api_keys[key_id] = replace(key, scopes=left, version=key.version + 1)
