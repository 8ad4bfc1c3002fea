from dataclasses import dataclass
from datetime import datetime

from adapters.memory.rows import sweep
from application.ports.password_resets import PasswordResets
from domain.kernel import AddressDigest, PasswordResetId
from domain.passwords import PasswordReset

ResetKey = tuple[AddressDigest, PasswordResetId]


@dataclass(frozen=True, slots=True)
class MemoryPasswordResets(PasswordResets):
    rows: dict[ResetKey, PasswordReset]

    def add(self, reset: PasswordReset) -> None:
        self.rows[reset.email.digest, reset.id] = reset

    def find(self, digest: AddressDigest, id: PasswordResetId, *, at: datetime) -> PasswordReset | None:
        reset = self.rows.get((digest, id))
        return reset if reset and at < reset.expires_at else None

    def take(self, digest: AddressDigest, id: PasswordResetId, *, at: datetime) -> PasswordReset | None:
        reset = self.find(digest, id, at=at)
        if reset:
            del self.rows[digest, id]
        return reset

    def void(self, digest: AddressDigest) -> None:
        for key in [key for key in self.rows if key[0] == digest]:
            del self.rows[key]

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda reset: reset.expires_at <= at, limit=limit)
