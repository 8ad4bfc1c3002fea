"""What JOSE libraries let pass, or fail on, by themselves: each is refused, and by the port's own error."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.access_token_format import LONGEST
from adapters.security.canonical_base64 import encode
from adapters.security.ec_keys import EcKeyMaker, private_key, public_key
from adapters.security.strict_access_tokens import StrictAccessTokens
from domain.access import AccessTokenInvalid
from tests.security.tokens import (
    ADAPTERS,
    AUDIENCE,
    KEY_ID,
    NOON,
    PAIR,
    forged,
    raw_signature,
    some_claims,
    the_header,
    the_payload,
    tokens_of,
)

type_of = pytest.mark.parametrize("adapter", ADAPTERS)
Adapter = type[StrictAccessTokens]


def is_refused(adapter: Adapter, token: str) -> bool:
    """Any error but the port's own leaves this function, and fails the test."""
    try:
        tokens_of(adapter).verify(token, at=NOON)
    except AccessTokenInvalid:
        return True
    return False


# ---- what it says


@type_of
@pytest.mark.parametrize("name", list(the_payload()))
def test_every_claim_is_demanded(adapter: Adapter, name: str) -> None:
    payload = the_payload()
    del payload[name]
    assert is_refused(adapter, forged(payload=payload))


ODD_VALUES: list[object] = [None, True, "", "x", "\ud800", "\0", 1.5, -1, 10**400, [], [None], ["\ud800"], {}, {"a": 1}]


@type_of
@pytest.mark.parametrize("name", list(the_payload()))
def test_every_claim_is_of_its_type(adapter: Adapter, name: str) -> None:
    meant = {("acr", "x"), ("scope", ""), ("scope", "x"), ("amr", "[]")}
    for odd in ODD_VALUES:
        if (name, odd if isinstance(odd, str) else json.dumps(odd)) not in meant:
            assert is_refused(adapter, forged(payload=the_payload(**{name: odd}))), odd


@type_of
@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "NaN", "Infinity", "1772366400.0", "1e9", "9" * 2000, "253402300800"]
)
@pytest.mark.parametrize("name", ["iat", "nbf", "exp", "auth_time"])
def test_a_time_is_a_whole_number_that_is_a_time(adapter: Adapter, name: str, number: str) -> None:
    payload = json.dumps(the_payload(**{name: "here"})).replace('"here"', number)
    assert is_refused(adapter, forged(payload=payload.encode()))


@type_of
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [AUDIENCE]},
        {"aud": AUDIENCE.upper()},
        {"sub": str(KEY_ID).upper()},
        {"sub": f"urn:uuid:{KEY_ID}"},
        {"sid": KEY_ID.hex},
        {"jti": f"{{{KEY_ID}}}"},
        {"scope": "a  b"},
        {"scope": " a"},
        {"scope": "a\n"},
        {"scope": 'a"'},
        {"acr": "aal 2"},
        {"amr": ["pwd", ""]},
        {"amr": "pwd"},
    ],
)
def test_a_claim_is_spelled_in_one_way(adapter: Adapter, changes: dict[str, object]) -> None:
    assert is_refused(adapter, forged(payload=the_payload(**changes)))


@type_of
@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_is_refused_even_where_nobody_looks(adapter: Adapter, constant: str) -> None:
    payload = json.dumps(the_payload(act="here")).replace('"here"', constant)
    assert is_refused(adapter, forged(payload=payload.encode()))


@type_of
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf" + json.dumps(the_payload()).encode(),
        json.dumps(the_payload()).encode("utf-16"),
        b"[" * 2500,
        b'{"a":' * 500,
    ],
)
def test_a_payload_is_a_json_object(adapter: Adapter, payload: bytes) -> None:
    token = forged(payload=payload)
    assert len(token) < LONGEST
    assert is_refused(adapter, token)


@type_of
@pytest.mark.parametrize("twice", [rb'{"sub":"x",', rb'{"\u0073ub":"x",', rb'{"act":{"a":1,"a":1},'])
def test_no_claim_stands_twice(adapter: Adapter, twice: bytes) -> None:
    assert is_refused(adapter, forged(payload=twice + json.dumps(the_payload()).encode()[1:]))


# ---- its header


@type_of
@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": "AT+JWT"},
        {"typ": "application/at+jwt"},
        {"typ": None},
        {"alg": "none"},
        {"alg": "es256"},
        {"alg": "ES384"},
        {"alg": "HS256"},
        {"alg": ["ES256"]},
        {"alg": None},
        {"crit": []},
        {"crit": ["exp"], "exp": 1},
        {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"},
        {"jku": "https://evil.example/jwks.json"},
        {"cty": "JWT"},
        {"kid": None},
        {"kid": ""},
        {"kid": "../../dev/null"},
        {"kid": "\ud800"},
        {"kid": KEY_ID.hex},
        {"kid": str(KEY_ID).upper()},
        {"kid": [str(KEY_ID)]},
        {"kid": "0195a7e4-7c00-7000-8000-0000000000ff"},
    ],
)
def test_a_header_is_one_that_portico_writes(adapter: Adapter, changes: dict[str, object]) -> None:
    assert is_refused(adapter, forged(the_header(**changes)))


