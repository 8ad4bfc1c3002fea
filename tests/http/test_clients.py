"""Where a request comes from decides how fast its passwords are guessed: nobody may choose that."""

import pytest
from starlette.datastructures import Headers

from entrypoints.http.clients import ClientAddresses
from tests.http.conftest import Serve
from tests.http.service import ADA, Service

PROXIES = ("10.0.0.0/8", "192.0.2.7/32", "2001:db8:1::/48")


def address(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    headers = Headers(raw=[(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded])
    scope = {"client": (peer, 1234) if peer is not None else None}
    return ClientAddresses(trusted).address(scope, headers)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        # Nobody else is believed.
        ("198.51.100.1", ["203.0.113.5"], "198.51.100.1"),
        ("2001:db8:2::1", ["203.0.113.5"], "2001:db8:2::1"),
        # A trusted proxy is, for IPv4 and IPv6.
        ("10.1.2.3", ["203.0.113.5"], "203.0.113.5"),
        ("192.0.2.7", ["2001:db8:f::5"], "2001:db8:f::5"),
        ("2001:db8:1::1", ["203.0.113.5"], "203.0.113.5"),
        ("::ffff:10.1.2.3", ["203.0.113.5"], "203.0.113.5"),
        # Through several proxies: the last hop that is not ours, and nothing left of it.
        ("10.1.2.3", ["203.0.113.5, 10.9.9.9"], "203.0.113.5"),
        ("10.1.2.3", ["1.1.1.1, 203.0.113.5, 10.9.9.9, 2001:db8:1::7"], "203.0.113.5"),
        ("10.1.2.3", ["1.1.1.1, 203.0.113.5", "10.9.9.9"], "203.0.113.5"),
        ("10.1.2.3", ["10.8.8.8, 10.9.9.9"], "10.8.8.8"),
        # Garbage ends the reading; what is right of it still counts.
        ("10.1.2.3", ["garbage"], "10.1.2.3"),
        ("10.1.2.3", [""], "10.1.2.3"),
        ("10.1.2.3", [","], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.5, garbage, 10.9.9.9"], "10.9.9.9"),
        ("10.1.2.3", ["203.0.113.5, unknown"], "10.1.2.3"),
        # Some proxies write the port as well.
        ("10.1.2.3", ["203.0.113.5:4711"], "203.0.113.5"),
        ("10.1.2.3", ["[2001:db8:f::5]:4711"], "2001:db8:f::5"),
        ("10.1.2.3", ["2001:db8:f::5"], "2001:db8:f::5"),
        ("10.1.2.3", ["\xff\x00"], "10.1.2.3"),
        ("10.1.2.3", ["1.1.1.1," * 5_000 + "203.0.113.5"], "203.0.113.5"),
        # Without a header, or without an address.
        ("10.1.2.3", [], "10.1.2.3"),
        ("", ["203.0.113.5"], ""),
        (None, ["203.0.113.5"], ""),
        ("testclient", ["203.0.113.5"], "testclient"),
    ],
)
def test_only_what_a_trusted_proxy_says_counts(peer: str | None, forwarded: list[str], expected: str) -> None:
    assert address(peer, *forwarded) == expected


def test_without_trusted_proxies_the_header_is_not_read() -> None:
    assert address("10.1.2.3", "203.0.113.5", trusted=()) == "10.1.2.3"


def test_in_development_all_may_be_trusted() -> None:
    assert address("198.51.100.1", "203.0.113.5, 1.1.1.1", trusted=("*",)) == "203.0.113.5"
    assert address("2001:db8::1", "2001:db8::5", trusted=("*",)) == "2001:db8::5"


def test_a_forged_header_buys_no_further_guesses(service: Service) -> None:
    body = {"email": ADA, "password": "a guess"}
    answers = [
        service.post("/v1/sessions", body, headers={"x-forwarded-for": f"203.0.113.{number}"}).status_code
        for number in range(6)
    ]
    assert answers == [401] * 5 + [429]


def test_clients_behind_a_trusted_proxy_are_told_apart(serve: Serve) -> None:
    service = serve(TRUSTED_PROXIES="10.0.0.0/8")

    def guess(client: str) -> int:
        headers = {"x-forwarded-for": client}
        body = {"email": ADA, "password": "a guess"}
        return service.post("/v1/sessions", body, peer="10.1.2.3", headers=headers).status_code

    assert [guess("203.0.113.5") for _ in range(6)] == [401] * 5 + [429]
    assert guess("203.0.113.6") == 401
    # An IPv6 subscriber has a /64.
    assert [guess(f"2001:db8::{number}") for number in range(6)] == [401] * 5 + [429]
    assert guess("2001:db8:0:1::1") == 401
