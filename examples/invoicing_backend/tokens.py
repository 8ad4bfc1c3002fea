"""Access tokens of Portico, checked here: no request of ours waits for another service."""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any
from uuid import UUID

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from examples.invoicing_backend.callers import Caller, TokenRefused, Tokens, Unavailable

FRESH = 600.0
"""Seconds for which Portico lets its public keys be kept. A key that was revoked counts no longer than that."""

PAUSE = 5.0
"""Seconds between two looks: whoever sends tokens with made-up key ids causes no more requests than that."""


class PorticoKeys:
    """Portico's public keys by their ids."""

    def __init__(self, fetch: Callable[[], Any], *, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = Lock()
        self._keys: dict[str, ECKey] = {}
        self._loaded_at = self._tried_at = float("-inf")

    @classmethod
    def of(cls, portico: httpx.Client) -> "PorticoKeys":
        return cls(lambda: portico.get("/.well-known/jwks.json").raise_for_status().json())

    def named(self, kid: str) -> ECKey:
        """Raise TokenRefused if Portico has no such key, Unavailable if it never told its keys."""
        with self._lock:  # one looks, the others wait for what it finds
            now = self._now()
            if (kid not in self._keys or now - self._loaded_at > FRESH) and now - self._tried_at > PAUSE:
                self._load(now)
            if not self._keys:
                raise Unavailable("Portico cannot be reached.")
            key = self._keys.get(kid)
        if key is None:
            raise TokenRefused
        return key

    def _load(self, now: float) -> None:
        self._tried_at = now
        try:
            self._keys = {key["kid"]: ECKey.import_key(key) for key in self._fetch()["keys"]}
        except (httpx.HTTPError, JoseError, ValueError, KeyError):
            return  # the keys at hand go on: while Portico is down, no new token comes either
        self._loaded_at = now


class PorticoTokens(Tokens):
    """RFC 9068, strictly: ES256 only, of the type, issuer and audience that are expected, with every claim in place.

    The algorithm is never taken from the token, and the key only by its id from Portico's own list (RFC 8725).
    """

    def __init__(self, keys: PorticoKeys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._audience = audience
        self._registry = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            nbf={"essential": True},
            iat={"essential": True},
        )

    def caller(self, token: str) -> Caller:
        try:
            read = jwt.decode(token, lambda jws: self._keys.named(str(jws.headers().get("kid"))), algorithms=["ES256"])
            self._registry.validate(read.claims)
            if (read.header["typ"], read.claims["aud"]) != ("at+jwt", self._audience):
                raise TokenRefused
            return _caller(read.claims)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            raise TokenRefused from None


def _caller(claims: Mapping[str, Any]) -> Caller:
    permissions: list[str] = claims["permissions"]
    if not isinstance(permissions, list):
        raise TokenRefused
    return Caller(
        account_id=UUID(claims["sub"]),
        organization_id=UUID(claims["org"]),
        permissions=frozenset(permissions),
    )
