"""A delivery: one event on its way to one webhook endpoint.

Those of one aggregate go to one endpoint in order, in a lane of their own; lanes do not wait for one another.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from domain.kernel import Conflict, DeliveryId, NotFound, WebhookId
from domain.webhooks import WebhookPolicy

TEST = "webhook.test"
"""What an endpoint gets when somebody tries it. It is no event: nothing happened."""


class DeliveryNotFound(NotFound):
    """The endpoint had no such delivery, or it is too long ago."""

    code = "delivery_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such delivery, or it was removed because it is long over.")


class DeliveryPending(Conflict):
    """It is still to be delivered, by itself."""

    code = "delivery_pending"

    def __init__(self) -> None:
        super().__init__("It is under way still, and tried again by itself.")


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Past its last retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """In it, one thing is under way at a time."""

    owner_id: UUID
    endpoint_id: WebhookId
    aggregate_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`owner_id` is the endpoint's; the event lies with `event_owner_id`. What was answered is not kept."""

    owner_id: UUID
    id: DeliveryId
    endpoint_id: WebhookId
    aggregate_id: UUID
    event_owner_id: UUID
    event_id: UUID
    event_name: str
    position: int
    """In the feed, which gives the order in the lane."""
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    status: int | None = None
    """Of the last answer; None where there was none."""
    error: str = ""
    """Why there was none: one permanent word."""
    created_at: datetime
    tried_at: datetime | None = None
    settled_at: datetime | None = None
    """When it was delivered, or given up."""

    @classmethod
    def test(cls, *, owner_id: UUID, id: DeliveryId, endpoint_id: WebhookId, at: datetime) -> Self:
        """To see whether anything arrives: in a lane of its own, which nothing holds up."""
        return cls(
            owner_id=owner_id,
            id=id,
            endpoint_id=endpoint_id,
            aggregate_id=id,
            event_owner_id=owner_id,
            event_id=id,
            event_name=TEST,
            position=0,
            created_at=at,
        )

    @property
    def lane(self) -> Lane:
        return Lane(owner_id=self.owner_id, endpoint_id=self.endpoint_id, aggregate_id=self.aggregate_id)

    @property
    def message_id(self) -> str:
        """Who gets the same one twice has it already: retries and redeliveries have it, and it is the event's in the
        feed."""
        return str(self.event_id)

    @property
    def is_test(self) -> bool:
        return self.event_name == TEST

    def delivered(self, status: int, *, at: datetime) -> Self:
        return replace(
            self,
            state=DeliveryState.DELIVERED,
            tries=self.tries + 1,
            status=status,
            error="",
            tried_at=at,
            settled_at=at,
        )

    def failed(
        self, status: int | None, error: str, *, policy: WebhookPolicy, random: float, at: datetime
    ) -> tuple[Self, timedelta | None]:
        """With how long to wait for the next try; None after the last."""
        tried = replace(self, tries=self.tries + 1, status=status, error=error, tried_at=at)
        wait = policy.retry_in(tried.tries, random)
        return (tried if wait else tried.given_up(at=at)), wait

    def given_up(self, error: str = "", *, at: datetime) -> Self:
        return replace(self, state=DeliveryState.FAILED, error=error or self.error, settled_at=at)

    def redeliver(self) -> Self:
        """Raise DeliveryPending."""
        if self.state is DeliveryState.PENDING:
            raise DeliveryPending
        return replace(self, state=DeliveryState.PENDING, tries=0, settled_at=None)
