"""Who is calling."""

from dataclasses import dataclass
from datetime import datetime

from application.ports.environment import Clock
from application.ports.security import AccessTokens
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Principal
from domain.accounts import Account
from domain.sessions import SessionEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """An access token counts only while its session and its account live: revocation is immediate (ASVS 7.4.1)."""

    autocommit: Begin
    access_tokens: AccessTokens
    clock: Clock

    def __call__(self, access_token: str) -> Principal:
        """Raise AccessTokenInvalid or SessionEnded."""
        now = self.clock.now()
        claims = self.access_tokens.verify(access_token, at=now)
        with self.autocommit() as database:
            found = database.sessions.find_with_account(claims.account_id, claims.session_id)
        if found:
            session, account = found
            if session.is_live(now) and account.is_active:
                return Principal(account=account, session=session)
        raise SessionEnded


def lock_owner(uow: UnitOfWork, principal: Principal, *, at: datetime) -> Account:
    """Lock the caller's account. Raise SessionEnded if it was suspended or signed out since the caller was asked."""
    account = uow.accounts.lock(principal.account.id)
    session = uow.sessions.find(account.id, principal.session.id)
    if not (account.is_active and session and session.is_live(at)):
        raise SessionEnded
    return account
