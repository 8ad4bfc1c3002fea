from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, ForeignKey, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.accounts import AccountRow
from adapters.sql.model import Json, Model
from adapters.sql.statements import inserted_or_changed, one_page, without_key
from application.ports.outbox import Emit
from application.ports.pages import id_of
from application.ports.second_factors import SecondFactorsOf
from domain.kernel import AccountId
from domain.second_factors import PendingTotp, SecondFactors, Totp


class SecondFactorsRow(Model):
    __tablename__ = "second_factors"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(AccountRow.id), primary_key=True)
    totp_sealed: Mapped[str | None] = mapped_column(Text)
    totp_enrolled_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None]
    pending_sealed: Mapped[str | None] = mapped_column(Text)
    pending_expires_at: Mapped[datetime | None]
    recovery_hashes: Mapped[list[str]] = mapped_column(Json)
    failures: Mapped[int]
    locks: Mapped[int]
    locked_until: Mapped[datetime | None]
    version: Mapped[int]


def to_row(factors: SecondFactors) -> dict[str, Any]:
    totp, pending = factors.totp, factors.pending_totp
    return {
        "account_id": factors.account_id,
        "totp_sealed": totp.sealed_secret if totp else None,
        "totp_enrolled_at": totp.enrolled_at if totp else None,
        "totp_last_step": totp.last_step if totp else None,
        "pending_sealed": pending.sealed_secret if pending else None,
        "pending_expires_at": pending.expires_at if pending else None,
        "recovery_hashes": list(factors.recovery_hashes),
        "failures": factors.failures,
        "locks": factors.locks,
        "locked_until": factors.locked_until,
        "version": factors.version,
    }


def to_factors(row: Sequence[Any]) -> SecondFactors:
    """`row` holds the columns of SecondFactorsRow in their order."""
    (
        account_id,
        totp_sealed,
        totp_enrolled_at,
        totp_last_step,
        pending_sealed,
        pending_expires_at,
        recovery_hashes,
        failures,
        locks,
        locked_until,
        version,
    ) = row
    totp = pending_totp = None
    if totp_sealed is not None:
        totp = Totp(sealed_secret=totp_sealed, enrolled_at=totp_enrolled_at, last_step=totp_last_step)
    if pending_sealed is not None:
        pending_totp = PendingTotp(sealed_secret=pending_sealed, expires_at=pending_expires_at)
    return SecondFactors(
        account_id=account_id,
        totp=totp,
        pending_totp=pending_totp,
        recovery_hashes=tuple(recovery_hashes),
        failures=failures,
        locks=locks,
        locked_until=locked_until,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlSecondFactors(SecondFactorsOf):
    connection: Connection
    emit: Emit

    def find(self, account_id: AccountId) -> SecondFactors | None:
        found = select(SecondFactorsRow.__table__).where(SecondFactorsRow.account_id == account_id)
        row = self.connection.execute(found).first()
        return to_factors(row) if row else None

    def page(self, *, limit: int, after: str | None) -> tuple[list[SecondFactors], str | None]:
        everybody = select(SecondFactorsRow.__table__).order_by(SecondFactorsRow.account_id)
        if after is not None:
            everybody = everybody.where(SecondFactorsRow.account_id > id_of(after))
        return one_page(self.connection, everybody, to_factors, lambda it: str(it.account_id), limit=limit)

    def lock(self, account_id: AccountId) -> SecondFactors:
        fresh = to_row(SecondFactors(account_id=account_id))
        unchanged = {"version": SecondFactorsRow.version}
        return to_factors(inserted_or_changed(self.connection, SecondFactorsRow, fresh, unchanged))

    def save(self, factors: SecondFactors) -> None:
        saved = replace(factors, version=factors.version + 1)
        changed = update(SecondFactorsRow).where(SecondFactorsRow.account_id == factors.account_id)
        self.connection.execute(changed.values(without_key(SecondFactorsRow, to_row(saved))))
        self.emit(factors.account_id, factors.id, saved)
