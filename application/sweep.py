"""Removing what is over, in small batches, so that no table grows with time alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.organizations import RemoveDeletedOrganizations
from application.ports.environment import Clock
from application.ports.unit_of_work import Begin, UnitOfWork
from application.signing_keys import RevokeRetired
from domain.webhooks import WebhookPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many rows of one kind a batch removed."""

    kind: str
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is over is removed: claims, one-time tokens, attempt counters, sessions, invitations, keys, deliveries, sent
    mail, and what deleted organizations left."""

    unit_of_work: Begin
    revoke_retired: RevokeRetired
    remove_deleted_organizations: RemoveDeletedOrganizations
    keep_sent_mail: timedelta
    webhook_policy: WebhookPolicy
    clock: Clock
    batch: int = 500

    def __call__(self) -> Iterator[Swept]:
        """Yield after each batch, so that a person can watch; each batch is a transaction of its own."""
        yield Swept(kind="retired keys", removed=self.revoke_retired())
        while removed := self.remove_deleted_organizations():
            yield Swept(kind="deleted organizations", removed=removed)
        now = self.clock.now()
        for kind, remove in self._removals(now):
            removed = self.batch
            while removed == self.batch:
                with self.unit_of_work() as uow:
                    removed = remove(uow)
                yield Swept(kind=kind, removed=removed)

    def _removals(self, now: datetime) -> Iterator[tuple[str, Callable[[UnitOfWork], int]]]:
        batch = self.batch
        yield "claims", lambda uow: uow.claims.sweep(at=now, limit=batch)
        yield "password resets", lambda uow: uow.password_resets.sweep(at=now, limit=batch)
        yield "address changes", lambda uow: uow.email_changes.sweep(at=now, limit=batch)
        yield "attempt counters", lambda uow: uow.attempts.sweep(at=now, limit=batch)
        yield "sessions", lambda uow: uow.sessions.sweep(at=now, limit=batch)
        yield "invitations", lambda uow: uow.invitations.sweep(at=now, limit=batch)
        yield "challenges", lambda uow: uow.challenges.sweep(at=now, limit=batch)
        yield "codes by mail", lambda uow: uow.email_codes.sweep(at=now, limit=batch)
        yield "trusted devices", lambda uow: uow.trusted_devices.sweep(at=now, limit=batch)
        yield "API keys", lambda uow: uow.api_keys.sweep(at=now, limit=batch)
        kept = self.webhook_policy.kept
        yield "deliveries", lambda uow: uow.deliveries.sweep(before=now - kept, limit=batch)
        yield "sent mail", lambda uow: uow.mail.sweep(before=now - self.keep_sent_mail, limit=batch)
