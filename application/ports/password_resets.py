from datetime import datetime
from typing import Protocol

from domain.kernel import AddressDigest, PasswordResetId
from domain.passwords import PasswordReset


class PasswordResets(Protocol):
    def add(self, reset: PasswordReset) -> None: ...

    def find(self, digest: AddressDigest, id: PasswordResetId, *, at: datetime) -> PasswordReset | None:
        """None if it is unknown, used or expired."""

    def take(self, digest: AddressDigest, id: PasswordResetId, *, at: datetime) -> PasswordReset | None:
        """Like `find`, and remove it: of any number of callers one gets it."""

    def void(self, digest: AddressDigest) -> None:
        """Remove all of the address."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
