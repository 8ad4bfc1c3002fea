"""Verified by `standardwebhooks`, another's code."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from adapters.webhooks.courier import HttpCourier
from adapters.webhooks.signatures import signed_headers
from tests.webhooks.parcels import PATIENCE, SECRET, a_parcel
from tests.webhooks.receivers import Receiver

NEW, OLD = b"a new secret of thirty-two bytes", b"the old one, of as many as that "


def verifying(secret: bytes) -> Webhook:
    return Webhook("whsec_" + base64.b64encode(secret).decode())


def test_what_arrives_is_verified_by_the_library_of_the_standard(courier: HttpCourier, receiver: Receiver) -> None:
    parcel = a_parcel(receiver.url, body='{"name":"Zoë"}'.encode())
    courier.send(parcel)
    courier.returned(wait=PATIENCE)
    (call,) = receiver.received
    assert verifying(SECRET).verify(call.body, call.headers) == {"name": "Zoë"}
    assert call.headers["webhook-id"] == parcel.message_id


def test_while_rotating_either_secret_verifies() -> None:
    parcel = a_parcel("https://example.com/", secrets=(NEW, OLD))
    for secret in (NEW, OLD):
        verifying(secret).verify(parcel.body, signed_headers(parcel))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_the_id_and_the_time_are_signed(name: str) -> None:
    parcel = a_parcel("https://example.com/")
    headers = signed_headers(parcel)
    bent = {**headers, name: headers[name].replace(headers[name][-1], "7" if headers[name][-1] != "7" else "8")}
    with pytest.raises(WebhookVerificationError):
        verifying(SECRET).verify(parcel.body, bent)


def test_another_body_or_secret_does_not_verify() -> None:
    parcel = a_parcel("https://example.com/")
    with pytest.raises(WebhookVerificationError):
        verifying(SECRET).verify(parcel.body + b" ", signed_headers(parcel))
    with pytest.raises(WebhookVerificationError):
        verifying(OLD).verify(parcel.body, signed_headers(parcel))


def test_a_call_of_long_ago_is_refused_as_a_replay() -> None:
    parcel = a_parcel("https://example.com/", at=datetime.now(UTC) - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError):
        verifying(SECRET).verify(parcel.body, signed_headers(parcel))


def test_no_secret_shows_in_the_text_of_a_parcel() -> None:
    parcel = a_parcel("https://example.com/", secrets=(NEW, OLD))
    assert "secret" not in repr(parcel)
