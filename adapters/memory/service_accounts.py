from collections.abc import Iterator
from dataclasses import dataclass, replace

from adapters.memory.rows import page_by_id
from application.ports.outbox import Emit
from application.ports.service_accounts import ServiceAccounts
from domain.kernel import OrganizationId, ServiceAccountId, Stale
from domain.service_accounts import ServiceAccount

ServiceAccountKey = tuple[OrganizationId, ServiceAccountId]


@dataclass(frozen=True, slots=True)
class MemoryServiceAccounts(ServiceAccounts):
    rows: dict[ServiceAccountKey, ServiceAccount]
    emit: Emit

    def add(self, service_account: ServiceAccount) -> None:
        self._keep(service_account)

    def find(self, organization_id: OrganizationId, id: ServiceAccountId) -> ServiceAccount | None:
        return self.rows.get((organization_id, id))

    def save(self, service_account: ServiceAccount) -> None:
        before = self.find(service_account.organization_id, service_account.id)
        if before is None or before.version != service_account.version:
            raise Stale
        self._keep(replace(service_account, version=service_account.version + 1))

    def remove(self, service_account: ServiceAccount) -> bool:
        if self.rows.pop((service_account.organization_id, service_account.id), None) is None:
            return False
        self._note(replace(service_account, version=service_account.version + 1))
        return True

    def count(self, organization_id: OrganizationId) -> int:
        return sum(1 for _ in self._of(organization_id))

    def page(
        self, organization_id: OrganizationId, *, limit: int, after: str | None
    ) -> tuple[list[ServiceAccount], str | None]:
        return page_by_id(self._of(organization_id), lambda each: each.id, limit=limit, after=after)

    def void(self, organization_id: OrganizationId) -> None:
        for service_account in list(self._of(organization_id)):
            del self.rows[organization_id, service_account.id]

    def _of(self, organization_id: OrganizationId) -> Iterator[ServiceAccount]:
        return (each for each in self.rows.values() if each.organization_id == organization_id)

    def _keep(self, service_account: ServiceAccount) -> None:
        self.rows[service_account.organization_id, service_account.id] = replace(service_account, events=())
        self._note(service_account)

    def _note(self, service_account: ServiceAccount) -> None:
        self.emit(service_account.organization_id, service_account.id, service_account)
