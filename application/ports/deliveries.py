from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.deliveries import Delivery
from domain.kernel import DeliveryId, WebhookId


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A delivery that a relay holds, and the lane with it, until `leased_until`."""

    delivery: Delivery
    leased_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of an errand, and when something in its lane is due again."""

    errand: Errand
    delivery: Delivery
    due_at: datetime


class Deliveries(Protocol):
    """Of an owner's endpoints. A lane is there while something waits in it."""

    def queue(self, deliveries: Collection[Delivery]) -> None:
        """Add them, each to the end of its lane."""

    def requeue(self, delivery: Delivery, *, at: datetime) -> None:
        """Let one that was over wait in its lane again. Raise Stale if it does so already."""

    def claim(
        self, *, limit: int, lease: timedelta, at: datetime, except_endpoints: Iterable[WebhookId] = ()
    ) -> list[Errand]:
        """The first delivery of each of at most `limit` lanes that are due, the longest due first; each given to one
        caller only, until the lease is over."""

    def settle(self, settled: Sequence[Settled]) -> None:
        """Keep what became of them. A lane that is empty is gone; nothing is written about one whose lease was
        another's meanwhile."""

    def drop(self, owner_id: UUID, endpoint_id: WebhookId, *, limit: int) -> int:
        """Remove at most `limit` that wait for the endpoint, and lanes in which nothing waits; return how many."""

    def find(self, owner_id: UUID, id: DeliveryId) -> Delivery | None: ...

    def page(
        self, owner_id: UUID, endpoint_id: WebhookId, *, limit: int, after: str | None
    ) -> tuple[list[Delivery], str | None]:
        """Newest first, and where the next page starts. Raise CursorInvalid."""

    def sweep(self, *, before: datetime, limit: int) -> int:
        """Remove at most `limit` that were over before that time; return how many."""
