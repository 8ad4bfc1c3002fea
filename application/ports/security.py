"""Hashing, tokens and secrets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.access import AccessClaims
from domain.one_time_tokens import Purpose


class PasswordHasher(Protocol):
    """Costly on purpose: call it on the hashing executor, and never while a unit of work is open."""

    def hash(self, password: str) -> str:
        """Hash under the present scheme, which the hash names. The password has passed the policy."""

    def verify(self, password: str, hash: str) -> bool:
        """False also for a password that no hash can have (NUL, lone surrogates, over 4,096 characters) and for
        a hash that cannot be read."""

    def verify_nothing(self, password: str) -> None:
        """The work of `verify` where there is no hash, so that its absence cannot be timed."""

    def is_outdated(self, hash: str) -> bool:
        """Whether its scheme or cost is not the present one."""


class PasswordStrength(Protocol):
    def score(self, password: str, *, personal: Sequence[str]) -> int:
        """0 (risky) to 4 (very hard to guess), judged on the first 32 characters; `personal` words add nothing."""


class CommonPasswords(Protocol):
    def contains(self, password: str) -> bool:
        """Whether it is among the most common ones, whatever its case."""


class AccessTokens(Protocol):
    def issue(self, claims: AccessClaims) -> str:
        """Sign with the active key. Raise Unavailable if there is none."""

    def verify(self, token: str, *, at: datetime) -> AccessClaims:
        """Raise AccessTokenInvalid, and nothing else, whatever the token is."""


class OpaqueTokens(Protocol):
    """Tokens that only Portico reads: a payload authenticated under a key of its purpose. Nothing in it is secret."""

    def issue(self, purpose: Purpose, payload: bytes) -> str:
        """The same payload gives the same token as long as the secret stays."""

    def read(self, purpose: Purpose, token: str) -> bytes | None:
        """The payload; None unless the token was issued for that purpose, under the present secret or an old one."""


class SecretHasher(Protocol):
    """Keyed hashes of secrets that are long and random: fast, unlike those of passwords, and looked up by nobody."""

    def hash(self, secret: str) -> str:
        """Under the present key, which the hash names. At most 100 characters."""

    def verify(self, secret: str, hash: str) -> bool:
        """In constant time; also under an older key. False for what is no hash, or of a key that is not configured."""

    def is_outdated(self, hash: str) -> bool:
        """Whether it was made under another key than the present one, or is no hash."""


class Sealer(Protocol):
    """Proves later that something was said here and not changed since (HMAC-SHA256 under a key of its own)."""

    def seal(self, said: bytes) -> str:
        """Under the present key, which the seal names. At most 100 characters."""

    def is_whole(self, said: bytes, seal: str) -> bool:
        """In constant time; also under an older key. False for what is no seal, or of a key that is not configured."""


class Vault(Protocol):
    """Encryption at rest under the present secret (AES-256-GCM); reads what older secrets sealed."""

    def seal(self, plaintext: str, *, row: str) -> str:
        """`row` names the row that it is for: sealed text moved to another row does not open."""

    def open(self, sealed: str, *, row: str) -> str:
        """Raise SealBroken if it was changed, moved, or sealed under a secret that is not configured."""

    def is_outdated(self, sealed: str) -> bool:
        """Whether it was sealed under an older secret."""


class SealBroken(Exception):
    """What was encrypted cannot be read: SECRET_KEY and SECRET_KEYS_OLD lack its secret, or it was tampered with."""
