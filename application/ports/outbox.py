from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel import Aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """A recorded event as it is stored.

    `owner_id` names the shard: the account that it belongs to, or the aggregate itself. `version` is the
    aggregate's own, and orders its events together with `id`: to be removed counts as one more save.
    """

    id: UUID
    owner_id: UUID
    aggregate_id: UUID
    version: int
    name: str
    data: dict[str, str | int | bool | None]
    at: datetime


Emit = Callable[[UUID, UUID, Aggregate], None]
"""`emit(owner_id, aggregate_id, aggregate)` keeps what the aggregate recorded for the commit."""


class Outbox(Protocol):
    def of_owner(self, owner_id: UUID, *, limit: int) -> list[OutboxEvent]:
        """The newest events of an account, newest first."""
