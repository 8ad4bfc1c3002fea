"""Who is calling, and what their access token says."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.accounts import Account, OperatorRequired
from domain.kernel import AccountId, SessionId, Unauthenticated
from domain.sessions import Session


class AuthenticationRequired(Unauthenticated):
    """The call needs a bearer token, and came without one."""

    code = "authentication_required"


class AccessTokenInvalid(Unauthenticated):
    """Malformed, forged, expired, of another issuer or audience: deliberately not told apart."""

    code = "access_token_invalid"

    def __init__(self) -> None:
        super().__init__("The access token is not valid, or no longer. Refresh it, or sign in again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says beyond who issued it for whom (RFC 9068 section 2.2). Times are whole seconds."""

    account_id: AccountId
    session_id: SessionId
    token_id: UUID
    issued_at: datetime
    expires_at: datetime
    authenticated_at: datetime
    amr: tuple[str, ...]
    acr: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whose rights count: a live account, in a live session."""

    account: Account
    session: Session

    def must_be_operator(self) -> None:
        """Raise OperatorRequired unless the account has rights over the whole installation."""
        if not self.account.is_operator:
            raise OperatorRequired("Only an operator may do that.")
