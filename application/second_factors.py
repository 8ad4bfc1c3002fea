"""Which second factors an account has, whichever they are."""

from dataclasses import dataclass
from datetime import datetime

from application.notices import notify
from application.ports.environment import Ids
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Principal
from domain.accounts import Account
from domain.kernel import AccountId
from domain.mail import MailKind
from domain.second_factors import Factor


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledFactors:
    factors: tuple[Factor, ...]
    recovery_codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFactors:
    """What the caller has enrolled beside the password, and how many recovery codes are left."""

    autocommit: Begin

    def __call__(self, *, principal: Principal) -> EnrolledFactors:
        with self.autocommit() as database:
            factors = database.second_factors.find(principal.account.id)
            return EnrolledFactors(
                factors=enrolled_factors(database, principal.account),
                recovery_codes_left=len(factors.recovery_hashes) if factors else 0,
            )


def enrolled_factors(uow: UnitOfWork, account: Account) -> tuple[Factor, ...]:
    factors = uow.second_factors.find(account.id)
    return tuple(
        factor
        for factor, is_there in (
            (Factor.PASSKEY, bool(uow.passkeys.all(account.id))),
            (Factor.TOTP, bool(factors and factors.totp)),
            (Factor.RECOVERY_CODE, bool(factors and factors.recovery_hashes)),
        )
        if is_there
    )


def note_factors(uow: UnitOfWork, account: Account, *, ids: Ids, at: datetime) -> None:
    """After a change: whether the locked account has a factor is written down, and its owner is told."""
    is_enrolled = bool({Factor.TOTP, Factor.PASSKEY} & set(enrolled_factors(uow, account)))
    if is_enrolled != account.has_second_factor:
        uow.accounts.save(account.note_second_factor(is_enrolled=is_enrolled))
    if not is_enrolled:  # what stood in for the last factor must not stand in for the next one, unseen
        uow.second_factors.save(uow.second_factors.lock(account.id).without_recovery_codes())
        uow.trusted_devices.remove_all(account.id)
    notify(uow, MailKind.FACTORS_CHANGED, account, ids=ids, at=at)


def totp_row(account_id: AccountId) -> str:
    """What its secret is sealed for."""
    return f"second_factors/{account_id}"
