from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    String,
    and_,
    bindparam,
    delete,
    exists,
    select,
    true,
    tuple_,
    union,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.audit import AuditEntryRow, AuditPersonalRow, to_entry, with_personal
from adapters.sql.model import Model
from adapters.sql.statements import backlog, insert_all, placed, put_all
from application.ports.audit import Chains, Link
from application.ports.backlog import Backlog
from domain.audit import AuditEntry, Chain, ChainId, EntryId, Seal, earliest_id

_PAGE = 500
_UNKNOWN = EntryId(UUID(int=0))
_MAC = 100


class AuditSealRow(Model):
    __tablename__ = "audit_seals"

    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[UUID]
    mac: Mapped[str] = mapped_column(String(_MAC))


class AuditChainRow(Model):
    """Where each chain ends, which the sequencer alone writes; and where what is kept of it begins, which retention
    does."""

    __tablename__ = "audit_chains"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[str] = mapped_column(String(_MAC))
    checkpoint: Mapped[int] = mapped_column(BigInteger)
    checkpoint_mac: Mapped[str] = mapped_column(String(_MAC))
    checkpoint_proof: Mapped[str] = mapped_column(String(_MAC))


def to_row(chain: Chain) -> dict[str, Any]:
    return {
        "id": chain.id,
        "position": chain.position,
        "mac": chain.mac,
        "checkpoint": chain.checkpoint,
        "checkpoint_mac": chain.checkpoint_mac,
        "checkpoint_proof": chain.checkpoint_proof,
    }


def to_chain(row: Sequence[Any]) -> Chain:
    """`row` holds the columns of AuditChainRow in their order."""
    id, position, mac, checkpoint, checkpoint_mac, checkpoint_proof = row
    return Chain(
        id=id,
        position=position,
        mac=mac,
        checkpoint=checkpoint,
        checkpoint_mac=checkpoint_mac,
        checkpoint_proof=checkpoint_proof,
    )


def to_seal(row: Sequence[Any]) -> Seal:
    """`row` holds the columns of AuditSealRow in their order."""
    chain_id, position, entry_id, mac = row
    return Seal(chain_id=chain_id, position=position, entry_id=entry_id, mac=mac)


_BEGINNING = (
    update(AuditChainRow)
    .where(AuditChainRow.id == bindparam("chain_id"))
    .values(
        checkpoint=bindparam("place"), checkpoint_mac=bindparam("place_mac"), checkpoint_proof=bindparam("place_proof")
    )
)


