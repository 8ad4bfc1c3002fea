"""A code by mail, in place of a password: six digits, for the browser that asked.

The code stands nowhere. It is derived from the mail that carries it, as one-time tokens are from their rows: whatever
was asked before that mail went has the same code, each browser with tries of its own. So a stranger who asks as well
cannot leave the owner with a code that fits only another's browser.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from domain.accounts import EmailAddress
from domain.kernel import AddressDigest, EmailCodeId, Unauthenticated

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserToken:
    """What the browser that asked keeps: which row is its own, and which mail carries its code."""

    address_digest: AddressDigest
    id: EmailCodeId
    scheduled_at: datetime
    """Of the mail: two to one address are never scheduled for the same moment."""

    @property
    def code_payload(self) -> bytes:
        return code_payload(self.address_digest, self.scheduled_at)

    def pack(self) -> bytes:
        return self.id.bytes + self.code_payload

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        id, digest, microseconds = packed[:16], packed[16:48], int.from_bytes(packed[48:])
        return cls(
            address_digest=AddressDigest(digest.hex()),
            id=EmailCodeId(UUID(bytes=id)),
            scheduled_at=_EPOCH + microseconds * _MICROSECOND,
        )


def code_payload(address_digest: AddressDigest, scheduled_at: datetime) -> bytes:
    """What the code is derived from."""
    return bytes.fromhex(address_digest) + ((scheduled_at - _EPOCH) // _MICROSECOND).to_bytes(8)
