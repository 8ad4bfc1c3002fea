"""How long the past is kept: old entries leave the audit trail with a signed checkpoint, old events the feed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from application.ports.audit import Link
from application.ports.environment import Clock
from application.ports.security import Sealer
from application.ports.unit_of_work import Begin, UnitOfWork
from application.retrying import Retrying
from domain.audit import Chain, EntryId, checkpointed


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetEntries:
    """Entries older than `kept` leave from the beginning of their chains, with their seals and what is personal in
    them. A signed checkpoint stands where the chain begins now: without it, what is missing was cut off.

    What is not sealed stays, whatever its age: nothing could tell later that it was ever there. A chain whose entries
    are all gone keeps its head, and goes on from it.
    """

    unit_of_work: Begin
    sealer: Sealer
    clock: Clock
    kept: timedelta
    batch: int = 500

    def __call__(self) -> Iterator[int]:
        """Yield how many each batch removed; each is a transaction of its own."""
        before, after = self.clock.now() - self.kept, None
        while True:
            removed, after = Retrying(self._forget)(before, after)
            yield removed
            if after is None:
                return

    def _forget(self, before: datetime, after: EntryId | None) -> tuple[int, EntryId | None]:
        """The last id that was looked at comes with it if there may be more. What must stay for now, because something
        younger comes before it in its chain, is passed over: it holds nobody else up."""
        with self.unit_of_work() as uow:
            old = uow.chains.aged(before=before, after=after, limit=self.batch)
            removed = self._shorten(uow, old)
        return removed, old[-1][1].id if len(old) == self.batch else None

    def _shorten(self, uow: UnitOfWork, old: list[Link]) -> int:
        chains = uow.chains.lock({seal.chain_id for seal, _ in old})
        shortened: list[Chain] = []
        gone: list[Link] = []
        in_order = sorted(old, key=lambda link: (link[0].chain_id, link[0].position))
        for chain_id, links in groupby(in_order, key=lambda link: link[0].chain_id):
            chain = chains[chain_id]
            first = chain.beginning(list(links))
            if first:
                last = first[-1][0]
                proof = self.sealer.seal(checkpointed(chain.id, last.position, last.mac))
                shortened.append(chain.shortened(last, proof))
                gone += first
        uow.chains.shorten(shortened, gone)
        return len(gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetEvents:
    """Events older than `kept` leave the feed from its beginning; whoever has not read them is told so."""

    unit_of_work: Begin
    clock: Clock
    kept: timedelta
    batch: int = 500

    def __call__(self) -> int:
        """One batch. Return how many went."""
        with self.unit_of_work() as uow:
            through = uow.outbox.forget(before=self.clock.now() - self.kept, limit=self.batch)
            if through is None:
                return 0
            forgotten = uow.sequence.get().forgotten
            uow.sequence.forget(through)
        return max(0, through - forgotten)  # places have no gaps
