"""Mail is queued in the transaction of its cause and sent later.

A queued mail says what is to be told to whom, by ids: its token is derived only when it is rendered. What a
stranger can cause is capped by construction: an address has one slot for each such kind, and what comes too soon
merges into what waits there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Self
from uuid import UUID

from domain.accounts import EmailAddress
from domain.kernel import AddressDigest, Aggregate


class MailKind(StrEnum):
    """What a mail is about. The first five can be caused by a stranger and are capped; the others are notices."""

    VERIFICATION = "verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 (a name)
    EMAIL_CHANGE = "email_change"
    INVITATION = "invitation"
    EMAIL_CODE = "email_code"

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a name)
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    REFRESH_REUSED = "refresh_reused"
    ACCOUNT_SUSPENDED = "account_suspended"
    ACCOUNT_REACTIVATED = "account_reactivated"
    ACCOUNT_CLOSED = "account_closed"
    FACTORS_CHANGED = "factors_changed"
    FACTORS_RESET = "factors_reset"
    FACTORS_LOCKED = "factors_locked"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSKEY_CLONED = "passkey_cloned"
    WEBHOOK_DISABLED = "webhook_disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPolicy:
    least_interval: timedelta = timedelta(minutes=1)
    most_an_hour: int = 30
    first_retry: timedelta = timedelta(seconds=15)
    longest_retry: timedelta = timedelta(hours=4)
    most_tries: int = 20
    lease: timedelta = timedelta(minutes=2)


NO_IDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMail(Aggregate):
    """Keyed by (digest of the address, slot): the kind for a capped mail, an id of its own for a notice.

    The row of a capped kind stays when its mail has gone, without the address, to remember when that was.
    """

    address_digest: AddressDigest
    slot: str
    kind: MailKind
    address: EmailAddress | None
    """None once it has gone: what was sent is no longer anybody's data."""
    ids: Mapping[str, str] = field(default_factory=lambda: NO_IDS)
    due_at: datetime | None
    """None when nothing waits. While a relay holds the mail, the time at which another may take over."""
    tries: int = 0
    scheduled_at: datetime
    """When the newest mail of this slot was to go at the earliest."""
    hour_started_at: datetime
    sent_this_hour: int = 1
    last_error: str = field(default="", repr=False)

    @classmethod
    def notice(
        cls, kind: MailKind, to: EmailAddress, *, slot: UUID, ids: Mapping[str, str] = NO_IDS, at: datetime
    ) -> Self:
        return cls._to(to, kind, str(slot), ids, at)

    @classmethod
    def capped(cls, kind: MailKind, to: EmailAddress, *, ids: Mapping[str, str], at: datetime) -> Self:
        """The first of its kind to that address; `requested_again` makes the next."""
        return cls._to(to, kind, kind.value, ids, at)

    @classmethod
    def _to(cls, to: EmailAddress, kind: MailKind, slot: str, ids: Mapping[str, str], at: datetime) -> Self:
        return cls(
            address_digest=to.digest,
            slot=slot,
            kind=kind,
            address=to,
            ids=ids,
            due_at=at,
            scheduled_at=at,
            hour_started_at=at,
        )

    def requested_again(self, to: EmailAddress, *, ids: Mapping[str, str], policy: MailPolicy, at: datetime) -> Self:
        """The newest request takes the place of one that still waits; otherwise it goes as soon as the caps allow."""
        if self.due_at is not None:
            # What failed so far was said about an older request: this one is not to pay for it.
            due_at = min(self.due_at, at + policy.first_retry) if self.tries else self.due_at
            return replace(self, address=to, ids=ids, due_at=due_at, tries=0, last_error="")
        due_at = max(at, self.scheduled_at + policy.least_interval)
        hour_ends_at = self.hour_started_at + timedelta(hours=1)
        if due_at < hour_ends_at and self.sent_this_hour >= policy.most_an_hour:
            due_at = hour_ends_at
        new_hour = due_at >= hour_ends_at
        return replace(
            self,
            address=to,
            ids=ids,
            due_at=due_at,
            tries=0,
            scheduled_at=due_at,
            hour_started_at=due_at if new_hour else self.hour_started_at,
            sent_this_hour=1 if new_hour else self.sent_this_hour + 1,
            last_error="",
        )

    def gone(self) -> Self:
        """It was sent, or there was nothing to say."""
        return replace(self, address=None, ids=NO_IDS, due_at=None, last_error="")

    def failed(self, error: str, *, policy: MailPolicy, at: datetime) -> Self:
        """Try again later, ever less often; give up after the last try and keep the error."""
        tries = self.tries + 1
        if tries >= policy.most_tries:
            return replace(self.gone(), tries=tries, last_error=error)
        wait = min(policy.longest_retry, policy.first_retry * (1 << min(tries - 1, 32)))
        return replace(self, due_at=at + wait, tries=tries, last_error=error)
