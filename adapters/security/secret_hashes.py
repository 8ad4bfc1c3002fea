import hmac

from adapters.security import canonical_base64
from adapters.security.secret_keys import KEY_ID_LENGTH, Secret, SecretKeys
from application.ports.security import SecretHasher


class HmacSecretHasher(SecretHasher):
    """base64url of key id and HMAC-SHA256: fast, because what is hashed cannot be guessed, and worth nothing to who has
    the table without the key (ASVS 6.5.2, 11.4.1)."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._secrets = secrets

    def hash(self, secret: str) -> str:
        return _hash(self._secrets.current, secret)

    def verify(self, secret: str, hash: str) -> bool:
        key = self._secrets.find(_key_id(hash))
        return key is not None and hmac.compare_digest(hash.encode(), _hash(key, secret).encode())

    def is_outdated(self, hash: str) -> bool:
        return _key_id(hash) != self._secrets.current.id


def _key_id(hash: str) -> bytes:
    try:
        return canonical_base64.decode(hash)[:KEY_ID_LENGTH]
    except ValueError:
        return b""


def _hash(key: Secret, secret: str) -> str:
    return canonical_base64.encode(key.id + hmac.digest(key.key("secret hash"), secret.encode(), "sha256"))
