"""Guessing is slowed down, address by address (ASVS 6.3.1), without letting a stranger lock the owner out."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from domain.kernel import AccountId, AddressDigest, SessionId, TooMany


class TooManyAttempts(TooMany):
    """Too many passwords were tried on the address: wait as long as `Retry-After` says, or reset the password."""

    code = "too_many_attempts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPolicy:
    failures_by_network: int = 5
    failures_by_device: int = 10
    failures_a_day: int = 100
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(minutes=15)
    memory: timedelta = timedelta(days=1)
    """How long a failure counts after the last one."""


class Bucket(str):
    """What attempts are counted by. Where an attempt comes from decides which buckets it falls into."""

    __slots__ = ()

    @classmethod
    def network(cls, network: str) -> Self:
        return cls(f"network {network}")

    @classmethod
    def device(cls, device_id: UUID) -> Self:
        return cls(f"device {device_id}")

    @classmethod
    def session(cls, session_id: SessionId) -> Self:
        return cls(f"session {session_id}")

    @classmethod
    def all_networks(cls) -> Self:
        return cls("all networks")

    @property
    def is_all_networks(self) -> bool:
        return self == "all networks"

    @property
    def is_device(self) -> bool:
        return self.startswith("device ")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCounter:
    """How many attempts on an address failed, in one bucket. An attempt counts as failed until it succeeds."""

    address_digest: AddressDigest
    bucket: Bucket
    failures: int = 0
    since: datetime
    """When the oldest failure that counts was made."""
    blocked_until: datetime
    """`since` where nobody must wait: attempts that overlap are not always counted in the order of their times."""
    expires_at: datetime

    @classmethod
    def fresh(cls, address_digest: AddressDigest, bucket: Bucket, *, at: datetime) -> Self:
        return cls(address_digest=address_digest, bucket=bucket, since=at, blocked_until=at, expires_at=at)

    def is_blocked(self, at: datetime) -> bool:
        return self.since < self.blocked_until and at < self.blocked_until

    def count(self, *, policy: AttemptPolicy, at: datetime) -> Self:
        """One attempt more. Raise TooManyAttempts while it must wait; a refused attempt extends nothing."""
        if at >= self.expires_at:
            self = replace(self, failures=0, since=at, blocked_until=at)
        if self.is_blocked(at):
            wait = self.blocked_until - at
            raise TooManyAttempts(
                "Too many attempts to sign in. Wait a little, or reset the password.",
                retry_after=-(-wait // timedelta(seconds=1)),
            )
        failures = self.failures + 1
        if self.bucket.is_all_networks:
            expires_at = self.since + policy.memory
            blocked_until = expires_at if failures >= policy.failures_a_day else self.since
        else:
            free = policy.failures_by_device if self.bucket.is_device else policy.failures_by_network
            expires_at = at + policy.memory
            blocked_until = at + _delay(failures - free, policy) if failures >= free else self.since
        return replace(self, failures=failures, blocked_until=blocked_until, expires_at=expires_at)

    def take_back(self) -> Self:
        """The attempt succeeded: it is as if it had not been counted."""
        return replace(self, failures=max(0, self.failures - 1), blocked_until=self.since)


def _delay(over: int, policy: AttemptPolicy) -> timedelta:
    doublings = min(over, 32)  # far past the longest delay, and small enough to multiply by
    return min(policy.longest_delay, policy.first_delay * (1 << doublings))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceToken:
    """Shows that its bearer signed in from this device before; void once the credentials have changed since."""

    account_id: AccountId
    device_id: UUID
    credentials_epoch: int
    expires_at: datetime

    def pack(self) -> bytes:
        expires = int(self.expires_at.timestamp())
        return self.account_id.bytes + self.device_id.bytes + self.credentials_epoch.to_bytes(8) + expires.to_bytes(8)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        return cls(
            account_id=AccountId(UUID(bytes=packed[:16])),
            device_id=UUID(bytes=packed[16:32]),
            credentials_epoch=int.from_bytes(packed[32:40]),
            expires_at=datetime.fromtimestamp(int.from_bytes(packed[40:]), tz=UTC),
        )
