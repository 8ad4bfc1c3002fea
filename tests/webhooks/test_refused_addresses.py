"""Requests that a stranger would like this machine to make (OWASP: server-side request forgery)."""

import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from adapters.webhooks.courier import HttpCourier
from adapters.webhooks.resolving import Resolver
from tests.webhooks.parcels import called
from tests.webhooks.receivers import Receiver, receiving, says

Resolving = Callable[..., HttpCourier]

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",  # noqa: S104 (nothing is bound)
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "１２７。０。０。１",
        "127。0。0。1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%25lo]",
        "[fe80::1%lo]",
        "169.254.169.254",
        "2852039166",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "100.100.100.200",
    ],
)
def test_no_notation_of_a_private_address_gets_through(strict: HttpCourier, receiver: Receiver, host: str) -> None:
    receipt = called(strict, f"https://{host}:{receiver.port}/")
    assert receipt.error in {"refused_address", "unresolved"}
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "localhost", "127。0。0。1", "[::1]"],
)
def test_what_the_system_takes_for_this_machine_is_judged_by_that(strict: HttpCourier, host: str) -> None:
    assert called(strict, f"https://{host}/").error == "refused_address"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com@127.0.0.1/",
        "https://127.0.0.1@example.com/",
        "https://user:password@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://127.0.0.1\\@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/",
        "https:///path",
        "https://example.com:99999/",
        "https://example.com/a b",
        "https://example.com/\r\nX-Injected: 1",
        "https://example.com/é",
        "https://[::1/",
        "https://" + "a" * 64 + ".com/",
        "https://a..example.com/",
        "",
    ],
)
def test_what_could_be_read_in_two_ways_is_not_called(resolving_to: Resolving, url: str) -> None:
    assert called(resolving_to([PUBLIC], timeout=0.2), url).error == "bad_url"


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC, "fe80::1%lo"]]
)
def test_one_bad_address_refuses_all(resolving_to: Resolving, receiver: Receiver, addresses: list[str]) -> None:
    courier = resolving_to(addresses)
    assert called(courier, f"https://hooks.example.com:{receiver.port}/").error == "refused_address"
    assert receiver.connections == 0


def test_a_name_that_changes_its_mind_after_the_check_leads_nowhere_else(
    resolving_to: Resolving, receiver: Receiver
) -> None:
    """The second look-up, which would name this machine, is never made: what was checked is what is connected to."""
    courier = resolving_to([PUBLIC], ["127.0.0.1"], timeout=0.3)
    receipt = called(courier, f"https://hooks.example.com:{receiver.port}/")
    assert receipt.error in {"timeout", "connection"}
    assert receiver.connections == 0


def test_each_new_connection_is_checked_anew(resolving_to: Resolving, receiver: Receiver) -> None:
    courier = resolving_to([PUBLIC], ["127.0.0.1"], timeout=0.3)
    url = f"https://hooks.example.com:{receiver.port}/"
    called(courier, url)
    assert called(courier, url).error == "refused_address"
    assert receiver.connections == 0


def test_a_connection_that_is_open_outlives_a_change_of_its_name(resolving_to: Resolving, receiver: Receiver) -> None:
    courier = resolving_to(["127.0.0.1"], ["127.0.0.2"], allowed=["hooks.internal"])
    for _ in range(3):
        assert called(courier, f"http://hooks.internal:{receiver.port}/").status == 204
    assert receiver.connections == 1


def test_a_host_without_an_address_is_told_so(resolving_to: Resolving, strict: HttpCourier) -> None:
    assert called(resolving_to([]), "https://hooks.example.com/").error == "unresolved"
    assert called(strict, "https://name.invalid/").error in {"unresolved", "timeout"}


def test_the_next_address_is_tried_when_one_leads_nowhere(resolving_to: Resolving, receiver: Receiver) -> None:
    courier = resolving_to(["127.0.0.9", "127.0.0.1"], allowed=["hooks.internal"])
    assert called(courier, f"http://hooks.internal:{receiver.port}/").status == 204


def test_without_tls_nothing_is_called(resolving_to: Resolving) -> None:
    assert called(resolving_to([PUBLIC]), "http://hooks.example.com/").error == "refused_address"


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.1:{port}"])
def test_a_host_that_is_allowed_by_name_may_be_private_and_without_tls(
    resolving_to: Resolving, receiver: Receiver, allowed: str
) -> None:
    courier = resolving_to(["127.0.0.1"], allowed=[allowed.format(port=receiver.port)])
    assert called(courier, receiver.url).status == 204


@pytest.mark.parametrize("allowed", ["127.0.0.1:1", "localhost", "0.0.1", "127.0.0.1.", "*", ""])
def test_only_that_very_name_is_allowed(resolving_to: Resolving, receiver: Receiver, allowed: str) -> None:
    courier = resolving_to(["127.0.0.1"], allowed=[allowed])
    assert called(courier, receiver.url).error == "refused_address"
    assert receiver.connections == 0


def test_what_an_allowed_host_redirects_to_is_not_called(resolving_to: Resolving) -> None:
    with receiving(Receiver()) as inside:
        location = f"Location: {inside.url}\r\nContent-Length: 0\r\n\r\n"
        with receiving(Receiver(says(b"HTTP/1.1 307 Go\r\n" + location.encode()))) as allowed:
            courier = resolving_to(["127.0.0.1"], allowed=[f"127.0.0.1:{allowed.port}"])
            assert called(courier, allowed.url).error == "redirect"
        assert inside.connections == 0


@pytest.mark.usefixtures("no_environment")
def test_proxies_of_the_environment_are_ignored(resolving_to: Resolving, receiver: Receiver) -> None:
    courier = resolving_to(["127.0.0.1"], allowed=["hooks.internal"])
    assert called(courier, f"http://hooks.internal:{receiver.port}/").status == 204


def test_name_servers_that_are_silent_cost_the_call_alone(
    receiver: Receiver,
) -> None:
    silent = threading.Event()

    def look_up(host: str, _port: int) -> list[str]:
        if host == "silent.example.com":
            silent.wait(20)
        return ["127.0.0.1"]

    began = time.monotonic()
    with closing(HttpCourier(allowed=["127.0.0.1"], timeout=0.5, resolve=Resolver(look_up=look_up))) as courier:
        try:
            assert called(courier, "https://silent.example.com/").error == "timeout"
            assert called(courier, receiver.url).status == 204
            assert time.monotonic() - began < 5
        finally:
            silent.set()