@type_of
@pytest.mark.parametrize("name", ["alg", "typ", "kid"])
def test_no_header_member_may_be_missing(adapter: Adapter, name: str) -> None:
    header = the_header()
    del header[name]
    assert is_refused(adapter, forged(header))


@type_of
@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b"[" * 2500,
        b'{"a":' * 500,
        b'{"alg":"none",' + json.dumps(the_header()).encode()[1:],
    ],
)
def test_a_header_is_a_json_object_without_duplicates(adapter: Adapter, header: bytes) -> None:
    token = forged(header, b"{}")
    assert len(token) < LONGEST
    assert is_refused(adapter, token)


# ---- its signature


def hmac_signed(secret: bytes) -> str:
    signed = ".".join(encode(json.dumps(part).encode()) for part in (the_header(alg="HS256"), the_payload()))
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


@type_of
def test_a_public_key_is_no_hmac_secret(adapter: Adapter) -> None:
    der = public_key(PAIR.public_pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for secret in (der, PAIR.public_pem.encode(), PAIR.public_pem.strip().encode(), b""):
        assert is_refused(adapter, hmac_signed(secret))


@type_of
def test_a_key_that_the_token_brings_along_is_not_used(adapter: Adapter) -> None:
    own = EcKeyMaker().make()
    jwk = EcKeyMaker().public_jwk(KEY_ID, own.public_pem)
    assert is_refused(adapter, forged(the_header(jwk=jwk), pair=own))
    assert is_refused(adapter, forged(pair=own))


@type_of
def test_a_signature_is_two_numbers_of_32_bytes(adapter: Adapter) -> None:
    signed = forged().rpartition(".")[0]
    raw = raw_signature(signed)
    der = private_key(PAIR.private_pem).sign(signed.encode(), ECDSA(SHA256()))
    assert not is_refused(adapter, f"{signed}.{encode(raw)}")
    for odd in (b"", der, raw[:-1], raw + b"\0", b"\0" + raw, bytes(64), raw[:32] + bytes(32), raw + raw):
        assert is_refused(adapter, f"{signed}.{encode(odd)}")


@type_of
def test_no_character_can_be_changed(adapter: Adapter) -> None:
    token = forged()
    for place, character in enumerate(token):
        other = "A" if character != "A" else "B"
        assert is_refused(adapter, token[:place] + other + token[place + 1 :]), place


# ---- its spelling


def leniently_decoded(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


@type_of
def test_a_token_has_one_spelling(adapter: Adapter) -> None:
    header, payload, signature = forged().split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    left_over_bits = alphabet[alphabet.index(signature[-1]) + 1]
    assert leniently_decoded(signature) == leniently_decoded(signature[:-1] + left_over_bits)
    for spelling in (
        f"{header}.{payload}.{signature[:-1]}{left_over_bits}",
        f"{header}.{payload}.{signature}==",
        f"{header}.{payload}.{signature}\n",
        f"{header}.{payload}.{signature}.",
        f" {header}.{payload}.{signature}",
        f"{header}.{payload}. {signature}",
        f"{header}..{signature}",
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f"{header}.{payload[:-1]}\0.{signature}",
        f"{header}.{payload}\ud800.{signature}",
        f"{header}.{payload}.{signature[:-1]}é",
    ):
        assert is_refused(adapter, spelling), spelling


@type_of
def test_the_other_base64_alphabet_is_refused(adapter: Adapter) -> None:
    payload = json.dumps(the_payload(note="???>>>ÿÿÿ"), ensure_ascii=False).encode()
    token = forged(payload=payload)
    assert not is_refused(adapter, token)
    assert any(c in token for c in "-_")
    assert is_refused(adapter, token.replace("-", "+").replace("_", "/"))


@type_of
def test_what_is_too_long_is_not_read(adapter: Adapter) -> None:
    longest = forged(payload=the_payload(note="x" * 2400))
    assert 3500 < len(longest) <= LONGEST
    assert not is_refused(adapter, longest)
    assert is_refused(adapter, forged(payload=the_payload(note="x" * 3000)))
    assert is_refused(adapter, "." * 1_000_000)


# ---- anything


@type_of
@given(text=st.text(st.characters(exclude_categories=[])))
def test_any_text_is_refused(adapter: Adapter, text: str) -> None:
    assert is_refused(adapter, text)
    assert is_refused(adapter, forged() + text) or not text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@type_of
@given(name=st.sampled_from([*the_payload(), "act"]), value=JSON)
def test_whatever_a_claim_is_the_token_is_refused_or_means_one_thing(
    adapter: Adapter, name: str, value: object
) -> None:
    tokens = tokens_of(adapter)
    try:
        claims = tokens.verify(forged(payload=the_payload(**{name: value})), at=NOON)
    except AccessTokenInvalid:
        return
    assert tokens.verify(tokens.issue(claims), at=NOON) == claims


@type_of
@given(header=st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "x"]), JSON))
def test_any_other_header_is_refused(adapter: Adapter, header: dict[str, object]) -> None:
    assert is_refused(adapter, forged(header))


@type_of
@given(place=st.integers(0, 800), removed=st.integers(0, 20), put=st.text(max_size=10))
def test_any_change_is_refused(adapter: Adapter, place: int, removed: int, put: str) -> None:
    token = tokens_of(adapter).issue(some_claims())
    changed = token[:place] + put + token[place + removed :]
    assert is_refused(adapter, changed) or changed == token
