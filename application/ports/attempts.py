from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.attempts import AttemptCounter, Bucket
from domain.kernel import AddressDigest


class Attempts(Protocol):
    def lock(self, digest: AddressDigest, buckets: Sequence[Bucket], *, at: datetime) -> list[AttemptCounter]:
        """The counters of these buckets, fresh ones where there were none; until the end of the transaction
        nobody else may lock them. Always the same statements."""

    def save(self, counters: Sequence[AttemptCounter]) -> None:
        """Write counters that were locked in this transaction."""

    def forget(self, digest: AddressDigest) -> None:
        """Remove all counters of the address."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that no longer count; return how many."""
