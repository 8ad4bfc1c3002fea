import hmac

from adapters.security import canonical_base64
from adapters.security.secret_keys import KEY_ID_LENGTH, Secret, SecretKeys
from application.ports.security import Sealer


class HmacSealer(Sealer):
    """base64url of key id and HMAC-SHA256: whoever has the tables and not the key can forge none (ASVS 16.4.2)."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._secrets = secrets

    def seal(self, said: bytes) -> str:
        secret = self._secrets.current
        return canonical_base64.encode(secret.id + _mac(secret, said))

    def is_whole(self, said: bytes, seal: str) -> bool:
        try:
            raw = canonical_base64.decode(seal)
        except ValueError:
            return False
        secret = self._secrets.find(raw[:KEY_ID_LENGTH])
        return secret is not None and hmac.compare_digest(raw[KEY_ID_LENGTH:], _mac(secret, said))


def _mac(secret: Secret, said: bytes) -> bytes:
    return hmac.digest(secret.key("audit seal"), said, "sha256")
