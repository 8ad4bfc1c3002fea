"""The operator's side of the catalogue: what the backends of the installation declare."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from application.ports.environment import Clock
from application.ports.unit_of_work import Begin
from domain.permissions import (
    Catalogue,
    CatalogueChanges,
    Permission,
    PermissionInUse,
    PermissionKept,
    PermissionUnknown,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePlan:
    changes: CatalogueChanges
    in_use: Mapping[Permission, int]
    """Of what would be removed: how many roles and keys name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCatalogue:
    """What a new catalogue would change, without changing it."""

    autocommit: Begin

    def __call__(self, declared: Catalogue) -> CataloguePlan:
        with self.autocommit() as database:
            changes = CatalogueChanges.between(database.catalogue.get(), declared)
            return CataloguePlan(changes=changes, in_use=database.catalogue.uses(changes.removed))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyCatalogue:
    """The new catalogue takes the place of the present one, in one transaction. Applied again it changes nothing."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, declared: Catalogue, *, withdraw: Collection[str] = ()) -> CataloguePlan:
        """`withdraw` names what may be removed although roles or keys still name it; it is struck out of them.

        Raise PermissionInUse; where `withdraw` names what would not be removed, PermissionKept, or PermissionUnknown if
        there is no such permission at all.
        """
        with self.unit_of_work() as uow:
            changes = CatalogueChanges.between(uow.catalogue.lock(), declared)
            if kept := set(withdraw) & declared.permissions.keys():
                raise PermissionKept(kept)
            if unknown := set(withdraw) - set(changes.removed):
                raise PermissionUnknown(unknown, field="withdraw")
            in_use = uow.catalogue.uses(changes.removed)
            if refused := in_use.keys() - set(withdraw):
                names = ", ".join(f"{name} ({in_use[name]})" for name in sorted(refused))
                raise PermissionInUse(f"Roles or keys still name {names}. Name what may be struck out of them.")
            if in_use:
                uow.catalogue.withdraw(in_use.keys())
            if changes:
                uow.catalogue.put(declared.apply(changes, at=self.clock.now()))
        return CataloguePlan(changes=changes, in_use=in_use)
