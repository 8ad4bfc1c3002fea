from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.ports.backlog import Backlog
from domain.audit import AuditEntry, Chain, ChainId, EntryId, Happening, Seal
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

    def following(
        self, chain_id: ChainId | None, wanted: EntryFilter, *, after: EntryId | None, limit: int
    ) -> list[AuditEntry]:
        """Oldest first, of one chain or of all, what comes after that entry: for who exports."""

    def erase(self, account_id: AccountId, *, limit: int) -> int:
        """Remove what is personal in at most `limit` entries of the account, the oldest first; return in how many."""

    def erase_later(self, account_id: AccountId, *, at: datetime) -> None:
        """Keep that everything personal of the account is to go, what this unit of work still writes included."""

    def erase_due(self, *, before: datetime, limit: int) -> int:
        """Do what `erase_later` was asked before that time, until `limit` rows are gone; return how many went."""


Link = tuple[Seal, AuditEntry]


class Chains(Protocol):
    """Seals: for the sequencer, for who verifies, and for retention."""

    def unsealed(self, *, limit: int) -> list[AuditEntry]:
        """Committed entries that have no place yet, those of a chain together and in the order of their ids."""

    def backlog(self) -> Backlog:
        """How much waits for its seal, and since when."""

    def get(self, ids: Collection[ChainId]) -> Mapping[ChainId, Chain]:
        """Those that have begun."""

    def append(self, seals: Sequence[Seal], chains: Iterable[Chain]) -> None:
        """Add the seals, give their entries those places, and let the chains end there. Where they begin is not
        changed: retention may move it meanwhile."""

    def all(self) -> Iterator[Chain]:
        """Every chain, in pages: for who verifies."""

    def links(self, id: ChainId, *, after: int, limit: int) -> list[tuple[Seal, AuditEntry | None]]:
        """What comes after that position, in order; None where the entry is gone, or says what none can say. What is
        personal comes with it. Fewer than `limit` where some cannot be read, but none only at the end."""

    def aged(self, *, before: datetime, after: EntryId | None, limit: int) -> list[Link]:
        """Sealed entries from before that time, of all chains, in the order of their ids; after that one."""

    def lock(self, ids: Collection[ChainId]) -> Mapping[ChainId, Chain]:
        """Like `get`; until the end of the transaction nobody else may lock, lengthen or shorten them."""

    def shorten(self, chains: Iterable[Chain], gone: Sequence[Link]) -> None:
        """Remove the links with what is personal in them, and keep the checkpoints of chains that were locked."""

    def unproved(self, id: ChainId, *, limit: int) -> list[int]:
        """The lowest places that entries of the chain claim, and that no seal gives them."""

    def headless(self, *, limit: int) -> list[ChainId]:
        """Chains that have seals, or entries that claim a place, and no end: `all` does not know them."""
