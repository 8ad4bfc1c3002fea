from datetime import datetime
from typing import Protocol

from domain.email_codes import EmailCode
from domain.kernel import AddressDigest, EmailCodeId


class EmailCodes(Protocol):
    def add(self, code: EmailCode) -> None: ...

    def find(self, digest: AddressDigest, id: EmailCodeId, *, at: datetime) -> EmailCode | None:
        """None if it is unknown, used or expired."""

    def spend_try(self, digest: AddressDigest, id: EmailCodeId, *, most: int, at: datetime) -> EmailCode | None:
        """Count one try and return the code; None if it is unknown, expired or has had `most` tries already."""

    def take(self, digest: AddressDigest, id: EmailCodeId) -> bool:
        """Remove it. False if it was gone: of any number of callers one gets it."""

    def void(self, digest: AddressDigest) -> None:
        """Remove all of the address."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
