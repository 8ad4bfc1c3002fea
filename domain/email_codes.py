"""A code by mail, in place of a password: six digits, for the browser that asked.

The code stands nowhere. It is derived from the row that it stands for, as one-time tokens are.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.accounts import EmailAddress
from domain.kernel import EmailCodeId, Unauthenticated


class EmailCodeWrong(Unauthenticated):
    """Wrong, used, expired or of another browser, or the address has no account: deliberately not told apart."""

    code = "email_code_wrong"

    def __init__(self) -> None:
        super().__init__("That code is not right, or no longer. Ask for a new one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailCodePolicy:
    lifetime: timedelta = timedelta(minutes=10)
    tries: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailCode:
    """Keyed by (digest of the address, id)."""

    id: EmailCodeId
    email: EmailAddress
    created_at: datetime
    expires_at: datetime
    tries: int = 0
