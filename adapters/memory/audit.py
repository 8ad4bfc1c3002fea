from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from application.ports.audit import AuditTrail, Chains, EntryFilter
from application.ports.backlog import Backlog
from application.ports.pages import id_of
from domain.audit import AuditEntry, Chain, ChainId, EntryId, Happening, Personal, Seal
from domain.kernel import AccountId

EntryKey = tuple[ChainId, EntryId]
PersonalKey = tuple[AccountId, EntryId]
SealKey = tuple[ChainId, int]


@dataclass(frozen=True, slots=True)
class MemoryAuditTrail(AuditTrail):
    entries: dict[EntryKey, AuditEntry]
    personal: dict[PersonalKey, Personal]
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

    def erase(self, account_id: AccountId, *, limit: int) -> int:
        owned = sorted(key for key in self.personal if key[0] == account_id)[:limit]
        for key in owned:
            del self.personal[key]
        return len(owned)


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
            self.chains[chain.id] = chain

    def all(self) -> Iterator[Chain]:
        return iter([self.chains[id] for id in sorted(self.chains)])

    def links(self, id: ChainId, *, after: int, limit: int) -> list[tuple[Seal, AuditEntry | None]]:
        following = sorted(key for key in self.seals if key[0] == id and key[1] > after)[:limit]
        seals = [self.seals[key] for key in following]
        found = [(seal, self.entries.get((id, seal.entry_id))) for seal in seals]
        return [(seal, with_personal(entry, self.personal) if entry else None) for seal, entry in found]


def with_personal(entry: AuditEntry, personal: Mapping[PersonalKey, Personal]) -> AuditEntry:
    return replace(entry, personal=personal.get((entry.personal_of, entry.id)))


def _matches(entry: AuditEntry, chain_id: ChainId | None, wanted: EntryFilter) -> bool:
    return (
        chain_id in (None, entry.chain_id)
        and wanted.actor_id in (None, entry.actor_id)
        and wanted.action in (None, entry.action)
        and wanted.target_id in (None, entry.target_id)
        and (wanted.since is None or entry.at >= wanted.since)
        and (wanted.until is None or entry.at < wanted.until)
    )
