"""A one-time token proves that its bearer reads the mail of an address: one purpose, one use, consumed by POST.

The token itself is never stored. It is derived by HMAC from the row that it stands for, so the queue, the tables
and a backup of them hold nothing that lets anybody in.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

from domain.kernel import AccountId, AddressDigest, Invalid, OrganizationId


class TokenInvalid(Invalid):
    """Unknown, used, expired, void or made for something else: deliberately not told apart."""

    code = "token_invalid"

    def __init__(self) -> None:
        super().__init__("That token is not valid, or no longer. Ask for a new one.", field="token")


class Purpose(StrEnum):
    """What an opaque token is for. Each has a key of its own, so that none passes for another."""

    VERIFICATION = "verification"
    PASSWORD_RESET = "password-reset"  # noqa: S105 (a name)
    EMAIL_CHANGE = "email-change"
    REFRESH = "refresh"
    DEVICE = "device"
    INVITATION = "invitation"
    CHALLENGE = "challenge"
    EMAIL_CODE = "email-code"


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """Names its row by owner (an organization, an account, or the digest of an address) and id, so that one shard is
    asked."""

    owner: bytes
    id: UUID

    @classmethod
    def of_address(cls, digest: AddressDigest, id: UUID) -> Self:
        return cls(bytes.fromhex(digest), id)

    @classmethod
    def of_account(cls, account_id: AccountId, id: UUID) -> Self:
        return cls(account_id.bytes, id)

    @classmethod
    def of_organization(cls, organization_id: OrganizationId, id: UUID) -> Self:
        return cls(organization_id.bytes, id)

    @classmethod
    def of_owner(cls, owner_id: UUID, id: UUID) -> Self:
        return cls(owner_id.bytes, id)

    @property
    def owner_id(self) -> UUID:
        return UUID(bytes=self.owner)

    @property
    def organization_id(self) -> OrganizationId:
        return OrganizationId(UUID(bytes=self.owner))

    @property
    def address_digest(self) -> AddressDigest:
        return AddressDigest(self.owner.hex())

    @property
    def account_id(self) -> AccountId:
        return AccountId(UUID(bytes=self.owner))

    def pack(self) -> bytes:
        return self.id.bytes + self.owner

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        return cls(packed[16:], UUID(bytes=packed[:16]))
