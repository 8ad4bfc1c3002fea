from datetime import datetime
from typing import Protocol

from domain.claims import Claim
from domain.kernel import AddressDigest, ClaimId


class Claims(Protocol):
    def add(self, claim: Claim) -> None: ...

    def find(self, digest: AddressDigest, id: ClaimId) -> Claim | None: ...

    def newest(self, digest: AddressDigest, *, at: datetime) -> Claim | None:
        """The newest that has not expired."""

    def spend_try(self, digest: AddressDigest, id: ClaimId, *, most: int, at: datetime) -> Claim | None:
        """Count one try and return the claim; None if it is unknown, expired or has had `most` tries already."""

    def take(self, digest: AddressDigest, id: ClaimId) -> bool:
        """Remove it, together with the address's other claims. False, and nothing removed, if it was gone."""

    def void(self, digest: AddressDigest) -> None:
        """Remove all of the address."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
