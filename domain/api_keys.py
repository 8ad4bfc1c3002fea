"""An API key lets a program call in the name of an account or of a service account, for what its scopes name.

Its secret is shown once. It says what it is, whose it is, and whether it was copied whole; what is stored is a keyed
hash of it.
"""

import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Self
from uuid import UUID

from domain.kernel import (
    AccountId,
    Aggregate,
    ApiKeyId,
    Conflict,
    Event,
    Invalid,
    NotFound,
    OrganizationId,
    ServiceAccountId,
    Unauthenticated,
)
from domain.names import LONGEST_NAME, visible
from domain.permissions import Permission

MOST_KEYS = 50
"""Of one account, or of one service account."""
LAST_USED_PRECISION = timedelta(minutes=1)


class ApiKeyInvalid(Unauthenticated):
    """Malformed, unknown, expired, revoked, or its owner is: deliberately not told apart."""

    code = "api_key_invalid"

    def __init__(self) -> None:
        super().__init__("The API key is not valid, or no longer.")


class ApiKeyDamaged(Unauthenticated):
    """It looks like a key of Portico, but its checksum is wrong: it was cut or mistyped."""

    code = "api_key_damaged"

    def __init__(self) -> None:
        super().__init__("That looks like an API key, but it was not copied whole: its checksum is wrong.")


class ApiKeyNotFound(NotFound):
    """No such key, or it was revoked."""

    code = "api_key_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such key.")


class InvalidApiKey(Invalid):
    """A name, a scope or an expiry that a key cannot have."""

    code = "api_key_not_possible"


class TooManyApiKeys(Conflict):
    """Its owner has as many keys as it may."""

    code = "too_many_api_keys"

    def __init__(self) -> None:
        super().__init__(f"There may be at most {MOST_KEYS} keys: revoke one first.")


class KeyKind(StrEnum):
    PERSONAL = "personal"
    SERVICE = "service"


