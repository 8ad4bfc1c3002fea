from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.ports.audit import AuditTrail, Chains, EntryFilter, Link
from application.ports.backlog import Backlog
from application.ports.pages import id_of
from domain.audit import AuditEntry, Chain, ChainId, EntryId, Happening, Personal, Seal, earliest_id
from domain.kernel import AccountId

EntryKey = tuple[ChainId, EntryId]
PersonalKey = tuple[AccountId, EntryId]
SealKey = tuple[ChainId, int]


@dataclass(frozen=True, slots=True)
class MemoryAuditTrail(AuditTrail):
    entries: dict[EntryKey, AuditEntry]
    personal: dict[PersonalKey, Personal]
    erasures: dict[AccountId, datetime]
    keep: Callable[[Happening], None]

    def note(self, happening: Happening) -> None:
        self.keep(happening)

    def page(
        self, chain_id: ChainId | None, wanted: EntryFilter, *, limit: int, after: str | None
    ) -> tuple[list[AuditEntry], str | None]:
        before = id_of(after) if after is not None else UUID(int=2**128 - 1)
        found = [entry for entry in self.entries.values() if entry.id < before and _matches(entry, chain_id, wanted)]
        newest = sorted(found, key=lambda entry: entry.id, reverse=True)
        page = [with_personal(entry, self.personal) for entry in newest[:limit]]
        return page, str(page[-1].id) if len(newest) > limit else None

    def following(
        self, chain_id: ChainId | None, wanted: EntryFilter, *, after: EntryId | None, limit: int
    ) -> list[AuditEntry]:
        after = after or EntryId(UUID(int=0))
        found = [entry for entry in self.entries.values() if entry.id > after and _matches(entry, chain_id, wanted)]
        oldest = sorted(found, key=lambda entry: entry.id)
        return [with_personal(entry, self.personal) for entry in oldest[:limit]]

    def erase(self, account_id: AccountId, *, limit: int) -> int:
        owned = sorted(key for key in self.personal if key[0] == account_id)[:limit]
        for key in owned:
            del self.personal[key]
        return len(owned)

    def erase_later(self, account_id: AccountId, *, at: datetime) -> None:
        self.erasures[account_id] = at

    def erase_due(self, *, before: datetime, limit: int) -> int:
        removed = 0
        for account_id in sorted(
            (id for id in self.erasures if self.erasures[id] < before), key=self.erasures.__getitem__
        ):
            removed += self.erase(account_id, limit=limit - removed)
            if removed == limit:
                break
            del self.erasures[account_id]
            removed += 1
        return removed


@dataclass(frozen=True, slots=True)
class MemoryChains(Chains):
    entries: dict[EntryKey, AuditEntry]
    personal: dict[PersonalKey, Personal]
    seals: dict[SealKey, Seal]
    chains: dict[ChainId, Chain]

    def unsealed(self, *, limit: int) -> list[AuditEntry]:
        waiting = (entry for entry in self.entries.values() if entry.position is None)
        return sorted(waiting, key=lambda entry: (entry.chain_id, entry.id))[:limit]

    def backlog(self) -> Backlog:
        return Backlog.of(entry.at for entry in self.entries.values() if entry.position is None)

    def get(self, ids: Collection[ChainId]) -> Mapping[ChainId, Chain]:
        return {id: self.chains[id] for id in ids if id in self.chains}

    def append(self, seals: Sequence[Seal], chains: Iterable[Chain]) -> None:
        for seal in seals:
            self.seals[seal.chain_id, seal.position] = seal
            key = seal.chain_id, seal.entry_id
            self.entries[key] = replace(self.entries[key], position=seal.position)
        for chain in chains:
            begun = self.chains.get(chain.id, chain)
            self.chains[chain.id] = replace(begun, position=chain.position, mac=chain.mac)

    def all(self) -> Iterator[Chain]:
        return iter([self.chains[id] for id in sorted(self.chains)])

    def links(self, id: ChainId, *, after: int, limit: int) -> list[tuple[Seal, AuditEntry | None]]:
        following = sorted(key for key in self.seals if key[0] == id and key[1] > after)[:limit]
        seals = [self.seals[key] for key in following]
        found = [(seal, self.entries.get((id, seal.entry_id))) for seal in seals]
        return [(seal, with_personal(entry, self.personal) if entry else None) for seal, entry in found]

    def aged(self, *, before: datetime, after: EntryId | None, limit: int) -> list[Link]:
        old = (entry for entry in self.entries.values() if entry.id < earliest_id(before))
        following = (entry for entry in old if after is None or entry.id > after)
        found = sorted((entry for entry in following if entry.position), key=lambda entry: entry.id)[:limit]
        return [(self.seals[entry.chain_id, entry.position or 0], entry) for entry in found]

    def lock(self, ids: Collection[ChainId]) -> Mapping[ChainId, Chain]:
        return self.get(ids)

    def shorten(self, chains: Iterable[Chain], gone: Sequence[Link]) -> None:
        for seal, entry in gone:
            del self.seals[seal.chain_id, seal.position]
            del self.entries[entry.chain_id, entry.id]
            self.personal.pop((entry.personal_of, entry.id), None)
        for chain in chains:
            self.chains[chain.id] = chain

    def unproved(self, id: ChainId, *, limit: int) -> list[int]:
        claims = (entry for entry in self.entries.values() if entry.chain_id == id and entry.position is not None)
        return sorted(entry.position or 0 for entry in claims if not self._is_sealed(entry))[:limit]

    def headless(self, *, limit: int) -> list[ChainId]:
        begun = {key[0] for key in self.seals} | {key[0] for key, entry in self.entries.items() if entry.position}
        return sorted(begun - self.chains.keys())[:limit]

    def _is_sealed(self, entry: AuditEntry) -> bool:
        seal = self.seals.get((entry.chain_id, entry.position or 0))
        return seal is not None and seal.entry_id == entry.id


def with_personal(entry: AuditEntry, personal: Mapping[PersonalKey, Personal]) -> AuditEntry:
    return replace(entry, personal=personal.get((entry.personal_of, entry.id)) if entry.personal_digest else None)


def _matches(entry: AuditEntry, chain_id: ChainId | None, wanted: EntryFilter) -> bool:
    return (
        chain_id in (None, entry.chain_id)
        and wanted.actor_id in (None, entry.actor_id)
        and wanted.action in (None, entry.action)
        and wanted.target_id in (None, entry.target_id)
        and (wanted.since is None or entry.at >= wanted.since)
        and (wanted.until is None or entry.at < wanted.until)
    )
