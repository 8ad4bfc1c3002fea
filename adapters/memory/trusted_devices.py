from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapters.memory.rows import sweep
from application.ports.trusted_devices import TrustedDevices
from domain.kernel import AccountId
from domain.trusted_devices import TrustedDevice

TrustedDeviceKey = tuple[AccountId, UUID]
_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class MemoryTrustedDevices(TrustedDevices):
    rows: dict[TrustedDeviceKey, TrustedDevice]

    def put(self, device: TrustedDevice) -> None:
        self.rows[device.account_id, device.id] = device

    def find(self, account_id: AccountId, id: UUID) -> TrustedDevice | None:
        return self.rows.get((account_id, id))

    def all(self, account_id: AccountId, *, at: datetime) -> list[TrustedDevice]:
        owned = (device for key, device in self.rows.items() if key[0] == account_id and at < device.expires_at)
        return sorted(owned, key=lambda device: (device.created_at, device.id), reverse=True)[:_MOST_LISTED]

    def remove(self, account_id: AccountId, id: UUID) -> bool:
        return self.rows.pop((account_id, id), None) is not None

    def remove_all(self, account_id: AccountId) -> None:
        for key in [key for key in self.rows if key[0] == account_id]:
            del self.rows[key]

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda device: device.expires_at <= at, limit=limit)
