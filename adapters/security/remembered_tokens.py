from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from adapters.security.access_token_format import CompactToken
from application.ports.security import AccessTokens
from application.ports.signing_keys import Keys
from domain.access import AccessClaims
from domain.kernel import KeyId


@dataclass(frozen=True, slots=True)
class _Verified:
    claims: AccessClaims
    key_id: KeyId
    at: datetime


class RememberedAccessTokens(AccessTokens):
    """Spares a client's next requests the signature check: what was verified once is remembered until it expires.

    Revocation stays immediate: whether the key still verifies is asked each time, and whether session and account
    are alive is no business of a token anyway. Only successes are kept, so that nobody without a token can fill it.
    """

    def __init__(self, tokens: AccessTokens, keys: Keys, most: int = 8192) -> None:
        self._tokens = tokens
        self._keys = keys
        self._most = most
        self._verified: dict[str, _Verified] = {}
        self._lock = Lock()

    def issue(self, claims: AccessClaims) -> str:
        return self._tokens.issue(claims)

    def verify(self, token: str, *, at: datetime) -> AccessClaims:
        known = self._verified.get(token)
        # Valid at one time is valid at any later one until it expires; a clock that was set back is no later time.
        if known and known.at <= at < known.claims.expires_at and self._keys.public_pem(known.key_id) is not None:
            return known.claims
        claims = self._tokens.verify(token, at=at)
        self._remember(token, _Verified(claims, CompactToken.parse(token).key_id(), at))
        return claims

    def _remember(self, token: str, verified: _Verified) -> None:
        with self._lock:
            self._verified.pop(token, None)
            # The oldest stand first, and all live equally long: where they have not expired, nothing has.
            while self._verified:
                oldest = next(iter(self._verified))
                if len(self._verified) < self._most and verified.at < self._verified[oldest].claims.expires_at:
                    break
                del self._verified[oldest]
            self._verified[token] = verified
