"""Which tokens count, and how often Portico is asked for its keys."""

import time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from examples.invoicing_backend.callers import TokenRefused, Unavailable
from examples.invoicing_backend.tokens import FRESH, PAUSE, PorticoKeys, PorticoTokens

ISSUER = "https://accounts.example.com"
ACCOUNT, ORGANIZATION = uuid4(), uuid4()


class Portico:
    """Has keys, and counts who asks for them."""

    def __init__(self) -> None:
        self.time = 0.0
        self.asked = 0
        self.is_up = True
        self.keys = [a_key()]
        self.public = PorticoKeys(self.jwks, now=lambda: self.time)
        self.tokens = PorticoTokens(self.public, issuer=ISSUER, audience="invoicing")

    def jwks(self) -> dict[str, Any]:
        self.asked += 1
        if not self.is_up:
            raise httpx.ConnectError("down")
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, *, key: ECKey | OctKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good one, but for what is said otherwise; None leaves a claim out."""
        now = int(time.time())
        said = {
            "iss": ISSUER,
            "aud": "invoicing",
            "sub": str(ACCOUNT),
            "org": str(ORGANIZATION),
            "permissions": ["invoices:read"],
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            **claims,
        }
        key = key or self.keys[0]
        return jwt.encode(
            {"alg": "ES256", "typ": "at+jwt", "kid": str(self.keys[0].kid), **(header or {})},
            {name: value for name, value in said.items() if value is not None},
            key,
            algorithms=["ES256", "HS256"],
        )


def a_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": str(uuid4()), "use": "sig", "alg": "ES256"})


@pytest.fixture
def portico() -> Portico:
    return Portico()


def test_a_token_says_who_calls_from_where_and_what_they_may_do(portico: Portico) -> None:
    caller = portico.tokens.caller(portico.token())
    assert (caller.account_id, caller.organization_id) == (ACCOUNT, ORGANIZATION)
    assert caller.permissions == {"invoices:read"}


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.com"},
        {"aud": "portico"},
        {"aud": ["invoicing", "payroll"]},
        {"exp": 1},
        {"nbf": 1 << 40},
        {"iat": 1 << 40},
        {"sub": "nobody"},
        {"org": "nowhere"},
        {"permissions": "invoices:read"},
        {"permissions": [["invoices:read"]]},
        *({missing: None} for missing in ("iss", "aud", "exp", "nbf", "iat", "sub", "org", "permissions")),
    ],
    ids=str,
)
def test_a_token_with_a_claim_amiss_is_refused(portico: Portico, claims: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        portico.tokens.caller(portico.token(**claims))


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "id+jwt"}, {"kid": "elsewhere"}], ids=str)
def test_a_token_of_another_kind_is_refused(portico: Portico, header: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        portico.tokens.caller(portico.token(header=header))


def test_a_token_that_another_key_signed_is_refused(portico: Portico) -> None:
    with pytest.raises(TokenRefused):
        portico.tokens.caller(portico.token(key=a_key()))


def test_a_public_key_is_no_shared_secret(portico: Portico) -> None:
    """RFC 8725 section 2.1: HS256 with what everybody can read."""
    shared = OctKey.import_key(portico.keys[0].as_pem(private=False).hex())
    with pytest.raises(TokenRefused):
        portico.tokens.caller(portico.token(key=shared, header={"alg": "HS256"}))


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "e30.e30.e30", "é.é.é", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_refused(portico: Portico, text: str) -> None:
    with pytest.raises(TokenRefused):
        portico.tokens.caller(text)


def test_keys_are_kept_and_looked_up_again_once_they_are_old(portico: Portico) -> None:
    for _ in range(10):
        portico.tokens.caller(portico.token())
    assert portico.asked == 1
    portico.time = FRESH + 1
    portico.tokens.caller(portico.token())
    assert portico.asked == 2


def test_a_key_that_was_made_meanwhile_is_found_at_once(portico: Portico) -> None:
    portico.tokens.caller(portico.token())
    portico.time = PAUSE + 1
    portico.keys.insert(0, a_key())
    portico.tokens.caller(portico.token())
    assert portico.asked == 2


def test_made_up_key_ids_do_not_make_us_ask_all_the_time(portico: Portico) -> None:
    portico.tokens.caller(portico.token())
    for _ in range(10):
        with pytest.raises(TokenRefused):
            portico.tokens.caller(portico.token(header={"kid": str(uuid4())}))
    assert portico.asked == 1


def test_a_key_that_was_revoked_no_longer_counts(portico: Portico) -> None:
    old = portico.token()
    portico.tokens.caller(old)
    portico.keys = [a_key()]
    portico.time = FRESH + 1
    with pytest.raises(TokenRefused):
        portico.tokens.caller(old)


def test_while_portico_is_down_the_keys_at_hand_go_on(portico: Portico) -> None:
    portico.tokens.caller(portico.token())
    portico.is_up, portico.time = False, FRESH + 1
    portico.tokens.caller(portico.token())


def test_without_any_key_nobody_is_judged(portico: Portico) -> None:
    portico.is_up = False
    with pytest.raises(Unavailable):
        portico.tokens.caller(portico.token())