@dataclass(frozen=True, slots=True)
class SqlChains(Chains):
    connection: Connection

    def unsealed(self, *, limit: int) -> list[AuditEntry]:
        waiting = select(AuditEntryRow.__table__).where(AuditEntryRow.position.is_(None))
        in_order = waiting.order_by(AuditEntryRow.chain_id, AuditEntryRow.id).limit(limit)
        return [to_entry(row) for row in self.connection.execute(in_order)]

    def backlog(self) -> Backlog:
        return backlog(self.connection, AuditEntryRow.position.is_(None), since=AuditEntryRow.at)

    def get(self, ids: Collection[ChainId]) -> Mapping[ChainId, Chain]:
        found = self.connection.execute(select(AuditChainRow.__table__).where(AuditChainRow.id.in_(ids)))
        return {chain.id: chain for chain in map(to_chain, found)}

    def append(self, seals: Sequence[Seal], chains: Iterable[Chain]) -> None:
        if not seals:
            return
        rows = [
            {"chain_id": seal.chain_id, "position": seal.position, "entry_id": seal.entry_id, "mac": seal.mac}
            for seal in seals
        ]
        insert_all(self.connection, (AuditSealRow, rows))
        places = {(seal.chain_id, seal.entry_id): seal.position for seal in seals}
        placed(self.connection, AuditEntryRow, places)
        ends = [to_row(chain) for chain in chains]
        put_all(self.connection, AuditChainRow, ends, AuditChainRow.position, AuditChainRow.mac)

    def all(self) -> Iterator[Chain]:
        last: UUID | None = None
        while True:
            page = select(AuditChainRow.__table__).order_by(AuditChainRow.id).limit(_PAGE)
            rows = self.connection.execute(page if last is None else page.where(AuditChainRow.id > last)).all()
            yield from map(to_chain, rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1].id

    def links(self, id: ChainId, *, after: int, limit: int) -> list[tuple[Seal, AuditEntry | None]]:
        while limit:
            # A row that says what no entry can say fails as it is fetched, and all that are fetched with it.
            with suppress(ValueError, TypeError):
                return self._links(id, after, limit)
            limit //= 2
        following = select(AuditSealRow.position, AuditSealRow.mac).where(
            AuditSealRow.chain_id == id, AuditSealRow.position > after
        )
        position, mac = self.connection.execute(following.order_by(AuditSealRow.position).limit(1)).one()
        return [(Seal(chain_id=id, position=position, entry_id=_UNKNOWN, mac=mac), None)]

    def _links(self, id: ChainId, after: int, limit: int) -> list[tuple[Seal, AuditEntry | None]]:
        is_its = and_(AuditEntryRow.chain_id == AuditSealRow.chain_id, AuditEntryRow.id == AuditSealRow.entry_id)
        joined = select(AuditSealRow.__table__, AuditEntryRow.__table__).outerjoin_from(
            AuditSealRow, AuditEntryRow, is_its
        )
        following = joined.where(AuditSealRow.chain_id == id, AuditSealRow.position > after)
        rows = self.connection.execute(following.order_by(AuditSealRow.position).limit(limit)).all()
        seals = [to_seal(row[:4]) for row in rows]
        entries = [to_entry(row[4:]) for row in rows if row[4] is not None]
        by_id = {entry.id: entry for entry in with_personal(self.connection, entries)}
        return [(seal, by_id.get(seal.entry_id)) for seal in seals]

    def aged(self, *, before: datetime, after: EntryId | None, limit: int) -> list[Link]:
        is_its = and_(AuditSealRow.chain_id == AuditEntryRow.chain_id, AuditSealRow.position == AuditEntryRow.position)
        joined = select(AuditSealRow.__table__, AuditEntryRow.__table__).join_from(AuditEntryRow, AuditSealRow, is_its)
        old = joined.where(AuditEntryRow.id < earliest_id(before))
        if after is not None:
            old = old.where(AuditEntryRow.id > after)
        rows = self.connection.execute(old.order_by(AuditEntryRow.id).limit(limit))
        return [(to_seal(row[:4]), to_entry(row[4:])) for row in rows]

    def lock(self, ids: Collection[ChainId]) -> Mapping[ChainId, Chain]:
        chosen = select(AuditChainRow.__table__).where(AuditChainRow.id.in_(ids))
        # In the order in which the sequencer writes them, so that neither waits for the other for ever.
        found = self.connection.execute(chosen.order_by(AuditChainRow.id).with_for_update())
        return {chain.id: chain for chain in map(to_chain, found)}

    def shorten(self, chains: Iterable[Chain], gone: Sequence[Link]) -> None:
        if not gone:
            return
        personal = tuple_(AuditPersonalRow.account_id, AuditPersonalRow.entry_id)
        whose = [(entry.personal_of, entry.id) for _, entry in gone if entry.personal_digest]
        self.connection.execute(delete(AuditPersonalRow).where(personal.in_(whose)))
        entries = tuple_(AuditEntryRow.chain_id, AuditEntryRow.id)
        self.connection.execute(delete(AuditEntryRow).where(entries.in_([(e.chain_id, e.id) for _, e in gone])))
        seals = tuple_(AuditSealRow.chain_id, AuditSealRow.position)
        self.connection.execute(delete(AuditSealRow).where(seals.in_([(s.chain_id, s.position) for s, _ in gone])))
        beginnings = [
            {
                "chain_id": chain.id,
                "place": chain.checkpoint,
                "place_mac": chain.checkpoint_mac,
                "place_proof": chain.checkpoint_proof,
            }
            for chain in chains
        ]
        self.connection.execute(_BEGINNING.execution_options(synchronize_session=False), beginnings)

    def unproved(self, id: ChainId, *, limit: int) -> list[int]:
        is_its = and_(
            AuditSealRow.chain_id == AuditEntryRow.chain_id,
            AuditSealRow.position == AuditEntryRow.position,
            AuditSealRow.entry_id == AuditEntryRow.id,
        )
        claimed = select(AuditEntryRow.position).where(
            AuditEntryRow.chain_id == id, AuditEntryRow.position.is_not(None)
        )
        unproved = claimed.where(~exists().where(is_its)).order_by(AuditEntryRow.position).limit(limit)
        return [position for position in self.connection.execute(unproved).scalars() if position is not None]

    def headless(self, *, limit: int) -> list[ChainId]:
        begun = [
            select(table.chain_id.label("id")).where(has_begun, ~exists().where(AuditChainRow.id == table.chain_id))
            for table, has_begun in ((AuditSealRow, true()), (AuditEntryRow, AuditEntryRow.position.is_not(None)))
        ]
        every = union(*begun).subquery()
        found = self.connection.execute(select(every.c.id).order_by(every.c.id).limit(limit))
        return [ChainId(id) for id in found.scalars()]
