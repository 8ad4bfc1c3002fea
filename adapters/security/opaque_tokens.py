import hmac

from adapters.security import canonical_base64
from adapters.security.secret_keys import KEY_ID_LENGTH, Secret, SecretKeys
from application.ports.security import OpaqueTokens
from domain.one_time_tokens import Purpose

# What a token looks like, so that secret scanners and people recognise one that leaked (docs/security.md).
_PREFIXES = {
    Purpose.VERIFICATION: "ptv_",
    Purpose.PASSWORD_RESET: "ptp_",
    Purpose.EMAIL_CHANGE: "pte_",
    Purpose.REFRESH: "ptr_",
    Purpose.DEVICE: "ptd_",
    Purpose.INVITATION: "pti_",
    Purpose.CHALLENGE: "pth_",
    Purpose.EMAIL_CODE: "ptm_",
}
_MAC_LENGTH = 32


class HmacTokens(OpaqueTokens):
    """A prefix, then base64url of key id, payload and the HMAC-SHA256 of both under a key of the token's purpose."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._secrets = secrets

    def issue(self, purpose: Purpose, payload: bytes) -> str:
        secret = self._secrets.current
        authenticated = secret.id + payload
        return _PREFIXES[purpose] + canonical_base64.encode(authenticated + _mac(secret, purpose, authenticated))

    def read(self, purpose: Purpose, token: str) -> bytes | None:
        prefix, text = token[:4], token[4:]
        if prefix != _PREFIXES[purpose]:
            return None
        try:
            raw = canonical_base64.decode(text)
        except ValueError:
            return None
        authenticated, mac = raw[:-_MAC_LENGTH], raw[-_MAC_LENGTH:]
        secret = self._secrets.find(authenticated[:KEY_ID_LENGTH])
        if secret is None or not hmac.compare_digest(mac, _mac(secret, purpose, authenticated)):
            return None
        return authenticated[KEY_ID_LENGTH:]


def _mac(secret: Secret, purpose: Purpose, authenticated: bytes) -> bytes:
    return hmac.digest(secret.key(f"token/{purpose}"), authenticated, "sha256")
