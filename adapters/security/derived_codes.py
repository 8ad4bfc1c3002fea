import hmac

from adapters.security.secret_keys import Secret, SecretKeys
from application.ports.factors import DerivedCodes
from domain.one_time_tokens import Purpose

_DIGITS = 6


class HmacCodes(DerivedCodes):
    """Six digits of an HMAC-SHA256 under a key of the code's purpose: 64 bits of it, so that none is likelier."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._secrets = secrets

    def digits(self, purpose: Purpose, payload: bytes) -> str:
        return _digits(self._secrets.current, purpose, payload)

    def are(self, code: str, purpose: Purpose, payload: bytes) -> bool:
        given = code.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(given, _digits(each, purpose, payload).encode()) for each in self._secrets)


def _digits(secret: Secret, purpose: Purpose, payload: bytes) -> str:
    mac = hmac.digest(secret.key(f"code/{purpose}"), payload, "sha256")
    return f"{int.from_bytes(mac[:8]) % 10**_DIGITS:0{_DIGITS}}"
