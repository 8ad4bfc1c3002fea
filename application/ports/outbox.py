from collections.abc import Callable, Iterable, Mapping
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
    `schema_version` is what its data looked like then: an old row stays as it was written.
    `position` is its place in the feed, given by the sequencer after it was committed.
    """

    id: UUID
    owner_id: UUID
    aggregate_id: UUID
    version: int
    name: str
    data: dict[str, str | int | bool | None]
    at: datetime
    schema_version: int = 1
    position: int | None = None


Emit = Callable[[UUID, UUID, Aggregate], None]
"""`emit(owner_id, aggregate_id, aggregate)` keeps what the aggregate recorded for the commit, and an audit entry for
each."""


class Outbox(Protocol):
    """Every event there is. Only those that have a place are in the feed."""

    def of_owner(self, owner_id: UUID, *, limit: int) -> list[OutboxEvent]:
        """The newest events of an account, newest first."""

    def find(self, owner_id: UUID, id: UUID) -> OutboxEvent | None: ...

    def some(self, keys: Iterable[tuple[UUID, UUID]]) -> list[OutboxEvent]:
        """Of these pairs of owner and id, those that there are, in no order."""

    def feed(self, *, after: int, limit: int, owner_id: UUID | None = None) -> list[OutboxEvent]:
        """What comes after that position, in order; of one owner, or of all."""

    def owners(self, *, after: int, through: int) -> set[UUID]:
        """Whose events came after that position, up to the other."""

    def unplaced(self, *, limit: int) -> list[OutboxEvent]:
        """Committed events without a place. Those of an aggregate come in order, and none is left out that comes before
        one that is given."""

    def place(self, positions: Mapping[tuple[UUID, UUID], int]) -> None:
        """Give the events, by owner and id, their places."""

    def forget(self, *, before: datetime, limit: int) -> int | None:
        """Remove at most `limit` placed events from before that time, from the beginning of the feed on; return the
        last position that is gone, or None."""
