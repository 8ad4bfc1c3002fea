"""Signature vectors that someone else wrote, where they lie beside the checkout (C2SP Wycheproof, Apache-2.0)."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.security.access_token_format import CompactToken
from adapters.security.canonical_base64 import decode
from adapters.security.ec_keys import ALGORITHM
from adapters.security.strict_access_tokens import StrictAccessTokens
from domain.access import AccessTokenInvalid
from tests.security.tokens import ADAPTERS, NOON, tokens_of

FILE = Path(__file__).parents[3] / "shared" / "vectors" / "json_web_signature_test.json"
CONTESTED = {346, 347, 350, 351, 372, 373}
GROUPS: list[dict[str, Any]] = json.loads(FILE.read_text())["testGroups"] if FILE.exists() else []

# RFC 7515, appendix A.3, so that there is a case without that file too.
JWK = {
    "kty": "EC",
    "crv": "P-256",
    "alg": "ES256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
TOKEN = (
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
    "cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
A_3 = [("rfc 7515 a.3", JWK, TOKEN, True), ("rfc 7515 a.3, changed", JWK, TOKEN.replace(".Dt", ".Du"), False)]

SIGNED_FOR_OUR_KEYS = A_3 + [
    (f"{test['tcId']} {test['comment']}", group["public"], test["jws"], test["result"] == "valid")
    for group in GROUPS
    if group.get("public", {}).get("alg") == ALGORITHM
    for test in group["tests"]
    if test["tcId"] not in CONTESTED
]


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(
    ("jwk", "token", "valid"), [case[1:] for case in SIGNED_FOR_OUR_KEYS], ids=[case[0] for case in SIGNED_FOR_OUR_KEYS]
)
def test_a_signature_is_good_or_refused(
    adapter: type[StrictAccessTokens], jwk: dict[str, str], token: str, valid: bool
) -> None:
    try:
        CompactToken.parse(token)
        tokens_of(adapter).signed_payload(token, pem_of(jwk))
    except AccessTokenInvalid:
        assert not valid
    else:
        assert valid


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_no_token_of_any_algorithm_passes_for_ours(adapter: type[StrictAccessTokens]) -> None:
    tokens = tokens_of(adapter)
    for token in [TOKEN, *(test["jws"] for group in GROUPS for test in group["tests"])]:
        with pytest.raises(AccessTokenInvalid):
            tokens.verify(token if isinstance(token, str) else json.dumps(token), at=NOON)


def pem_of(jwk: dict[str, str]) -> str:
    x, y = (int.from_bytes(decode(jwk[name])) for name in "xy")
    key = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
