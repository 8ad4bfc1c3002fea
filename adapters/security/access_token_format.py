"""What an access token of Portico looks like (RFC 9068 over RFC 7515 and RFC 7519), judged before and after its
signature. It is written in one way only, and everything else is refused: nothing that the libraries let pass by
themselves gets through, whichever of them checks the signature.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn, Self
from uuid import UUID

from adapters.security import canonical_base64
from adapters.security.ec_keys import ALGORITHM
from domain.access import AccessClaims, AccessTokenInvalid
from domain.kernel import AccountId, KeyId, SessionId

TYPE = "at+jwt"
"""RFC 9068 section 4 lets a verifier take `application/at+jwt` too. Portico writes the short form only."""

LONGEST = 4096
"""Characters. A token for Portico itself has about 700; what is longer is not even parsed."""

CLOCK_LEEWAY = timedelta(seconds=5)
"""By how much another process's clock may be ahead. No token lives longer for it."""

_LATEST_TIME = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())

# RFC 6749 section 3.3: a scope is words between single spaces. It also keeps out what cannot be encoded or printed.
_WORD = re.compile(r"[!#-\[\]-~]+")
_WORDS = re.compile(r"(?:[!#-\[\]-~]+(?: [!#-\[\]-~]+)*)?")


@dataclass(frozen=True, slots=True)
class CompactToken:
    """A JWS in compact form whose spelling is canonical. Nothing is verified yet."""

    text: str
    header: dict[str, object]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise AccessTokenInvalid."""
        if len(text) > LONGEST:
            raise AccessTokenInvalid
        try:
            header, _payload, _signature = map(canonical_base64.decode, text.split("."))
        except ValueError:
            raise AccessTokenInvalid from None
        return cls(text, _json_object(header))

    def key_id(self) -> KeyId:
        """The key that it names. Raise AccessTokenInvalid unless its header is one that Portico writes.

        A member too many is refused as well, for all those that exist change how a token is read or bring along a
        key of its sender's choice: crit, b64, zip, jku, jwk, x5u, x5c (RFC 8725 sections 3.8 to 3.10).
        """
        kid = _uuid(self.header.get("kid"))
        if self.header != {"alg": ALGORITHM, "typ": TYPE, "kid": str(kid)}:
            raise AccessTokenInvalid
        return KeyId(kid)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenFormat:
    """Header and claims of the tokens of one issuer for one audience."""

    issuer: str
    audience: str
    client_id: str

    def header(self, key_id: KeyId) -> dict[str, str]:
        return {"alg": ALGORITHM, "typ": TYPE, "kid": str(key_id)}

    def payload(self, claims: AccessClaims) -> bytes:
        issued_at = _seconds(claims.issued_at)
        said: dict[str, object] = {
            "iss": self.issuer,
            "aud": claims.audience or self.audience,
            "client_id": self.client_id,
            "sub": str(claims.account_id),
            "sid": str(claims.session_id),
            "jti": str(claims.token_id),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": _seconds(claims.expires_at),
            "auth_time": _seconds(claims.authenticated_at),
            "amr": claims.amr,
            "acr": claims.acr,
            "scope": claims.scope,
        }
        if claims.organization:
            said["org"] = str(claims.organization.id)
            said["roles"] = claims.organization.roles
            said["permissions"] = claims.organization.permissions
        return json.dumps(said, separators=(",", ":")).encode()

    def claims(self, payload: bytes, *, at: datetime) -> AccessClaims:
        """What a payload whose signature is good says at that time. Raise AccessTokenInvalid.

        What it says of an organization is for backends: here everything is asked anew. Claims that it does not know are
        passed over, so that a newer Portico may add one while an older still runs.
        """
        said = _json_object(payload)
        if (said.get("iss"), said.get("aud"), said.get("client_id")) != (self.issuer, self.audience, self.client_id):
            raise AccessTokenInvalid
        issued_at, not_before, expires_at = (_time(said.get(name)) for name in ("iat", "nbf", "exp"))
        if not max(issued_at, not_before) - CLOCK_LEEWAY <= at < expires_at:
            raise AccessTokenInvalid
        return AccessClaims(
            account_id=AccountId(_uuid(said.get("sub"))),
            session_id=SessionId(_uuid(said.get("sid"))),
            token_id=_uuid(said.get("jti")),
            issued_at=issued_at,
            expires_at=expires_at,
            authenticated_at=_time(said.get("auth_time")),
            amr=_words(said.get("amr")),
            acr=_matching(_WORD, said.get("acr")),
            scope=_matching(_WORDS, said.get("scope")),
        )


def _seconds(time: datetime) -> int:
    return int(time.timestamp())


def _time(value: object) -> datetime:
    if type(value) is not int or not 0 <= value <= _LATEST_TIME:  # `type`: True is an int as well
        raise AccessTokenInvalid
    return datetime.fromtimestamp(value, UTC)


def _uuid(value: object) -> UUID:
    try:
        parsed = UUID(_text(value))
    except ValueError:
        raise AccessTokenInvalid from None
    if str(parsed) != value:
        raise AccessTokenInvalid
    return parsed


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise AccessTokenInvalid
    return tuple(_matching(_WORD, word) for word in value)


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if not pattern.fullmatch(_text(value)):
        raise AccessTokenInvalid
    return _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise AccessTokenInvalid
    return value


def _without_duplicates(members: Iterable[tuple[str, object]]) -> dict[str, object]:
    members = list(members)
    unique = dict(members)
    if len(unique) != len(members):
        # RFC 7519 section 4 also lets a parser take the last one: two verifiers could read two tokens.
        raise ValueError("A member stands twice.")
    return unique


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


_JSON = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_no_constant)


def _json_object(raw: bytes) -> dict[str, object]:
    try:
        value = _JSON.decode(raw.decode())
    except (ValueError, RecursionError):
        raise AccessTokenInvalid from None
    if not isinstance(value, dict):
        raise AccessTokenInvalid
    return value
