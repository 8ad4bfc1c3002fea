"""Counting attempts to prove a password, before the costly hash is made."""

from dataclasses import dataclass
from datetime import datetime

from application.ports.unit_of_work import UnitOfWork
from domain.accounts import EmailAddress
from domain.attempts import AttemptPolicy, Bucket, DeviceToken
from domain.kernel import SessionId
from domain.sessions import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt on an address, from a client, from a device that its owner used before, or in their session."""

    email: EmailAddress
    client: Client
    device: DeviceToken | None = None
    session_id: SessionId | None = None

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        # A session and a known device have a bucket to themselves: whatever strangers do elsewhere, the owner gets in,
        # and who stole the one does not lock the owner out of the rest.
        if self.session_id:
            return (Bucket.session(self.session_id),)
        if self.device:
            return (Bucket.device(self.device.device_id),)
        return (Bucket.all_networks(), Bucket.network(self.client.network))

    def count(self, uow: UnitOfWork, *, policy: AttemptPolicy, at: datetime) -> None:
        """Raise TooManyAttempts, and count nothing, while one of its buckets must wait."""
        counters = uow.attempts.lock(self.email.digest, self.buckets, at=at)
        uow.attempts.save([counter.count(policy=policy, at=at) for counter in counters])

    def take_back(self, uow: UnitOfWork, *, at: datetime) -> None:
        """It succeeded."""
        counters = uow.attempts.lock(self.email.digest, self.buckets, at=at)
        uow.attempts.save([counter.take_back() for counter in counters])
