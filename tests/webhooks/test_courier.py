import asyncio
import time
from contextlib import closing

import pytest

from adapters.webhooks.courier import HttpCourier
from application.ports.webhooks import Receipt
from tests.webhooks.parcels import PATIENCE, a_parcel, called
from tests.webhooks.receivers import NO_CONTENT, Answer, Receiver, drips, receiving, says

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def test_an_event_arrives_as_json_with_its_body_to_the_byte(courier: HttpCourier, receiver: Receiver) -> None:
    parcel = a_parcel(f"{receiver.url}?tenant=4&q=a%20b", body=b'{"a":"\xc3\xa9"}')
    courier.send(parcel)
    (receipt,) = courier.returned(wait=PATIENCE)
    (call,) = receiver.received
    assert (receipt.parcel, receipt.status, receipt.error) == (parcel, 204, "")
    assert call.line == "POST /hooks?tenant=4&q=a%20b HTTP/1.1"
    assert call.body == parcel.body
    assert call.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["user-agent"].startswith("Portico")


@pytest.mark.parametrize("status", [200, 201, 400, 404, 410, 429, 500, 503])
def test_the_status_is_told_whatever_it_is(courier: HttpCourier, receiver: Receiver, status: int) -> None:
    receiver.answer = says(b"HTTP/1.1 %d Word\r\nContent-Length: 5\r\n\r\nhello" % status)
    receipt = called(courier, receiver.url)
    assert (receipt.status, receipt.error) == (status, "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(courier: HttpCourier, receiver: Receiver, status: int) -> None:
    with receiving(Receiver()) as elsewhere:
        location = b"Location: %b\r\nContent-Length: 0\r\n\r\n" % elsewhere.url.encode()
        receiver.answer = says(b"HTTP/1.1 %d Moved\r\n" % status + location)
        receipt = called(courier, receiver.url)
    assert (receipt.status, receipt.error) == (status, "redirect")
    assert elsewhere.connections == 0


def test_one_connection_serves_one_call_after_another(courier: HttpCourier, receiver: Receiver) -> None:
    for _ in range(5):
        assert called(courier, receiver.url).status == 204
    assert receiver.connections == 1


@pytest.mark.parametrize("ending", [b"HTTP/1.1 200 OK\r\nConnection: close", b"HTTP/1.0 200 OK"])
def test_a_connection_that_the_receiver_ends_is_not_used_again(
    courier: HttpCourier, receiver: Receiver, ending: bytes
) -> None:
    receiver.answer = says(ending + b"\r\nContent-Length: 0\r\n\r\n")
    assert called(courier, receiver.url).status == 200
    assert called(courier, receiver.url).status == 200
    assert receiver.connections == 2


@pytest.mark.parametrize("more", [OK + b"Content-Length: 0\r\n\r\n", b"and more"], ids=["another answer", "anything"])
def test_an_answer_with_something_behind_it_is_none(courier: HttpCourier, receiver: Receiver, more: bytes) -> None:
    """Whose would the next one be?"""
    receiver.answer = says(OK + b"Content-Length: 2\r\n\r\nok" + more)
    assert called(courier, receiver.url).error == "bad_answer"
    assert called(courier, receiver.url).error == "bad_answer"
    assert receiver.connections == 2


def test_an_answer_that_nobody_asked_for_is_never_taken_for_the_next(courier: HttpCourier, receiver: Receiver) -> None:
    async def says_more_later(writer: asyncio.StreamWriter) -> None:
        writer.write(NO_CONTENT)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(OK + b"Content-Length: 0\r\n\r\n")

    receiver.answer = says_more_later
    assert called(courier, receiver.url).status == 204
    time.sleep(0.1)
    assert called(courier, receiver.url).status == 204
    assert receiver.connections == 2


def test_a_connection_that_the_receiver_closed_meanwhile_is_replaced(courier: HttpCourier, receiver: Receiver) -> None:
    receiver.answer = says(NO_CONTENT, and_hangs_up=True)
    assert called(courier, receiver.url).status == 204
    time.sleep(0.05)
    assert called(courier, receiver.url).status == 204


def test_provisional_answers_are_passed_over(courier: HttpCourier, receiver: Receiver) -> None:
    receiver.answer = says(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + NO_CONTENT)
    assert called(courier, receiver.url).status == 204


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5000,
        OK + b"X: " + b"x" * 70_000,
    ],
    ids=["no http", "upgrade", "no status", "two lengths", "provisional for ever", "header without end"],
)
def test_what_is_no_answer_is_a_failure(courier: HttpCourier, receiver: Receiver, answer: bytes) -> None:
    receiver.answer = says(answer)
    receipt = called(courier, receiver.url)
    assert (receipt.status, receipt.error) == (None, "bad_answer")


