from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from adapters.memory.rows import page_by_id, sweep
from application.ports.api_keys import ApiKeys
from application.ports.outbox import Emit
from domain.api_keys import ApiKey, EndOfKey
from domain.kernel import ApiKeyId, OrganizationId, ServiceAccountId, Stale

ApiKeyKey = tuple[UUID, ApiKeyId]


@dataclass(frozen=True, slots=True)
class MemoryApiKeys(ApiKeys):
    rows: dict[ApiKeyKey, ApiKey]
    emit: Emit

    def add(self, key: ApiKey) -> None:
        self._keep(key)

    def find(self, owner_id: UUID, id: ApiKeyId) -> ApiKey | None:
        return self.rows.get((owner_id, id))

    def save(self, key: ApiKey) -> None:
        before = self.find(key.owner_id, key.id)
        if before is None or before.version != key.version:
            raise Stale
        # The use may have been noted since it was read.
        self._keep(replace(key, version=key.version + 1, last_used_at=before.last_used_at))

    def remove(self, key: ApiKey) -> bool:
        removed = self.rows.pop((key.owner_id, key.id), None)
        if removed is None:
            return False
        self.emit(key.owner_id, key.id, replace(key, version=removed.version + 1))
        return True

    def count(self, owner_id: UUID, service_account_id: ServiceAccountId | None) -> int:
        return sum(1 for _ in self._of(owner_id, service_account_id))

    def page(
        self, owner_id: UUID, service_account_id: ServiceAccountId | None, *, limit: int, after: str | None
    ) -> tuple[list[ApiKey], str | None]:
        return page_by_id(self._of(owner_id, service_account_id), lambda key: key.id, limit=limit, after=after)

    def note_use(self, key: ApiKey, *, digest: str | None = None, at: datetime) -> None:
        before = self.find(key.owner_id, key.id)
        if before and before.is_use_worth_noting(at):
            kept = digest if digest and before.digest == key.digest else before.digest
            self.rows[key.owner_id, key.id] = replace(before, digest=kept, last_used_at=at)

    def end_all(
        self,
        owner_id: UUID,
        reason: EndOfKey,
        *,
        service_account_id: ServiceAccountId | None = None,
        organization_id: OrganizationId | None = None,
        at: datetime,
    ) -> None:
        for key in list(self.rows.values()):
            if (
                key.owner_id == owner_id
                and service_account_id in (None, key.service_account_id)
                and organization_id in (None, key.organization_id)
            ):
                self.remove(key.end(reason, at=at))

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda key: not key.is_live(at), limit=limit)

    def _of(self, owner_id: UUID, service_account_id: ServiceAccountId | None) -> Iterator[ApiKey]:
        owned = (key for key in self.rows.values() if key.owner_id == owner_id)
        return (key for key in owned if key.service_account_id == service_account_id)

    def _keep(self, key: ApiKey) -> None:
        self.rows[key.owner_id, key.id] = replace(key, events=())
        self.emit(key.owner_id, key.id, key)
