from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from application.ports.backlog import Backlog
from domain.accounts import EmailAddress
from domain.mail import MailKind, MailPolicy, QueuedMail


class MailQueue(Protocol):
    def put(self, mail: QueuedMail) -> None:
        """Queue a notice."""

    def request(
        self, kind: MailKind, to: EmailAddress, *, ids: Mapping[str, str], policy: MailPolicy, at: datetime
    ) -> QueuedMail:
        """Queue a capped mail: the first of its slot, or `QueuedMail.requested_again`. Always the same statements."""

    def lease(self, *, limit: int, lease: timedelta, at: datetime) -> list[QueuedMail]:
        """At most `limit` mails that are due, each given to one caller only, until the lease is over."""

    def settle(self, mail: QueuedMail) -> None:
        """Save what became of a leased mail. Raise Stale if it was requested again, or leased by another, meanwhile."""

    def of_address(self, email: EmailAddress) -> list[QueuedMail]:
        """What is kept about mail to that address, newest first, at most 100."""

    def backlog(self) -> Backlog:
        """How many are to go, and when the first is due."""

    def sweep(self, *, before: datetime, limit: int) -> int:
        """Remove at most `limit` that went before that time; return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """A mail that is about to go: `template` names its text, `values` fill it."""

    to: EmailAddress
    template: str
    values: Mapping[str, str] = field(repr=False)


class Mailer(Protocol):
    def send(self, mail: OutgoingMail) -> None:
        """Return once it is handed over. Raise MailNotSent otherwise."""

    def check(self) -> None:
        """See whether mail would be taken, without sending any. Raise MailNotSent otherwise."""


class MailNotSent(Exception):
    """It was not handed over; trying again may help. Its text holds neither the mail's content nor a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """A mail as its reader sees it. `token` is what it asks the reader to use, if anything."""

    to: EmailAddress
    subject: str
    text: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    at: datetime


class Mailbox(Protocol):
    """What a mailer of the development keeps instead of sending it."""

    def newest(self) -> list[SentMail]:
        """The newest mails, newest first."""
