from typing import Protocol

from domain.kernel import OrganizationId, ServiceAccountId
from domain.service_accounts import ServiceAccount


class ServiceAccounts(Protocol):
    def add(self, service_account: ServiceAccount) -> None: ...

    def find(self, organization_id: OrganizationId, id: ServiceAccountId) -> ServiceAccount | None: ...

    def save(self, service_account: ServiceAccount) -> None:
        """Raise Stale if it was saved since it was read."""

    def remove(self, service_account: ServiceAccount) -> bool:
        """Remove it and write what it recorded. False, and nothing written, if it was gone."""

    def count(self, organization_id: OrganizationId) -> int: ...

    def page(
        self, organization_id: OrganizationId, *, limit: int, after: str | None
    ) -> tuple[list[ServiceAccount], str | None]:
        """Oldest first, and where the next page starts. Raise CursorInvalid."""

    def void(self, organization_id: OrganizationId) -> None:
        """Remove all of a deleted organization, without a word."""
