from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.memory.rows import sweep
from application.ports.attempts import Attempts
from domain.attempts import AttemptCounter, Bucket
from domain.kernel import AddressDigest

CounterKey = tuple[AddressDigest, Bucket]


@dataclass(frozen=True, slots=True)
class MemoryAttempts(Attempts):
    rows: dict[CounterKey, AttemptCounter]

    def lock(self, digest: AddressDigest, buckets: Sequence[Bucket], *, at: datetime) -> list[AttemptCounter]:
        return [
            self.rows.setdefault((digest, bucket), AttemptCounter.fresh(digest, bucket, at=at)) for bucket in buckets
        ]

    def save(self, counters: Sequence[AttemptCounter]) -> None:
        for counter in counters:
            self.rows[counter.address_digest, counter.bucket] = counter

    def forget(self, digest: AddressDigest) -> None:
        for key in [key for key in self.rows if key[0] == digest]:
            del self.rows[key]

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda counter: counter.expires_at <= at, limit=limit)
