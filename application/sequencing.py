"""Giving what was committed its order: events their place in the feed, audit entries their seal.

Writers share nothing, so that none waits for another. The order is made afterwards, by one process at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from application.deliveries import queue_deliveries
from application.ports.environment import Clock, Ids
from application.ports.security import Sealer
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.audit import AuditEntry, Chain, Seal, sealed

LEASE = timedelta(seconds=3)
"""How long the others wait for a sequencer that says nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequenced:
    """What one batch did. `heads` are the chains that grew: whoever keeps them elsewhere can tell later whether the end
    of a chain was cut off."""

    events: int
    entries: int
    epoch: int
    position: int
    heads: tuple[Chain, ...]
    is_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequencer:
    """Places what waits, and queues it for webhooks, in batches of one transaction each. Several processes may run
    one: whoever holds the lease works, and another takes over when it expires.

    Nothing is written while nothing waits, and every batch begins by renewing the lease, in its own transaction: one
    that slept through its lease finds another's there.
    """

    unit_of_work: Begin
    autocommit: Begin
    sealer: Sealer
    clock: Clock
    ids: Ids
    holder: UUID
    """Names this process."""
    batch: int = 500

    def __call__(self) -> Sequenced | None:
        """One batch. None if nothing waits, or another is at work."""
        with self.autocommit() as database:
            if not (database.outbox.unplaced(limit=1) or database.chains.unsealed(limit=1)):
                return None
        with self.unit_of_work() as uow:
            now = self.clock.now()
            sequence = uow.sequence.take(self.holder, lease=LEASE, at=now)
            if sequence is None:
                return None
            events = uow.outbox.unplaced(limit=self.batch)
            entries = uow.chains.unsealed(limit=self.batch)
            placed = [replace(event, position=place) for place, event in enumerate(events, sequence.position + 1)]
            uow.outbox.place({(event.owner_id, event.id): event.position or 0 for event in placed})
            queue_deliveries(uow, placed, ids=self.ids, at=now)
            heads = self._seal(uow, entries)
            sequence = sequence.advanced(len(events))
            uow.sequence.advance(sequence)
        return Sequenced(
            events=len(events),
            entries=len(entries),
            epoch=sequence.epoch,
            position=sequence.position,
            heads=heads,
            is_more=self.batch in (len(events), len(entries)),
        )

    def _seal(self, uow: UnitOfWork, entries: Sequence[AuditEntry]) -> tuple[Chain, ...]:
        begun = uow.chains.get({entry.chain_id for entry in entries})
        seals: list[Seal] = []
        heads: list[Chain] = []
        for chain_id, following in groupby(entries, key=lambda entry: entry.chain_id):
            chain = begun.get(chain_id) or Chain(id=chain_id)
            for entry in following:
                seal = self._next(chain, entry)
                chain = chain.advanced(seal)
                seals.append(seal)
            heads.append(chain)
        uow.chains.append(seals, heads)
        return tuple(heads)

    def _next(self, chain: Chain, entry: AuditEntry) -> Seal:
        position = chain.position + 1
        mac = self.sealer.seal(sealed(chain.id, position, chain.mac, entry.digest))
        return Seal(chain_id=chain.id, position=position, entry_id=entry.id, mac=mac)
