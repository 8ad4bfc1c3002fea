from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel import DeliveryId, WebhookId
from domain.webhooks import WebhookEndpoint


class WebhookEndpoints(Protocol):
    """Of an owner: an organization, or the installation."""

    def add(self, endpoint: WebhookEndpoint) -> None: ...

    def find(self, owner_id: UUID, id: WebhookId) -> WebhookEndpoint | None: ...

    def lock(self, owner_id: UUID, id: WebhookId) -> WebhookEndpoint:
        """Until the end of the transaction nobody else may lock or save it. Raise WebhookNotFound."""

    def save(self, endpoint: WebhookEndpoint) -> None:
        """Raise Stale if it was saved since it was read."""

    def remove(self, endpoint: WebhookEndpoint) -> bool:
        """Remove it and write what it recorded. False, and nothing written, if it was gone."""

    def of_owner(self, owner_id: UUID) -> list[WebhookEndpoint]:
        """All of them, which are few, the oldest first."""

    def page(self, *, limit: int, after: str | None) -> tuple[list[WebhookEndpoint], str | None]:
        """Of all owners, in no telling order, for maintenance. Raise CursorInvalid."""

    def active(self, owner_ids: Collection[UUID]) -> list[WebhookEndpoint]:
        """Those of all these owners that are not off, in one query."""

    def some(self, keys: Collection[tuple[UUID, WebhookId]]) -> list[WebhookEndpoint]:
        """Of these pairs of owner and id, those that there are, in no order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One call to make. `message_id` is stable: a retry has the same."""

    owner_id: UUID
    endpoint_id: WebhookId
    delivery_id: DeliveryId
    aggregate_id: UUID
    url: str
    message_id: str
    at: datetime
    """When it is sent: the webhook-timestamp."""
    body: bytes
    secrets: tuple[bytes, ...] = field(repr=False)
    """Newest first; two while rotating."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How a call ended."""

    parcel: Parcel
    status: int | None
    error: str = ""
    """Why there was no answer, in one permanent word, empty if there was one: timeout, unresolved, refused_address,
    connection, tls, bad_answer, bad_url, internal. An answer that is a redirect is no good one: redirect."""


class Courier(Protocol):
    """Makes calls, many at a time, and never lets one wait for another."""

    def free(self) -> int:
        """How many more calls it can begin now."""

    def send(self, parcel: Parcel) -> None:
        """Begin the call; never waits for the answer."""

    def returned(self, *, wait: float) -> list[Receipt]:
        """Calls that ended; waits at most that many seconds for the first."""

    def close(self) -> None: ...
