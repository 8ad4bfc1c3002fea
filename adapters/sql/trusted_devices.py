from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.accounts import AccountRow
from adapters.sql.model import Model
from adapters.sql.statements import put, swept
from application.ports.trusted_devices import TrustedDevices
from domain.kernel import AccountId
from domain.trusted_devices import TrustedDevice

_MOST_LISTED = 100


class TrustedDeviceRow(Model):
    __tablename__ = "trusted_devices"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(AccountRow.id), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_agent: Mapped[str] = mapped_column(String(256))
    network: Mapped[str] = mapped_column(String(64))
    credentials_epoch: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def to_row(device: TrustedDevice) -> dict[str, Any]:
    return {
        "account_id": device.account_id,
        "id": device.id,
        "user_agent": device.user_agent,
        "network": device.network,
        "credentials_epoch": device.credentials_epoch,
        "created_at": device.created_at,
        "expires_at": device.expires_at,
    }


def to_device(row: Sequence[Any]) -> TrustedDevice:
    """`row` holds the columns of TrustedDeviceRow in their order."""
    account_id, id, user_agent, network, credentials_epoch, created_at, expires_at = row
    return TrustedDevice(
        account_id=account_id,
        id=id,
        user_agent=user_agent,
        network=network,
        credentials_epoch=credentials_epoch,
        created_at=created_at,
        expires_at=expires_at,
    )


@dataclass(frozen=True, slots=True)
class SqlTrustedDevices(TrustedDevices):
    connection: Connection

    def put(self, device: TrustedDevice) -> None:
        put(self.connection, TrustedDeviceRow, to_row(device))

    def find(self, account_id: AccountId, id: UUID) -> TrustedDevice | None:
        row = self.connection.execute(select(TrustedDeviceRow.__table__).where(*_is(account_id, id))).first()
        return to_device(row) if row else None

    def all(self, account_id: AccountId, *, at: datetime) -> list[TrustedDevice]:
        trusted = select(TrustedDeviceRow.__table__).where(
            TrustedDeviceRow.account_id == account_id, TrustedDeviceRow.expires_at > at
        )
        newest_first = trusted.order_by(TrustedDeviceRow.created_at.desc(), TrustedDeviceRow.id.desc())
        return [to_device(row) for row in self.connection.execute(newest_first.limit(_MOST_LISTED))]

    def remove(self, account_id: AccountId, id: UUID) -> bool:
        return self.connection.execute(delete(TrustedDeviceRow).where(*_is(account_id, id))).rowcount == 1

    def remove_all(self, account_id: AccountId) -> None:
        self.connection.execute(delete(TrustedDeviceRow).where(TrustedDeviceRow.account_id == account_id))

    def sweep(self, *, at: datetime, limit: int) -> int:
        over = TrustedDeviceRow.expires_at <= at
        return swept(self.connection, TrustedDeviceRow, over, oldest=TrustedDeviceRow.expires_at, limit=limit)


def _is(account_id: AccountId, id: UUID) -> tuple[ColumnElement[bool], ...]:
    return TrustedDeviceRow.account_id == account_id, TrustedDeviceRow.id == id
