from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime

from adapters.security.access_token_format import AccessTokenFormat, CompactToken
from application.ports.security import AccessTokens
from application.ports.signing_keys import Keys
from domain.access import AccessClaims, AccessTokenInvalid


class StrictAccessTokens(AccessTokens):
    """How tokens are issued and verified; a library fills in the signature.

    The algorithm comes from the key and the key from `keys`, never from the token (RFC 8725 section 3.1; ASVS 9.1).
    """

    def __init__(self, *, keys: Keys, issuer: str, audience: str, client_id: str) -> None:
        self._keys = keys
        self._format = AccessTokenFormat(issuer=issuer, audience=audience, client_id=client_id)

    def issue(self, claims: AccessClaims) -> str:
        key = self._keys.active()
        return self.sign(self._format.header(key.id), self._format.payload(claims), key.private_pem)

    def verify(self, token: str, *, at: datetime) -> AccessClaims:
        public_pem = self._keys.public_pem(CompactToken.parse(token).key_id())
        if public_pem is None:
            raise AccessTokenInvalid
        return self._format.claims(self.signed_payload(token, public_pem), at=at)

    @abstractmethod
    def sign(self, header: Mapping[str, str], payload: bytes, private_pem: str) -> str:
        """A JWS in compact form (RFC 7515) under ES256."""

    @abstractmethod
    def signed_payload(self, token: str, public_pem: str) -> bytes:
        """The payload of what `CompactToken.parse` takes. Raise AccessTokenInvalid unless that key signed it."""
