from dataclasses import dataclass, field
from typing import Protocol

from domain.kernel import KeyId
from domain.signing_keys import SigningKey


class SigningKeys(Protocol):
    """There are few, and each change locks them all."""

    def all(self) -> list[SigningKey]: ...

    def lock(self) -> list[SigningKey]:
        """Like `all`; until the end of the transaction nobody else may lock, add or save one."""

    def add(self, key: SigningKey) -> None: ...

    def save(self, key: SigningKey) -> None:
        """Raise Stale if it was saved since it was read."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An EC P-256 key in PEM: PKCS#8 and SubjectPublicKeyInfo."""

    private_pem: str = field(repr=False)
    public_pem: str


class KeyMaker(Protocol):
    def make(self) -> KeyPair: ...

    def public_jwk(self, id: KeyId, public_pem: str) -> dict[str, str]:
        """The key as JWKS shows it (RFC 7517): kty, crv, x, y, kid, use, alg."""


@dataclass(frozen=True, slots=True)
class ActiveKey:
    id: KeyId
    private_pem: str = field(repr=False)


class Keys(Protocol):
    """The keys as a token adapter sees them. `KeyRing` is the one that follows the database."""

    def active(self) -> ActiveKey:
        """The key that signs. Raise Unavailable if there is none yet."""

    def public_pem(self, id: KeyId) -> str | None:
        """The public key of a token that is to be verified; None if no such key verifies now."""
