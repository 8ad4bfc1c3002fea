from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel import AccountId
from domain.trusted_devices import TrustedDevice


class TrustedDevices(Protocol):
    def put(self, device: TrustedDevice) -> None:
        """It takes the place of an earlier trust in the same device."""

    def find(self, account_id: AccountId, id: UUID) -> TrustedDevice | None: ...

    def all(self, account_id: AccountId, *, at: datetime) -> list[TrustedDevice]:
        """Those that have not expired, newest first, at most 100."""

    def remove(self, account_id: AccountId, id: UUID) -> bool:
        """False if there was none."""

    def remove_all(self, account_id: AccountId) -> None: ...

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
