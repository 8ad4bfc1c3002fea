"""What is held about an account, for its owner to read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from application.ports.environment import Clock
from application.ports.outbox import OutboxEvent
from application.ports.unit_of_work import Begin
from application.remembering import remember
from domain.access import Principal
from domain.accounts import Account
from domain.api_keys import ApiKey
from domain.audit import Happening
from domain.email_changes import EmailChange
from domain.invitations import Invitation
from domain.mail import QueuedMail
from domain.memberships import Membership
from domain.passkeys import Passkey
from domain.second_factors import SecondFactors
from domain.sessions import Session
from domain.trusted_devices import TrustedDevice

_MOST_EVENTS = 10_000
_MOST_INVITATIONS = 1_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExport:
    """Everything that is held about an account."""

    account: Account
    sessions: list[Session]
    memberships: list[Membership]
    api_keys: list[ApiKey]
    invitations: list[Invitation]
    email_change: EmailChange | None
    second_factors: SecondFactors | None
    passkeys: list[Passkey]
    trusted_devices: list[TrustedDevice]
    mail: list[QueuedMail]
    events: list[OutboxEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAccount:
    """The owner reads everything that is held about the account (GDPR articles 15 and 20).

    Of the events the newest 10,000. What anybody may cause at the address (claims, resets, counted attempts) is not
    the account's, and is gone within a day.
    """

    unit_of_work: Begin
    autocommit: Begin
    clock: Clock

    def __call__(self, *, principal: Principal) -> AccountExport:
        account, now = principal.account, self.clock.now()
        # First: who takes a copy of everything is seen, even if the answer is lost on its way.
        look = Happening(action="export_account", at=now, about=account.id, target_id=account.id)
        remember(self.unit_of_work, look)
        with self.autocommit() as database:
            return AccountExport(
                account=account,
                sessions=_all(lambda after: database.sessions.page(account.id, limit=100, after=after, at=now)),
                memberships=_all(
                    lambda after: database.memberships.page_of_account(account.id, limit=100, after=after)
                ),
                api_keys=_all(lambda after: database.api_keys.page(account.id, None, limit=100, after=after)),
                invitations=database.invitations.of_address(account.email.digest, limit=_MOST_INVITATIONS, at=now)
                if account.email_verified_at
                else [],
                email_change=database.email_changes.find(account.id, at=now),
                second_factors=database.second_factors.find(account.id),
                passkeys=database.passkeys.all(account.id),
                trusted_devices=database.trusted_devices.all(account.id, at=now),
                mail=database.mail.of_address(account.email),
                events=database.outbox.of_owner(account.id, limit=_MOST_EVENTS),
            )


def _all(page: Callable[[str | None], tuple[list[T], str | None]]) -> list[T]:
    items, after = page(None)
    while after is not None:
        more, after = page(after)
        items += more
    return items
