"""Counting attempts to prove a password, before the costly hash is made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from application.ports.unit_of_work import UnitOfWork
from domain.accounts import EmailAddress
from domain.attempts import AttemptPolicy, Bucket, DeviceToken
from domain.kernel import SessionId
from domain.sessions import Client


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt on an address.

    A session and a known device have a bucket to themselves: whatever strangers do elsewhere, the owner gets in, and
    who stole the one does not lock the owner out of the rest.
    """

    email: EmailAddress
    buckets: tuple[Bucket, ...]

    @classmethod
    def by_stranger(cls, email: EmailAddress, client: Client) -> Self:
        return cls(email, (Bucket.all_networks(), Bucket.network(client.network)))

    @classmethod
    def by_device(cls, email: EmailAddress, device: DeviceToken) -> Self:
        return cls(email, (Bucket.device(device.device_id),))

    @classmethod
    def in_session(cls, email: EmailAddress, session_id: SessionId) -> Self:
        return cls(email, (Bucket.session(session_id),))

    def count(self, uow: UnitOfWork, *, policy: AttemptPolicy, at: datetime) -> bool:
        """Return whether the next one must wait, unless this one succeeds.

        Raise TooManyAttempts, and count nothing, while one of its buckets must wait.
        """
        counters = uow.attempts.lock(self.email.digest, self.buckets, at=at)
        counted = [counter.count(policy=policy, at=at) for counter in counters]
        uow.attempts.save(counted)
        return any(counter.is_blocked(at) for counter in counted)

    def take_back(self, uow: UnitOfWork, *, at: datetime) -> None:
        """It succeeded."""
        counters = uow.attempts.lock(self.email.digest, self.buckets, at=at)
        uow.attempts.save([counter.take_back() for counter in counters])
