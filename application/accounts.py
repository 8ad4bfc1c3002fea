"""What the owner of an account may do with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from application.access import lock_owner
from application.memberships import end_memberships_of
from application.notices import notify
from application.passwords import ProvePassword, lock_proved, remove_factors, void_what_was_handed_out
from application.ports.environment import Clock, Ids
from application.ports.outbox import OutboxEvent
from application.ports.unit_of_work import Begin
from domain.access import Principal
from domain.accounts import Account, parse_display_name
from domain.api_keys import ApiKey, EndOfKey
from domain.assurance import AssurancePolicy
from domain.email_changes import EmailChange
from domain.invitations import Invitation
from domain.mail import MailKind, QueuedMail
from domain.memberships import Membership
from domain.passkeys import Passkey
from domain.second_factors import SecondFactors
from domain.sessions import EndReason, Session
from domain.trusted_devices import TrustedDevice

_MOST_EXPORTED = 10_000
_MOST_INVITATIONS = 1_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameAccount:
    """The owner chooses the name that others see."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, principal: Principal, display_name: str) -> Account:
        """Raise InvalidDisplayName."""
        name, now = parse_display_name(display_name), self.clock.now()
        with self.unit_of_work() as uow:
            renamed = lock_owner(uow, principal, at=now).rename(name, at=now)
            uow.accounts.save(renamed)
        return renamed


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount:
    """The owner leaves for good: sessions, memberships and keys end, personal data is erased, the id is never
    given to another."""

    unit_of_work: Begin
    prove: ProvePassword
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, password: str) -> None:
        """Raise StepUpRequired, WrongPassword, TooManyAttempts, LastOperator, LastOwner."""
        principal.must_be_fresh(self.assurance, at=self.clock.now())
        self.prove(principal, password)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            current = lock_proved(uow, principal, at=now)
            end_memberships_of(uow, current.id, at=now)
            uow.operators.remove(current.id)
            uow.accounts.save(current.close(at=now))
            uow.sessions.end_all(current.id, EndReason.CLOSED, at=now)
            uow.api_keys.end_all(current.id, EndOfKey.ACCOUNT_CLOSED, at=now)
            void_what_was_handed_out(uow, current)
            remove_factors(uow, current)
            uow.attempts.forget(current.email.digest)
            notify(uow, MailKind.ACCOUNT_CLOSED, current, ids=self.ids, at=now)


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

    autocommit: Begin
    clock: Clock

    def __call__(self, *, principal: Principal) -> AccountExport:
        account, now = principal.account, self.clock.now()
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
                events=database.outbox.of_owner(account.id, limit=_MOST_EXPORTED),
            )


def _all(page: Callable[[str | None], tuple[list[T], str | None]]) -> list[T]:
    items, after = page(None)
    while after is not None:
        more, after = page(after)
        items += more
    return items
