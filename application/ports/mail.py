from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.accounts import EmailAddress
from domain.kernel import AccountId
from domain.mail import MailKind, MailPolicy, QueuedMail


class MailQueue(Protocol):
    def put(self, mail: QueuedMail) -> None:
        """Queue a notice."""

    def request(
        self, kind: MailKind, to: EmailAddress, *, ids: Mapping[str, str], policy: MailPolicy, at: datetime
    ) -> None:
        """Queue a capped mail: the first of its slot, or `QueuedMail.requested_again`. Always the same statements."""

    def lease(self, *, limit: int, lease: timedelta, at: datetime) -> list[QueuedMail]:
        """At most `limit` mails that are due, each given to one caller only, until the lease is over."""

    def settle(self, mail: QueuedMail) -> None:
        """Save what became of a leased mail. Raise Stale if it was requested again, or leased by another, meanwhile."""

    def of_account(self, account_id: AccountId, email: EmailAddress) -> list[QueuedMail]:
        """What waits for the account's address, at most 100."""

    def sweep(self, *, before: datetime, limit: int) -> int:
        """Remove at most `limit` that went before that time; return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """A mail that is about to go: `template` names its text, `values` fill it."""

    to: EmailAddress
    template: str
    values: Mapping[str, str]


class Mailer(Protocol):
    def send(self, mail: OutgoingMail) -> None:
        """Return once it is handed over. Raise MailNotSent otherwise."""


class MailNotSent(Exception):
    """It was not handed over; trying again may help. Its text holds neither the mail's content nor a token."""
