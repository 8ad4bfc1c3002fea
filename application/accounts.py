"""What the owner of an account may do with it."""

from dataclasses import dataclass

from application.access import lock_owner
from application.memberships import end_memberships_of
from application.notices import notify
from application.passwords import ProvePassword, lock_proved, remove_factors, void_what_was_handed_out
from application.ports.environment import Clock, Ids
from application.ports.unit_of_work import Begin
from domain.access import Principal
from domain.accounts import Account, parse_display_name
from domain.api_keys import EndOfKey
from domain.assurance import AssurancePolicy
from domain.mail import MailKind
from domain.sessions import EndReason

_ERASED_AT_ONCE = 500


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
            uow.audit.erase(current.id, limit=_ERASED_AT_ONCE)
            # The rest, what this transaction still writes, and what is under way elsewhere, is for the sweep.
            uow.audit.erase_later(current.id, at=now)
            notify(uow, MailKind.ACCOUNT_CLOSED, current, ids=self.ids, at=now)
