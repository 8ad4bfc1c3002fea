"""Every factor was lost: an operator removes them, so that their owner can begin anew."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.notices import notify
from application.ports.environment import Clock, Ids
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Principal
from domain.accounts import Account, AccountNotFound, EmailAddress
from domain.assurance import AssurancePolicy
from domain.kernel import AccountId
from domain.mail import MailKind
from domain.sessions import EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetFactors:
    """An operator removes every factor of an account, so that its owner can begin anew; every session ends, and the
    owner is told."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, account_id: UUID) -> None:
        """Raise OperatorRequired, StepUpRequired, AccountNotFound."""
        now = self.clock.now()
        principal.must_be_operator(self.assurance)
        principal.must_be_fresh(self.assurance, at=now)
        with self.unit_of_work() as uow:
            account = uow.accounts.lock(AccountId(account_id))
            reset_factors(uow, account, by=principal.account.id, ids=self.ids, at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetFactorsByEmail:
    """Whoever holds the machine does the same: the last operator may have lost everything."""

    unit_of_work: Begin
    clock: Clock
    ids: Ids

    def __call__(self, *, email: str) -> Account:
        """Raise InvalidEmail, AccountNotFound."""
        address = EmailAddress.parse(email)
        with self.unit_of_work() as uow:
            found = uow.accounts.find_by_email(address)
            if found is None:
                raise AccountNotFound("That address has no account.")
            account = uow.accounts.lock(found.id)
            reset_factors(uow, account, by=None, ids=self.ids, at=self.clock.now())
        return account


def reset_factors(uow: UnitOfWork, account: Account, *, by: AccountId | None, ids: Ids, at: datetime) -> None:
    """Of a locked account."""
    uow.second_factors.save(uow.second_factors.lock(account.id).reset(by=by, at=at))
    uow.passkeys.remove_all(account.id)
    uow.trusted_devices.remove_all(account.id)
    uow.challenges.void(account.id)
    uow.accounts.save(account.note_second_factor(is_enrolled=False))
    uow.sessions.end_all(account.id, EndReason.FACTORS_RESET, at=at)
    notify(uow, MailKind.FACTORS_RESET, account, ids=ids, at=at)
