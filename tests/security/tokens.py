"""What the tests of access tokens share: keys, claims, and a forger that trusts neither of the two libraries."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from adapters.security.canonical_base64 import encode
from adapters.security.ec_keys import EcKeyMaker, private_key
from adapters.security.jose_tokens import JoseAccessTokens
from adapters.security.joserfc_tokens import JoserfcAccessTokens
from adapters.security.strict_access_tokens import StrictAccessTokens
from application.ports.signing_keys import ActiveKey, KeyPair, Keys
from application.ports.unit_of_work import Unavailable
from domain.access import AccessClaims
from domain.kernel import AccountId, KeyId, SessionId

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ISSUER, AUDIENCE, CLIENT = "https://id.example.org", "portico", "portico-web"
PAIR = EcKeyMaker().make()
KEY_ID = KeyId(UUID("0195a7e4-7c00-7000-8000-00000000000a"))
ADAPTERS: list[type[StrictAccessTokens]] = [JoseAccessTokens, JoserfcAccessTokens]


@dataclass
class HeldKeys(Keys):
    """Keys in a dictionary; the last one that was put in signs."""

    pairs: dict[KeyId, KeyPair] = field(default_factory=lambda: {KEY_ID: PAIR})
    asked: int = 0

    def active(self) -> ActiveKey:
        if not self.pairs:
            raise Unavailable
        id, pair = list(self.pairs.items())[-1]
        return ActiveKey(id, pair.private_pem)

    def public_pem(self, id: KeyId) -> str | None:
        self.asked += 1
        pair = self.pairs.get(id)
        return pair.public_pem if pair else None

    def rotate(self) -> KeyId:
        id = KeyId(uuid4())
        self.pairs[id] = EcKeyMaker().make()
        return id


def tokens_of(adapter: type[StrictAccessTokens], keys: Keys | None = None) -> StrictAccessTokens:
    return adapter(keys=keys or HeldKeys(), issuer=ISSUER, audience=AUDIENCE, client_id=CLIENT)


def some_claims(**changes: Any) -> AccessClaims:
    claims = AccessClaims(
        account_id=AccountId(UUID("0195a7e4-7c00-7000-8000-000000000001")),
        session_id=SessionId(UUID("0195a7e4-7c00-7000-8000-000000000002")),
        token_id=UUID("0195a7e4-7c00-7000-8000-000000000003"),
        issued_at=NOON,
        expires_at=NOON + timedelta(minutes=10),
        authenticated_at=NOON - timedelta(hours=3),
        amr=("pwd", "otp"),
        acr="aal2",
        scope="account organizations:read",
    )
    return replace(claims, **changes)


def the_header(**changes: object) -> dict[str, object]:
    return {"alg": "ES256", "typ": "at+jwt", "kid": str(KEY_ID)} | changes


def the_payload(**changes: object) -> dict[str, object]:
    claims = some_claims()
    noon = int(NOON.timestamp())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": CLIENT,
        "sub": str(claims.account_id),
        "sid": str(claims.session_id),
        "jti": str(claims.token_id),
        "iat": noon,
        "nbf": noon,
        "exp": noon + 600,
        "auth_time": noon - 3 * 3600,
        "amr": ["pwd", "otp"],
        "acr": "aal2",
        "scope": "account organizations:read",
    } | changes


def forged(
    header: dict[str, object] | bytes | None = None,
    payload: dict[str, object] | bytes | None = None,
    *,
    pair: KeyPair = PAIR,
) -> str:
    """A token of that header and payload whose signature is good: what is wrong with it is what it says."""
    header, payload = the_header() if header is None else header, the_payload() if payload is None else payload
    raw = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signed = ".".join(map(encode, raw))
    return f"{signed}.{encode(raw_signature(signed, pair))}"


def raw_signature(signed: str, pair: KeyPair = PAIR) -> bytes:
    r, s = decode_dss_signature(private_key(pair.private_pem).sign(signed.encode(), ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)
