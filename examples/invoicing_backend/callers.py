"""Who calls, and the two ways to learn what they may do: by their token, or by asking Portico."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class TokenRefused(Exception):
    """No token, or none that counts here. Why is not told: it would only help who forged it."""

    def __init__(self) -> None:
        super().__init__("The access token is missing, or not valid here.")


class Forbidden(Exception):
    """Whoever calls may not do that."""


class Unavailable(Exception):
    """What must be known is not known now. When in doubt, nothing is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What a token said when it was issued, at most ten minutes ago."""

    account_id: UUID
    organization_id: UUID
    permissions: frozenset[str]

    def must(self, permission: str) -> None:
        """Raise Forbidden."""
        if permission not in self.permissions:
            raise Forbidden(f"That needs {permission}.")


class Tokens(Protocol):
    def caller(self, token: str) -> Caller:
        """Raise TokenRefused, Unavailable."""


class Access(Protocol):
    def must(self, caller: Caller, permission: str, *, resource: str) -> None:
        """What holds at this moment, whatever the token says. Raise Forbidden, Unavailable."""
