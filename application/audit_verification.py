"""Proving that nothing in the audit trail was changed, moved, added in between or taken away."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from application.ports.security import Sealer
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.audit import AuditEntry, Chain, ChainId, Head, Seal, checkpointed, sealed

_MOST_HEADLESS = 10_000


class Flaw(StrEnum):
    """What is wrong with a link, in words."""

    CHECKPOINT_FORGED = "nothing proves that what came before was removed by retention"
    SEAL_MISSING = "there is no seal at this place"
    ENTRY_GONE = "the entry that was sealed here is gone, or cannot be read"
    ENTRY_ELSEWHERE = "the entry that was sealed here claims another place"
    SEAL_DOES_NOT_FIT = (
        "the seal does not fit: the entry, the seal or the one before was changed, or its secret is not configured"
    )
    PERSONAL_CHANGED = "the network or user agent was changed"
    ANOTHER_SEAL = "another seal stood here when its head was logged"
    LOGGED_BUT_GONE = "the chain ends here, and went on when its head was logged"
    END_CUT_OFF = "the chain ends before its head"
    HEAD_BEHIND = "the chain goes on after its head"
    HEAD_CHANGED = "the head names another seal"
    NEVER_SEALED = "an entry claims this place, and no seal gives it"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLink:
    """The first of its chain. `position` is where it should be."""

    chain_id: ChainId
    position: int
    flaw: Flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A step: some links of a chain. The last step of each chain says where it ends, or where it is broken."""

    chain_id: ChainId
    links: int
    total: int
    """Links of all the chains, as far as their heads tell."""
    head: Head | None = None
    broken: BrokenLink | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    links: int
    end: Head | BrokenLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAudit:
    """Walk chains from their checkpoints to their ends, and prove every link: its entry, its place, the seal before it.

    What the log or a backup keeps of heads is compared as well: only that shows that the end of a chain was cut off
    together with its head. What is written or removed by retention meanwhile disturbs nothing.
    """

    autocommit: Begin
    sealer: Sealer
    page: int = 500

    def __call__(self, *, chains: Collection[ChainId] = (), heads: Iterable[Head] = ()) -> Iterator[Walked]:
        """Every chain, unless some are named; those of the heads in any case."""
        known: dict[ChainId, dict[int, set[str]]] = {}
        for head in heads:
            known.setdefault(head.chain_id, {}).setdefault(head.position, set()).add(head.mac)
        with self.autocommit() as database:
            total = sum(max(0, chain.position - chain.checkpoint) for chain in _asked(database, chains))
            for chain in _asked(database, chains):
                yield from self._told(database, chain, known.pop(chain.id, {}), total)
            for id, known_of_it in known.items():
                yield from self._told(database, _chain(database, id), known_of_it, total)

    def _told(self, database: UnitOfWork, chain: Chain, known: Mapping[int, set[str]], total: int) -> Iterator[Walked]:
        for step in self._walk(database, chain, known):
            head = step.end if isinstance(step.end, Head) else None
            broken = step.end if isinstance(step.end, BrokenLink) else None
            yield Walked(chain_id=chain.id, links=step.links, total=total, head=head, broken=broken)

    def _walk(self, database: UnitOfWork, begun: Chain, known: Mapping[int, set[str]]) -> Iterator[_Step]:
        at = Head(begun.id, begun.checkpoint, begun.checkpoint_mac)
        flaw = self._flaw_of_checkpoint(begun, known)
        position = begun.checkpoint
        while flaw is None:
            links = database.chains.links(begun.id, after=at.position, limit=self.page)
            for seal, entry in links:
                position = at.position + 1
                if flaw := self._flaw_of_link(at, seal, entry, known):
                    break
                at = Head(begun.id, seal.position, seal.mac)
            if links:
                yield _Step(len(links))
                continue
            ended = _chain(database, begun.id)
            if ended.position > at.position and database.chains.links(begun.id, after=at.position, limit=1):
                continue  # it was added to meanwhile
            if (found := self._flaw_of_end(database, at, ended, known)) is None:
                yield _Step(0, at)
                return
            position, flaw = found
        if (now := _chain(database, begun.id)).checkpoint > begun.checkpoint:
            yield from self._walk(database, now, known)  # retention overtook the walk: what it removed is no loss
            return
        yield _Step(0, BrokenLink(chain_id=begun.id, position=position, flaw=flaw))

    def _flaw_of_checkpoint(self, chain: Chain, known: Mapping[int, set[str]]) -> Flaw | None:
        if chain.checkpoint == 0 and not chain.checkpoint_mac:
            return None
        said = checkpointed(chain.id, max(0, chain.checkpoint), chain.checkpoint_mac)
        if chain.checkpoint < 1 or not self.sealer.is_whole(said, chain.checkpoint_proof):
            return Flaw.CHECKPOINT_FORGED
        return _flaw_if_known(Head(chain.id, chain.checkpoint, chain.checkpoint_mac), known)

    def _flaw_of_link(
        self, before: Head, seal: Seal, entry: AuditEntry | None, known: Mapping[int, set[str]]
    ) -> Flaw | None:
        if seal.position != before.position + 1:
            return Flaw.SEAL_MISSING
        if entry is None:
            return Flaw.ENTRY_GONE
        if entry.position != seal.position:
            return Flaw.ENTRY_ELSEWHERE
        if not self.sealer.is_whole(sealed(seal.chain_id, seal.position, before.mac, entry.digest), seal.mac):
            return Flaw.SEAL_DOES_NOT_FIT
        if entry.personal and entry.personal.digest != entry.personal_digest:
            return Flaw.PERSONAL_CHANGED
        return _flaw_if_known(Head(seal.chain_id, seal.position, seal.mac), known)

    def _flaw_of_end(
        self, database: UnitOfWork, at: Head, ended: Chain, known: Mapping[int, set[str]]
    ) -> tuple[int, Flaw] | None:
        if ended.position > at.position:
            return at.position + 1, Flaw.END_CUT_OFF
        if ended.position < at.position:
            return ended.position + 1, Flaw.HEAD_BEHIND
        if ended.mac != at.mac:
            return at.position, Flaw.HEAD_CHANGED
        if unproved := database.chains.unproved(at.chain_id, limit=1):
            return unproved[0], Flaw.NEVER_SEALED
        if any(position > at.position for position in known):
            return at.position, Flaw.LOGGED_BUT_GONE
        return None


def _asked(database: UnitOfWork, ids: Collection[ChainId]) -> Iterator[Chain]:
    if ids:
        yield from (_chain(database, id) for id in dict.fromkeys(ids))
        return
    yield from database.chains.all()
    yield from (Chain(id=id) for id in database.chains.headless(limit=_MOST_HEADLESS))


def _chain(database: UnitOfWork, id: ChainId) -> Chain:
    return database.chains.get([id]).get(id) or Chain(id=id)


def _flaw_if_known(head: Head, known: Mapping[int, set[str]]) -> Flaw | None:
    return Flaw.ANOTHER_SEAL if known.get(head.position, {head.mac}) != {head.mac} else None
