from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, String, and_, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.audit import AuditEntryRow, to_entry, with_personal
from adapters.sql.model import Model
from adapters.sql.statements import backlog, placed, put
from application.ports.audit import Chains
from application.ports.backlog import Backlog
from domain.audit import AuditEntry, Chain, ChainId, Seal

_PAGE = 500
_MAC = 100


class AuditSealRow(Model):
    __tablename__ = "audit_seals"

    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[UUID]
    mac: Mapped[str] = mapped_column(String(_MAC))


class AuditChainRow(Model):
    """Where each chain ends. Written by the sequencer alone."""

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
        self.connection.execute(insert(AuditSealRow), rows)
        places = {(seal.chain_id, seal.entry_id): seal.position for seal in seals}
        placed(self.connection, AuditEntryRow, places)
        for chain in chains:
            put(self.connection, AuditChainRow, to_row(chain))

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
        is_its = and_(AuditEntryRow.chain_id == AuditSealRow.chain_id, AuditEntryRow.id == AuditSealRow.entry_id)
        joined = select(AuditSealRow.__table__, AuditEntryRow.__table__).outerjoin_from(
            AuditSealRow, AuditEntryRow, is_its
        )
        following = joined.where(AuditSealRow.chain_id == id, AuditSealRow.position > after)
        rows = self.connection.execute(following.order_by(AuditSealRow.position).limit(limit)).all()
        seals = [Seal(chain_id=row[0], position=row[1], entry_id=row[2], mac=row[3]) for row in rows]
        entries = [to_entry(row[4:]) for row in rows if row[4] is not None]
        by_id = {entry.id: entry for entry in with_personal(self.connection, entries)}
        return [(seal, by_id.get(seal.entry_id)) for seal in seals]
