from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, bindparam, delete, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import inserted_or_changed, swept, without_key
from application.ports.attempts import Attempts
from domain.attempts import AttemptCounter, Bucket
from domain.kernel import AddressDigest


class AttemptRow(Model):
    __tablename__ = "attempts"

    address_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    bucket: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime]
    blocked_until: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def to_row(counter: AttemptCounter) -> dict[str, Any]:
    return {
        "address_digest": counter.address_digest,
        "bucket": str(counter.bucket),
        "failures": counter.failures,
        "since": counter.since,
        "blocked_until": counter.blocked_until,
        "expires_at": counter.expires_at,
    }


def to_counter(row: Sequence[Any]) -> AttemptCounter:
    """`row` holds the columns of AttemptRow in their order."""
    address_digest, bucket, failures, since, blocked_until, expires_at = row
    return AttemptCounter(
        address_digest=address_digest,
        bucket=Bucket(bucket),
        failures=failures,
        since=since,
        blocked_until=blocked_until,
        expires_at=expires_at,
    )


_CHANGE = update(AttemptRow).where(
    AttemptRow.address_digest == bindparam("of_address"), AttemptRow.bucket == bindparam("of_bucket")
)


@dataclass(frozen=True, slots=True)
class SqlAttempts(Attempts):
    connection: Connection

    def lock(self, digest: AddressDigest, buckets: Sequence[Bucket], *, at: datetime) -> list[AttemptCounter]:
        # In one order, so that two who need the same buckets do not wait for each other.
        unchanged = {"bucket": AttemptRow.bucket}
        counters = {}
        for bucket in sorted(set(buckets)):
            fresh = to_row(AttemptCounter.fresh(digest, bucket, at=at))
            counters[bucket] = to_counter(inserted_or_changed(self.connection, AttemptRow, fresh, unchanged))
        return [counters[bucket] for bucket in buckets]

    def save(self, counters: Sequence[AttemptCounter]) -> None:
        rows = [
            {
                "of_address": counter.address_digest,
                "of_bucket": str(counter.bucket),
                **without_key(AttemptRow, to_row(counter)),
            }
            for counter in counters
        ]
        self.connection.execute(_CHANGE, rows)

    def forget(self, digest: AddressDigest) -> None:
        self.connection.execute(delete(AttemptRow).where(AttemptRow.address_digest == digest))

    def sweep(self, *, at: datetime, limit: int) -> int:
        over = AttemptRow.expires_at <= at
        return swept(self.connection, AttemptRow, over, oldest=AttemptRow.expires_at, limit=limit)
