from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import swept
from application.ports.claims import Claims
from application.ports.outbox import Emit
from domain.accounts import EmailAddress
from domain.claims import Claim
from domain.kernel import AddressDigest, ClaimId


class ClaimRow(Model):
    __tablename__ = "claims"

    address_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    display_name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int]


def to_row(claim: Claim) -> dict[str, Any]:
    return {
        "address_digest": claim.email.digest,
        "id": claim.id,
        "email": claim.email.value,
        "display_name": claim.display_name,
        "password_hash": claim.password_hash,
        "created_at": claim.created_at,
        "expires_at": claim.expires_at,
        "tries": claim.tries,
    }


def to_claim(row: Sequence[Any]) -> Claim:
    """`row` holds the columns of ClaimRow in their order."""
    _, id, email, display_name, password_hash, created_at, expires_at, tries = row
    return Claim(
        id=id,
        email=EmailAddress(email),
        display_name=display_name,
        password_hash=password_hash,
        created_at=created_at,
        expires_at=expires_at,
        tries=tries,
    )


@dataclass(frozen=True, slots=True)
class SqlClaims(Claims):
    connection: Connection
    emit: Emit

    def add(self, claim: Claim) -> None:
        self.connection.execute(insert(ClaimRow), to_row(claim))
        self.emit(claim.id, claim.id, claim)

    def find(self, digest: AddressDigest, id: ClaimId) -> Claim | None:
        claim = select(ClaimRow.__table__).where(ClaimRow.address_digest == digest, ClaimRow.id == id)
        row = self.connection.execute(claim).first()
        return to_claim(row) if row else None

    def newest(self, digest: AddressDigest, *, at: datetime) -> Claim | None:
        alive = select(ClaimRow.__table__).where(ClaimRow.address_digest == digest, ClaimRow.expires_at > at)
        row = self.connection.execute(alive.order_by(ClaimRow.id.desc()).limit(1)).first()
        return to_claim(row) if row else None

    def spend_try(self, digest: AddressDigest, id: ClaimId, *, most: int, at: datetime) -> Claim | None:
        spent = (
            update(ClaimRow)
            .where(
                ClaimRow.address_digest == digest,
                ClaimRow.id == id,
                ClaimRow.expires_at > at,
                ClaimRow.tries < most,
            )
            .values(tries=ClaimRow.tries + 1)
            .returning(ClaimRow.__table__)
        )
        row = self.connection.execute(spent).first()
        return to_claim(row) if row else None

    def take(self, digest: AddressDigest, id: ClaimId) -> bool:
        if id not in self._locked(digest):
            return False
        self.connection.execute(delete(ClaimRow).where(ClaimRow.address_digest == digest))
        return True

    def void(self, digest: AddressDigest) -> None:
        self._locked(digest)
        self.connection.execute(delete(ClaimRow).where(ClaimRow.address_digest == digest))

    def _locked(self, digest: AddressDigest) -> Sequence[UUID]:
        # In order, so that two who take different claims of one address do not wait for each other.
        claims = select(ClaimRow.id).where(ClaimRow.address_digest == digest).order_by(ClaimRow.id)
        return self.connection.execute(claims.with_for_update()).scalars().all()

    def sweep(self, *, at: datetime, limit: int) -> int:
        return swept(self.connection, ClaimRow, ClaimRow.expires_at <= at, oldest=ClaimRow.expires_at, limit=limit)
