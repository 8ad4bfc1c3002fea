"""The contract of AccessTokens, over python-jose and joserfc alike."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from adapters.security.access_token_format import CLOCK_LEEWAY
from adapters.security.canonical_base64 import decode
from adapters.security.ec_keys import EcKeyMaker
from adapters.security.strict_access_tokens import StrictAccessTokens
from application.ports.unit_of_work import Unavailable
from domain.access import AccessTokenInvalid
from tests.security.tokens import (
    ADAPTERS,
    AUDIENCE,
    CLIENT,
    ISSUER,
    KEY_ID,
    NOON,
    HeldKeys,
    forged,
    some_claims,
    the_header,
    the_payload,
    tokens_of,
)

type_of = pytest.mark.parametrize("adapter", ADAPTERS)
Adapter = type[StrictAccessTokens]


@type_of
def test_what_is_issued_verifies(adapter: Adapter) -> None:
    tokens = tokens_of(adapter)
    assert tokens.verify(tokens.issue(some_claims()), at=NOON) == some_claims()


@type_of
@pytest.mark.parametrize("changes", [{"amr": ()}, {"scope": ""}, {"acr": "urn:x:aal:1"}])
def test_claims_at_their_edges_survive(adapter: Adapter, changes: dict[str, object]) -> None:
    tokens = tokens_of(adapter)
    claims = some_claims(**changes)
    assert tokens.verify(tokens.issue(claims), at=NOON) == claims


@type_of
def test_a_token_says_what_rfc_9068_demands_and_no_more(adapter: Adapter) -> None:
    header, payload, _ = tokens_of(adapter).issue(some_claims()).split(".")
    assert json.loads(decode(header)) == the_header()
    assert json.loads(decode(payload)) == the_payload()


def test_one_library_verifies_what_the_other_signed() -> None:
    jose, joserfc = (tokens_of(adapter) for adapter in ADAPTERS)
    assert jose.verify(joserfc.issue(some_claims()), at=NOON) == some_claims()
    assert joserfc.verify(jose.issue(some_claims()), at=NOON) == some_claims()


@type_of
def test_the_forger_of_these_tests_can_forge(adapter: Adapter) -> None:
    assert tokens_of(adapter).verify(forged(), at=NOON) == some_claims()


@type_of
@pytest.mark.parametrize(
    "at",
    [NOON - CLOCK_LEEWAY, NOON, NOON + timedelta(minutes=10) - timedelta(microseconds=1)],
)
def test_it_is_good_until_it_expires(adapter: Adapter, at: datetime) -> None:
    assert tokens_of(adapter).verify(forged(), at=at)


@type_of
@pytest.mark.parametrize("at", [NOON - CLOCK_LEEWAY - timedelta(microseconds=1), NOON + timedelta(minutes=10)])
def test_it_is_good_neither_before_nor_after(adapter: Adapter, at: datetime) -> None:
    with pytest.raises(AccessTokenInvalid):
        tokens_of(adapter).verify(forged(), at=at)


@type_of
@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_neither_beginning_may_lie_ahead(adapter: Adapter, name: str) -> None:
    ahead = int((NOON + CLOCK_LEEWAY).timestamp())
    assert tokens_of(adapter).verify(forged(payload=the_payload(**{name: ahead})), at=NOON)
    with pytest.raises(AccessTokenInvalid):
        tokens_of(adapter).verify(forged(payload=the_payload(**{name: ahead + 1})), at=NOON)


@type_of
def test_a_claim_that_a_newer_portico_adds_is_passed_over(adapter: Adapter) -> None:
    assert tokens_of(adapter).verify(forged(payload=the_payload(act={"sub": "x"})), at=NOON) == some_claims()


@type_of
@pytest.mark.parametrize(
    "other",
    [
        {"issuer": "https://id.example.com", "audience": AUDIENCE, "client_id": CLIENT},
        {"issuer": ISSUER, "audience": "reports", "client_id": CLIENT},
        {"issuer": ISSUER, "audience": AUDIENCE, "client_id": "reports"},
    ],
)
def test_a_token_of_other_parties_is_refused(adapter: Adapter, other: dict[str, str]) -> None:
    token = adapter(keys=HeldKeys(), **other).issue(some_claims())
    with pytest.raises(AccessTokenInvalid):
        tokens_of(adapter).verify(token, at=NOON)


@type_of
def test_a_rotation_breaks_no_token(adapter: Adapter) -> None:
    keys = HeldKeys()
    tokens = tokens_of(adapter, keys)
    before = tokens.issue(some_claims())
    successor = keys.rotate()
    after = tokens.issue(some_claims())
    assert json.loads(decode(after.split(".")[0]))["kid"] == str(successor)
    assert tokens.verify(before, at=NOON) == tokens.verify(after, at=NOON) == some_claims()


@type_of
def test_a_revoked_key_verifies_nothing(adapter: Adapter) -> None:
    keys = HeldKeys()
    tokens = tokens_of(adapter, keys)
    token = tokens.issue(some_claims())
    keys.rotate()
    del keys.pairs[KEY_ID]
    with pytest.raises(AccessTokenInvalid):
        tokens.verify(token, at=NOON)


@type_of
def test_a_key_cannot_sign_in_another_ones_name(adapter: Adapter) -> None:
    keys = HeldKeys()
    other = keys.rotate()
    with pytest.raises(AccessTokenInvalid):
        tokens_of(adapter, keys).verify(forged(the_header(kid=str(other))), at=NOON)


@type_of
def test_a_key_that_took_anothers_id_is_not_mistaken_for_it(adapter: Adapter) -> None:
    keys = HeldKeys()
    tokens = tokens_of(adapter, keys)
    tokens.verify(forged(), at=NOON)
    keys.pairs[KEY_ID] = EcKeyMaker().make()
    with pytest.raises(AccessTokenInvalid):
        tokens.verify(forged(), at=NOON)


@type_of
def test_without_a_key_nothing_is_issued(adapter: Adapter) -> None:
    with pytest.raises(Unavailable):
        tokens_of(adapter, HeldKeys(pairs={})).issue(some_claims())


def test_python_jose_does_without_the_ecdsa_package() -> None:
    """`ecdsa` (CVE-2024-23342) comes with python-jose, but is neither used nor even loaded."""
    program = """
import sys
from tests.security.tokens import JoseAccessTokens, NOON, some_claims, tokens_of
tokens = tokens_of(JoseAccessTokens)
tokens.verify(tokens.issue(some_claims()), at=NOON)
assert "jose.backends.cryptography_backend" in sys.modules
sys.exit("ecdsa" in sys.modules or "jose.backends.ecdsa_backend" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
