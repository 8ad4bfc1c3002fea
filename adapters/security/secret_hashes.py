import hmac

from adapters.security import canonical_base64
from adapters.security.secret_keys import KEY_ID_LENGTH, Secret, SecretKeys
from application.ports.security import SecretHasher

_PREFIX = KEY_ID_LENGTH * 4 // 3
"""Characters: three bytes are four of them, so that the key's id is told without decoding the rest."""


class HmacSecretHasher(SecretHasher):
    """base64url of key id and HMAC-SHA256: fast, because what is hashed cannot be guessed, and worth nothing to who has
    the table without the key (ASVS 6.5.2, 11.4.1)."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._by_prefix = {_prefix(secret): secret for secret in secrets}
        self._current = secrets.current

    def hash(self, secret: str) -> str:
        return _hash(self._current, secret)

    def verify(self, secret: str, hash: str) -> bool:
        key = self._by_prefix.get(hash[:_PREFIX])
        return key is not None and hmac.compare_digest(hash.encode(errors="surrogatepass"), _hash(key, secret).encode())

    def is_outdated(self, hash: str) -> bool:
        return not hash.startswith(_prefix(self._current))


def _prefix(key: Secret) -> str:
    return canonical_base64.encode(key.id)


def _hash(key: Secret, secret: str) -> str:
    return canonical_base64.encode(key.id + hmac.digest(key.key("secret hash"), secret.encode(), "sha256"))
