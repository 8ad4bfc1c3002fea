"""Whatever stands in place of a passkey is refused, and nothing else happens."""

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.passkeys import PasskeyRefused, PasskeyWrong
from tests.security.authenticator import (
    Authenticator,
    from_base64url,
    to_base64url,
)
from tests.security.relying_party import (
    ORIGIN,
    RANDOM,
    VERIFIER,
    changed,
    must_be_refused,
    must_be_wrong,
    registered,
    to_register,
    to_sign_in,
)


def never_anything_else(credential: Any) -> None:
    """Nothing that was not made by the device is taken, and nothing else is raised."""
    must_be_refused(credential)
    must_be_wrong(credential, PASSKEY)
    with suppress(PasskeyWrong):
        VERIFIER.claimed(credential)


DEVICE = Authenticator(origin=ORIGIN)
PASSKEY = registered(DEVICE)
WHOLE = [DEVICE.create(to_register()), DEVICE.get(to_sign_in())]
A_MEGABYTE = "A" * 2**20

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def nested(depth: int) -> dict[str, Any]:
    deep: dict[str, Any] = {}
    for _ in range(depth):
        deep = {"response": deep}
    return deep


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"response": None},
        {"response": []},
        {"response": {}, "rawId": 5},
        {"response": {"userHandle": 5}, "rawId": "AA"},
        {"response": {"userHandle": "\ud800"}, "rawId": "AA"},
        {"response": {}, "rawId": "\ud800"},
        {"response": {}, "rawId": "é"},
        nested(900),
        nested(20_000),
    ],
    ids=range(10),
)
def test_what_is_no_credential_is_refused(credential: dict[str, Any]) -> None:
    never_anything_else(credential)


@pytest.mark.parametrize("whole", WHOLE, ids=["registration", "sign-in"])
def test_a_megabyte_anywhere_is_refused_at_once(whole: dict[str, Any]) -> None:
    before = time.process_time()
    for part in ("id", "rawId", "type", "authenticatorAttachment", "unknown"):
        must_be_refused(whole | {part: A_MEGABYTE})
        must_be_wrong(whole | {part: A_MEGABYTE}, PASSKEY)
    for part in ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle", "transports"):
        must_be_refused(changed(whole, **{part: A_MEGABYTE}))
        must_be_wrong(changed(whole, **{part: A_MEGABYTE}), PASSKEY)
    assert time.process_time() - before < 5, "a second on a slow machine"


@given(
    part=st.sampled_from(["clientDataJSON", "attestationObject", "authenticatorData", "signature"]), value=json_values
)
def test_any_json_in_place_of_a_part_is_refused(part: str, value: Any) -> None:
    created, answer = WHOLE
    if part in created["response"]:
        must_be_refused(changed(created, **{part: value}))
    if part in answer["response"]:
        must_be_wrong(changed(answer, **{part: value}), PASSKEY)


@given(value=json_values)
def test_any_json_for_a_mere_hint_is_refused_or_passed_over(value: Any) -> None:
    created, answer = WHOLE
    with suppress(PasskeyRefused):
        new = VERIFIER.verify_registration(changed(created, transports=value), random=RANDOM)
        assert set(new.transports) <= {"usb", "nfc", "ble", "smart-card", "hybrid", "cable", "internal"}
    with suppress(PasskeyWrong):
        assert VERIFIER.claimed(changed(answer, userHandle=value))[1] == PASSKEY.credential_id


@given(credential=st.dictionaries(st.sampled_from(["id", "rawId", "type", "response", "x"]), json_values))
def test_any_json_is_refused(credential: dict[str, Any]) -> None:
    never_anything_else(credential)


@given(raw=st.binary(max_size=300))
def test_random_bytes_for_what_an_authenticator_says_are_refused(raw: bytes) -> None:
    created, answer = WHOLE
    must_be_refused(changed(created, attestationObject=to_base64url(raw)))
    must_be_wrong(changed(answer, authenticatorData=to_base64url(raw)), PASSKEY)
    must_be_wrong(changed(answer, signature=to_base64url(raw)), PASSKEY)


@given(raw=st.binary(min_size=1, max_size=80), at=st.integers(0, 250))
def test_random_bytes_within_an_attestation_are_refused_or_change_nothing_that_counts(raw: bytes, at: int) -> None:
    created = WHOLE[0]
    whole = from_base64url(created["response"]["attestationObject"])
    spoilt = whole[:at] + raw + whole[at + len(raw) :]
    with suppress(PasskeyRefused):
        new = VERIFIER.verify_registration(changed(created, attestationObject=to_base64url(spoilt)), random=RANDOM)
        assert len(new.credential_id) <= 1023