_PREFIX = "ptc_"
_LETTERS = {KeyKind.PERSONAL: "u", KeyKind.SERVICE: "s"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_ID, _RANDOM, _CHECKSUM = 22, 43, 6
"""Base 62 digits of 16, 32 and 4 bytes."""
_LENGTH = len(_PREFIX) + 2 + 2 * _ID + _RANDOM + _CHECKSUM
_SHOWN = len(_PREFIX) + 2 + 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeySecret:
    """`ptc_`, a letter for the kind, `_`, then the ids of key and owner, 32 random bytes and their CRC-32, in base 62.

    The owner is the account, or the organization of the service account: so one shard is asked. 99 characters.
    """

    kind: KeyKind
    id: ApiKeyId
    owner_id: UUID
    text: str = field(repr=False)

    @classmethod
    def make(cls, *, kind: KeyKind, id: ApiKeyId, owner_id: UUID, random: bytes) -> Self:
        """`random` has 32 bytes."""
        body = (
            f"{_PREFIX}{_LETTERS[kind]}_"
            f"{_written(id.bytes, _ID)}{_written(owner_id.bytes, _ID)}{_written(random, _RANDOM)}"
        )
        return cls(kind=kind, id=id, owner_id=owner_id, text=body + _checksum(body))

    @staticmethod
    def is_meant(text: str) -> bool:
        """Whether somebody presents it as a key, be it right or not."""
        return text.startswith(_PREFIX)

    @classmethod
    @lru_cache(maxsize=4096)  # the same few come again and again, as access tokens do
    def parse(cls, text: str) -> Self:
        """Raise ApiKeyDamaged, without having asked anybody."""
        body = text[:-_CHECKSUM]
        kind = _KINDS.get(text[len(_PREFIX) : len(_PREFIX) + 1])
        start = len(_PREFIX) + 2
        if (
            len(text) != _LENGTH
            or not cls.is_meant(text)
            or kind is None
            or text[start - 1] != "_"
            or not _VALUES.keys() >= set(text[start:])
            or _checksum(body) != text[-_CHECKSUM:]
        ):
            raise ApiKeyDamaged
        id, owner_id = _read(text[start : start + _ID]), _read(text[start + _ID : start + 2 * _ID])
        if max(id, owner_id) >> 128:
            raise ApiKeyDamaged
        return cls(kind=kind, id=ApiKeyId(UUID(int=id)), owner_id=UUID(int=owner_id), text=text)

    @property
    def prefix(self) -> str:
        """What may be shown: enough to tell one key from another."""
        return self.text[:_SHOWN]


def _written(raw: bytes, length: int) -> str:
    number, digits = int.from_bytes(raw), ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _read(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(_DIGITS) + _VALUES[digit]
    return number


def _checksum(body: str) -> str:
    return _written(zlib.crc32(body.encode()).to_bytes(4), _CHECKSUM)


def parse_key_name(raw: str) -> str:
    """Raise InvalidApiKey if it is empty or cannot be kept."""
    name = visible(raw, most=LONGEST_NAME)
    if not name:
        raise InvalidApiKey("The name of a key has 1 to 100 characters, all of which can be seen.", field="name")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyMade(Event):
    name = "api_key.created"
    key_id: ApiKeyId
    owner_id: UUID
    organization_id: OrganizationId | None
    by: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRotated(Event):
    name = "api_key.rotated"
    key_id: ApiKeyId
    owner_id: UUID
    organization_id: OrganizationId | None
    by: AccountId


class EndOfKey(StrEnum):
    REVOKED = "revoked"
    PASSWORD_RESET = "password_reset"  # noqa: S105 (a name)
    EMAIL_VERIFIED = "email_verified"
    ACCOUNT_CLOSED = "account_closed"
    MEMBERSHIP_ENDED = "membership_ended"
    SERVICE_ACCOUNT_DELETED = "service_account_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyEnded(Event):
    name = "api_key.ended"
    key_id: ApiKeyId
    owner_id: UUID
    organization_id: OrganizationId | None
    reason: EndOfKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(Aggregate):
    """Only live keys are kept: revoking one removes it.

    `owner_id` is the account of a personal key, the organization of a service account's. `organization_id` is where it
    works; a personal key may have none, and works then for the account alone.
    """

    id: ApiKeyId
    kind: KeyKind
    owner_id: UUID
    service_account_id: ServiceAccountId | None = None
    organization_id: OrganizationId | None
    display_name: str
    scopes: frozenset[Permission]
    prefix: str
    digest: str = field(repr=False)
    """Keyed hash of the secret; it names the key that it was made under."""
    previous_digest: str | None = field(default=None, repr=False)
    previous_expires_at: datetime | None = None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the minute."""

    @classmethod
    def make(
        cls,
        *,
        secret: ApiKeySecret,
        digest: str,
        service_account_id: ServiceAccountId | None,
        organization_id: OrganizationId | None,
        display_name: str,
        scopes: frozenset[Permission],
        expires_at: datetime | None,
        by: AccountId,
        at: datetime,
    ) -> Self:
        """Raise InvalidApiKey for an expiry that is past, and for scopes without an organization, or the reverse."""
        if expires_at is not None and expires_at <= at:
            raise InvalidApiKey("The key would have expired already.", field="expires_at")
        if organization_id is None and scopes:
            raise InvalidApiKey("Scopes name what a key may do in an organization: name that as well.", field="scopes")
        if organization_id is not None and not scopes:
            raise InvalidApiKey("A key of an organization needs at least one scope.", field="scopes")
        return cls(
            id=secret.id,
            kind=secret.kind,
            owner_id=secret.owner_id,
            service_account_id=service_account_id,
            organization_id=organization_id,
            display_name=display_name,
            scopes=scopes,
            prefix=secret.prefix,
            digest=digest,
            created_at=at,
            expires_at=expires_at,
            events=(
                ApiKeyMade(key_id=secret.id, owner_id=secret.owner_id, organization_id=organization_id, by=by, at=at),
            ),
        )

    def is_live(self, at: datetime) -> bool:
        return self.expires_at is None or at < self.expires_at

    def digests(self, at: datetime) -> tuple[str, ...]:
        """Of every secret that opens it now."""
        if self.previous_digest and self.previous_expires_at and at < self.previous_expires_at:
            return self.digest, self.previous_digest
        return (self.digest,)

    def rotate(self, secret: ApiKeySecret, digest: str, *, overlap: timedelta, by: AccountId, at: datetime) -> Self:
        """The old secret opens it as long as the two overlap."""
        rotated = ApiKeyRotated(
            key_id=self.id, owner_id=self.owner_id, organization_id=self.organization_id, by=by, at=at
        )
        return replace(
            self,
            prefix=secret.prefix,
            digest=digest,
            previous_digest=self.digest,
            previous_expires_at=at + overlap,
            events=self.recorded(rotated),
        )

    def is_use_worth_noting(self, at: datetime) -> bool:
        return self.last_used_at is None or at - self.last_used_at >= LAST_USED_PRECISION

    def end(self, reason: EndOfKey, *, at: datetime) -> Self:
        ended = ApiKeyEnded(
            key_id=self.id, owner_id=self.owner_id, organization_id=self.organization_id, reason=reason, at=at
        )
        return replace(self, events=self.recorded(ended))