def test_a_receiver_that_hangs_up_is_a_failure(courier: HttpCourier, receiver: Receiver) -> None:
    receiver.answer = says(b"", and_hangs_up=True)
    assert called(courier, receiver.url).error == "connection"


def test_a_receiver_that_is_not_there_is_a_failure(courier: HttpCourier, receiver: Receiver) -> None:
    with receiving(Receiver()) as gone:
        url = gone.url
    assert called(courier, url).error in {"connection", "timeout"}


@pytest.mark.parametrize(
    "answer",
    [
        drips(b"", b""),
        drips(OK, b"X-More: 1\r\n", every=0.02),
        drips(OK + b"Content-Length: 60000\r\n\r\n", b"x", every=0.02),
        drips(CHUNKED, b"1\r\nx\r\n", every=0.02),
    ],
    ids=["silence", "headers", "body", "chunks"],
)
def test_an_answer_that_takes_its_time_is_given_up(courier: HttpCourier, receiver: Receiver, answer: Answer) -> None:
    receiver.answer = answer
    began = time.monotonic()
    receipt = called(courier, receiver.url)
    assert receipt.error == "timeout"
    assert 0.4 < time.monotonic() - began < 5


@pytest.mark.parametrize(
    "answer",
    [
        drips(OK + b"Content-Length: 100000000\r\n\r\n", b"x" * 10_000),
        drips(CHUNKED, b"2710\r\n" + b"x" * 10_000 + b"\r\n"),
        drips(CHUNKED, b"1\r\nx\r\n" * 1000),
        drips(OK + b"\r\n", b"x" * 10_000),
    ],
    ids=["long", "chunks", "tiny chunks", "until it closes"],
)
def test_of_an_answer_without_end_the_status_counts_and_the_rest_is_not_read(
    courier: HttpCourier, receiver: Receiver, answer: Answer
) -> None:
    receiver.answer = answer
    assert called(courier, receiver.url).status == 200


def test_cookies_are_not_kept(courier: HttpCourier, receiver: Receiver) -> None:
    receiver.answer = says(b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=b; Path=/\r\n\r\n")
    called(courier, receiver.url)
    called(courier, receiver.url)
    assert all("cookie" not in call.headers for call in receiver.received)


def test_a_receiver_that_is_slow_holds_nobody_up(receiver: Receiver) -> None:
    receiver.answer = drips(b"", b"")
    with receiving(Receiver()) as quick, closing(HttpCourier(allowed=["127.0.0.1"], timeout=3)) as courier:
        for _ in range(10):
            courier.send(a_parcel(receiver.url))
        began = time.monotonic()
        for _ in range(20):
            assert called(courier, quick.url).status == 204
        assert time.monotonic() - began < 2


def test_it_takes_so_many_calls_and_is_free_again_when_they_returned(receiver: Receiver) -> None:
    with closing(HttpCourier(allowed=["127.0.0.1"], at_once=3)) as courier:
        for _ in range(3):
            courier.send(a_parcel(receiver.url))
        assert courier.free() == 0
        receipts: list[Receipt] = []
        while len(receipts) < 3:
            receipts += courier.returned(wait=PATIENCE)
        assert courier.free() == 3


def test_asking_for_receipts_waits_no_longer_than_was_said(courier: HttpCourier) -> None:
    began = time.monotonic()
    assert courier.returned(wait=0.05) == []
    assert courier.returned(wait=0) == []
    assert time.monotonic() - began < 2


def test_closing_waits_for_no_receiver(receiver: Receiver) -> None:
    receiver.answer = drips(b"", b"")
    courier = HttpCourier(allowed=["127.0.0.1"], timeout=60)
    courier.send(a_parcel(receiver.url))
    time.sleep(0.05)
    began = time.monotonic()
    courier.close()
    assert time.monotonic() - began < 5
