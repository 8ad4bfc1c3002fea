import hashlib
import logging
from collections.abc import Callable

import httpx
import pytest

from adapters.security.common_passwords import ListedPasswords
from adapters.security.range_service import RangeService

KNOWN = "correct horse battery staple"
DIGEST = hashlib.sha1(KNOWN.encode()).hexdigest().upper()  # noqa: S324 (the service's interface)
BUNDLED = ListedPasswords()

Answer = Callable[[httpx.Request], httpx.Response]


class Asked:
    """A service that knows one password, and the requests that reached it."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.now = 0.0
        self.answer = answer or self.known
        client = httpx.Client(transport=httpx.MockTransport(self.respond))
        self.service = RangeService("https://range.example/range/", client, otherwise=BUNDLED, seconds=lambda: self.now)

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    def known(self, request: httpx.Request) -> httpx.Response:
        padding = f"{'0' * 35}:0\r\n{hashlib.sha1(b'padded').hexdigest()[5:].upper()}:0"  # noqa: S324
        found = f"{DIGEST[5:]}:42\r\n" if request.url.path.endswith(DIGEST[:5]) else ""
        return httpx.Response(200, text=f"{'F' * 35}:3\r\n{found}{padding}")


def test_what_the_service_knows_is_common() -> None:
    assert Asked().service.contains(KNOWN)
    assert not Asked().service.contains(KNOWN + "r")


def test_the_service_is_told_five_digits_and_asked_for_padding() -> None:
    asked = Asked()
    asked.service.contains(KNOWN)
    (request,) = asked.requests
    assert str(request.url) == f"https://range.example/range/{DIGEST[:5]}"
    assert request.headers["Add-Padding"] == "true"
    assert request.extensions["timeout"]["read"] == 2.0


def test_padding_is_no_find() -> None:
    digest = hashlib.sha1(KNOWN.encode()).hexdigest().upper()  # noqa: S324
    assert not Asked(lambda _: httpx.Response(200, text=f"{digest[5:]}:0")).service.contains(KNOWN)


def test_what_is_in_the_list_is_not_asked() -> None:
    asked = Asked()
    assert asked.service.contains("Password1234")
    assert asked.requests == []


def fails_to_connect(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("too late", request=request)


@pytest.mark.parametrize(
    "answer",
    [
        fails_to_connect,
        lambda _: httpx.Response(503),
        lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
    ],
)
def test_a_service_that_fails_keeps_nobody_from_signing_up(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    asked = Asked(answer)
    assert not asked.service.contains(KNOWN)
    assert asked.service.contains("password1234")
    assert "range service failed" in caplog.text
    assert KNOWN not in caplog.text
    assert DIGEST[:5] not in "".join(record.getMessage() for record in caplog.records if record.levelno > logging.INFO)


def test_a_service_that_failed_is_left_alone_for_a_while() -> None:
    asked = Asked(fails_to_connect)
    asked.service.contains(KNOWN)
    asked.answer = asked.known
    asked.now = 29.0
    assert not asked.service.contains(KNOWN)
    asked.now = 31.0
    assert asked.service.contains(KNOWN)
    assert len(asked.requests) == 2


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>", b":::\n::", b"\0"])
def test_an_odd_answer_is_no_find(body: bytes) -> None:
    assert not Asked(lambda _: httpx.Response(200, content=body)).service.contains(KNOWN)


def test_any_password_can_be_asked_for() -> None:
    assert not Asked().service.contains("\ud800")
