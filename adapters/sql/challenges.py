from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import swept
from application.ports.challenges import Challenges
from domain.challenges import Challenge, ChallengeKind
from domain.kernel import AccountId, ChallengeId


class ChallengeRow(Model):
    """It lies with its owner, which need not be an account: so no foreign key can say which."""

    __tablename__ = "challenges"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    account_id: Mapped[UUID | None]
    random: Mapped[bytes] = mapped_column(LargeBinary)
    amr: Mapped[str] = mapped_column(String(100))
    credentials_epoch: Mapped[int]
    device_id: Mapped[UUID | None]
    tries: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def to_row(challenge: Challenge) -> dict[str, Any]:
    return {
        "owner_id": challenge.owner_id,
        "id": challenge.id,
        "kind": challenge.kind.value,
        "account_id": challenge.account_id,
        "random": challenge.random,
        "amr": " ".join(challenge.amr),
        "credentials_epoch": challenge.credentials_epoch,
        "device_id": challenge.device_id,
        "tries": challenge.tries,
        "expires_at": challenge.expires_at,
    }


def to_challenge(row: Sequence[Any]) -> Challenge:
    """`row` holds the columns of ChallengeRow in their order."""
    owner_id, id, kind, account_id, random, amr, credentials_epoch, device_id, tries, expires_at = row
    return Challenge(
        owner_id=owner_id,
        id=id,
        kind=ChallengeKind(kind),
        account_id=account_id,
        random=random,
        amr=tuple(amr.split()),
        credentials_epoch=credentials_epoch,
        device_id=device_id,
        tries=tries,
        expires_at=expires_at,
    )


@dataclass(frozen=True, slots=True)
class SqlChallenges(Challenges):
    connection: Connection

    def add(self, challenge: Challenge) -> None:
        self.connection.execute(insert(ChallengeRow), to_row(challenge))

    def spend_try(self, owner_id: UUID, id: ChallengeId, *, most: int, at: datetime) -> Challenge | None:
        spent = (
            update(ChallengeRow)
            .where(
                ChallengeRow.owner_id == owner_id,
                ChallengeRow.id == id,
                ChallengeRow.expires_at > at,
                ChallengeRow.tries < most,
            )
            .values(tries=ChallengeRow.tries + 1)
            .returning(ChallengeRow.__table__)
        )
        row = self.connection.execute(spent).first()
        return to_challenge(row) if row else None

    def holds(self, owner_id: UUID, id: ChallengeId) -> bool:
        found = select(ChallengeRow.id).where(ChallengeRow.owner_id == owner_id, ChallengeRow.id == id)
        return self.connection.scalar(found) is not None

    def take(self, owner_id: UUID, id: ChallengeId) -> bool:
        taken = delete(ChallengeRow).where(ChallengeRow.owner_id == owner_id, ChallengeRow.id == id)
        return self.connection.execute(taken).rowcount == 1

    def void(self, account_id: AccountId) -> None:
        self.connection.execute(delete(ChallengeRow).where(ChallengeRow.owner_id == account_id))

    def sweep(self, *, at: datetime, limit: int) -> int:
        over = ChallengeRow.expires_at <= at
        return swept(self.connection, ChallengeRow, over, oldest=ChallengeRow.expires_at, limit=limit)
