from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from application.ports.organizations import Organizations
from application.ports.outbox import Emit
from domain.kernel import OrganizationId, Stale
from domain.organizations import Organization, OrganizationNotFound, Slug, SlugTaken


@dataclass(frozen=True, slots=True)
class MemoryOrganizations(Organizations):
    rows: dict[OrganizationId, Organization]
    slugs: dict[Slug, OrganizationId]
    emit: Emit

    def add(self, organization: Organization) -> None:
        self._claim_slug(organization)
        self.rows[organization.id] = replace(organization, events=())
        self.emit(organization.id, organization.id, organization)

    def get(self, id: OrganizationId) -> Organization:
        organization = self.rows.get(id)
        if organization is None or not organization.is_live:
            raise OrganizationNotFound
        return organization

    def lock(self, id: OrganizationId) -> Organization:
        return self.get(id)

    def some(self, ids: Collection[OrganizationId]) -> Mapping[OrganizationId, Organization]:
        return {id: self.rows[id] for id in ids if id in self.rows and self.rows[id].is_live}

    def save(self, organization: Organization) -> None:
        before = self.rows.get(organization.id)
        if before is None or before.version != organization.version:
            raise Stale
        self._claim_slug(organization, before)
        saved = replace(organization, version=organization.version + 1)
        self.rows[organization.id] = replace(saved, events=())
        self.emit(organization.id, organization.id, saved)

    def deleted(self, *, limit: int) -> list[Organization]:
        deleted_at = {id: each.deleted_at for id, each in self.rows.items() if each.deleted_at}
        return [self.rows[id] for id in sorted(deleted_at, key=deleted_at.__getitem__)[:limit]]

    def remove(self, id: OrganizationId) -> None:
        organization = self.rows.get(id)
        if organization and not organization.is_live:
            del self.rows[id]

    def _claim_slug(self, organization: Organization, before: Organization | None = None) -> None:
        """Its slug takes the place of the one that it had `before`."""
        if organization.is_live and self.slugs.get(organization.slug, organization.id) != organization.id:
            raise SlugTaken
        if before and before.is_live:
            self.slugs.pop(before.slug, None)
        if organization.is_live:
            self.slugs[organization.slug] = organization.id
