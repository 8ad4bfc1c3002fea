from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.ports.backlog import Backlog
from domain.audit import AuditEntry, Chain, ChainId, Happening, Seal
from domain.kernel import AccountId, ActorId


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """What is looked for; None means whatever it be. `since` is included, `until` is not."""

    actor_id: ActorId | None = None
    action: str | None = None
    target_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditTrail(Protocol):
    """Entries about what changed are written with the events of the unit of work, by itself; these are the others."""

    def note(self, happening: Happening) -> None:
        """Keep what changed nothing and matters still, a refusal above all: when the unit of work commits, or at once
        where there is none."""

    def page(
        self, chain_id: ChainId | None, wanted: EntryFilter, *, limit: int, after: str | None
    ) -> tuple[list[AuditEntry], str | None]:
        """Newest first, of one chain or of all, with the cursor of the next page. Raise CursorInvalid."""

    def erase(self, account_id: AccountId, *, limit: int) -> int:
        """Remove what is personal in at most `limit` entries of the account, the oldest first; return in how many."""


class Chains(Protocol):
    """Seals: for the sequencer and for who verifies."""

    def unsealed(self, *, limit: int) -> list[AuditEntry]:
        """Committed entries that have no place yet, those of a chain together and in the order of their ids."""

    def backlog(self) -> Backlog:
        """How much waits for its seal, and since when."""

    def get(self, ids: Collection[ChainId]) -> Mapping[ChainId, Chain]:
        """Those that have begun."""

    def append(self, seals: Sequence[Seal], chains: Iterable[Chain]) -> None:
        """Add the seals, give their entries those places, and let the chains end there."""

    def all(self) -> Iterator[Chain]:
        """Every chain, in pages: for who verifies."""

    def links(self, id: ChainId, *, after: int, limit: int) -> list[tuple[Seal, AuditEntry | None]]:
        """What comes after that position, in order; None where the entry is gone. What is personal comes with it."""
