from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from adapters.memory.rows import first_page
from application.ports.outbox import Emit
from application.ports.pages import ids_of
from application.ports.webhooks import WebhookEndpoints
from domain.kernel import Stale, WebhookId
from domain.webhooks import WebhookEndpoint, WebhookNotFound

WebhookKey = tuple[UUID, WebhookId]


@dataclass(frozen=True, slots=True)
class MemoryWebhookEndpoints(WebhookEndpoints):
    rows: dict[WebhookKey, WebhookEndpoint]
    emit: Emit

    def add(self, endpoint: WebhookEndpoint) -> None:
        self._keep(endpoint)

    def find(self, owner_id: UUID, id: WebhookId) -> WebhookEndpoint | None:
        return self.rows.get((owner_id, id))

    def lock(self, owner_id: UUID, id: WebhookId) -> WebhookEndpoint:
        endpoint = self.find(owner_id, id)
        if endpoint is None:
            raise WebhookNotFound
        return endpoint

    def save(self, endpoint: WebhookEndpoint) -> None:
        before = self.find(endpoint.owner_id, endpoint.id)
        if before is None or before.version != endpoint.version:
            raise Stale
        self._keep(replace(endpoint, version=endpoint.version + 1))

    def remove(self, endpoint: WebhookEndpoint) -> bool:
        removed = self.rows.pop((endpoint.owner_id, endpoint.id), None)
        if removed is None:
            return False
        self.emit(endpoint.owner_id, endpoint.id, replace(endpoint, version=removed.version + 1))
        return True

    def of_owner(self, owner_id: UUID) -> list[WebhookEndpoint]:
        return sorted((each for each in self.rows.values() if each.owner_id == owner_id), key=lambda each: each.id)

    def page(self, *, limit: int, after: str | None) -> tuple[list[WebhookEndpoint], str | None]:
        start = None if after is None else ids_of(after)
        following = sorted(key for key in self.rows if start is None or key > start)
        page, cursor = first_page(following, lambda key: f"{key[0]}.{key[1]}", limit=limit)
        return [self.rows[key] for key in page], cursor

    def active(self, owner_ids: Collection[UUID]) -> list[WebhookEndpoint]:
        return [each for each in self.rows.values() if each.owner_id in owner_ids and each.is_active]

    def some(self, keys: Collection[WebhookKey]) -> list[WebhookEndpoint]:
        return [self.rows[key] for key in set(keys) if key in self.rows]

    def _keep(self, endpoint: WebhookEndpoint) -> None:
        self.rows[endpoint.owner_id, endpoint.id] = replace(endpoint, events=())
        self.emit(endpoint.owner_id, endpoint.id, endpoint)
