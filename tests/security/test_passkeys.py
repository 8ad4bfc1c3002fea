"""WebAuthn, against an authenticator that does as it should, and everything that is not one."""

import json
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from domain.passkeys import Passkey, PasskeyWrong
from tests.security.authenticator import (
    ATTESTED,
    BACKED_UP,
    ES384,
    PRESENT,
    VERIFIED,
    Authenticator,
    from_base64url,
    to_base64url,
)
from tests.security.relying_party import (
    ADA,
    ANOTHER_RANDOM,
    DOMAIN,
    ORIGIN,
    OTHER_ORIGIN,
    RANDOM,
    VERIFIER,
    changed,
    must_be_refused,
    must_be_wrong,
    registered,
    to_register,
    to_sign_in,
)

# ---- what is asked for


def test_a_passkey_must_be_discoverable_and_its_user_verified(passkey: Passkey) -> None:
    asked = to_register(known=[passkey])
    assert asked["rp"] == {"id": DOMAIN, "name": "Portico"}
    assert asked["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert from_base64url(asked["user"]["id"]) == ADA.bytes
    assert from_base64url(asked["challenge"]) == RANDOM
    assert [each["id"] for each in asked["excludeCredentials"]] == [to_base64url(passkey.credential_id)]
    assert {each["alg"] for each in asked["pubKeyCredParams"]} == {-7, -8, -257}


def test_any_passkey_of_the_site_may_sign_in() -> None:
    asked = to_sign_in()
    assert (asked["rpId"], asked["userVerification"]) == (DOMAIN, "required")
    assert not asked.get("allowCredentials")
    assert from_base64url(asked["challenge"]) == RANDOM


def test_options_are_json() -> None:
    for asked in (to_register(), to_sign_in()):
        assert json.loads(json.dumps(asked)) == asked


# ---- what is right


@pytest.mark.parametrize("attestation", ["none", "packed"])
def test_what_was_registered_signs_in(device: Authenticator, attestation: str) -> None:
    passkey = registered(device, attestation=attestation)
    assert (passkey.credential_id, passkey.sign_count) == (device.credential_id, 0)
    assert passkey.transports == ("internal", "hybrid")
    answer = device.get(to_sign_in())
    assert VERIFIER.claimed(answer) == (ADA, device.credential_id)
    assert VERIFIER.verify_sign_in(answer, random=RANDOM, passkey=passkey) == 0


def test_every_origin_that_is_configured_will_do() -> None:
    device = Authenticator(origin=OTHER_ORIGIN)
    passkey = registered(device)
    VERIFIER.verify_sign_in(device.get(to_sign_in()), random=RANDOM, passkey=passkey)


def test_the_counter_is_told_and_not_judged() -> None:
    """A copy is for the use case to tell, once the signature is known to be right."""
    device = Authenticator(origin=ORIGIN, sign_count=7)
    passkey = registered(device)
    assert passkey.sign_count == 8
    ahead = replace(passkey, sign_count=1_000)
    assert VERIFIER.verify_sign_in(device.get(to_sign_in()), random=RANDOM, passkey=ahead) == 9


@pytest.mark.parametrize(("flags", "is_backed_up"), [(0, False), (BACKED_UP, True)])
def test_it_is_known_whether_a_passkey_is_kept_elsewhere_too(
    device: Authenticator, flags: int, is_backed_up: bool
) -> None:
    assert registered(device, flags=PRESENT | VERIFIED | ATTESTED | flags).is_backed_up is is_backed_up


def test_a_passkey_that_names_no_account_is_still_known_by_its_id(device: Authenticator, passkey: Passkey) -> None:
    device.user_handle = None
    answer = device.get(to_sign_in())
    assert VERIFIER.claimed(answer) == (None, passkey.credential_id)
    VERIFIER.verify_sign_in(answer, random=RANDOM, passkey=passkey)


def test_what_a_browser_may_leave_out_or_add_changes_nothing(device: Authenticator) -> None:
    created = device.create(to_register(), other_keys_can_be_added_here="do not compare clientDataJSON")
    created["response"] |= {"transports": ["internal", "internal", "telepathy", 5, None]}
    del created["clientExtensionResults"], created["authenticatorAttachment"]
    assert VERIFIER.verify_registration(created, random=RANDOM).transports == ("internal",)
    del created["response"]["transports"]
    assert VERIFIER.verify_registration(created, random=RANDOM).transports == ()


def test_the_longest_credential_id_fits() -> None:
    assert len(registered(Authenticator(origin=ORIGIN, credential_id=bytes(1023))).credential_id) == 1023


def test_a_sign_in_costs_little(device: Authenticator, passkey: Passkey) -> None:
    """It takes a place in the worker threads, and no queue: at most 15 ms of CPU, and it needs well below one."""
    answers = [device.get(to_sign_in()) for _ in range(20)]
    before = time.process_time()
    for answer in answers:
        VERIFIER.verify_sign_in(answer, random=RANDOM, passkey=passkey)
    assert (time.process_time() - before) / len(answers) < 0.015


# ---- what is not


LIES: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://evil.example"},
    "an origin that ends alike": {"origin": "https://evilexample.com"},
    "a subdomain that is not configured": {"origin": "https://blog.example.com"},
    "plain http": {"origin": "http://accounts.example.com"},
    "another port": {"origin": f"{ORIGIN}:8443"},
    "no origin": {"origin": None},
    "several origins": {"origin": [ORIGIN]},
    "another site": {"domain": "evil.example"},
    "a site of the same domain": {"domain": "accounts.example.com"},
    "another challenge": {"challenge": to_base64url(ANOTHER_RANDOM)},
    "a part of the challenge": {"challenge": to_base64url(RANDOM[:-1])},
    "no challenge": {"challenge": ""},
    "a challenge that is a number": {"challenge": 0},
    "a payment": {"type": "payment.get"},
    "no type": {"type": None},
    "a page within another": {"crossOrigin": True},
    "a page within another, as a word": {"crossOrigin": "true"},
    "a page within another, as a number": {"crossOrigin": 1},
    "no word on a page within another": {"crossOrigin": None},
    "a page around it": {"topOrigin": "https://evil.example"},
    "the same page around it": {"topOrigin": ORIGIN},
    "an empty page around it": {"topOrigin": None},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_no_passkey_is_made_for_anything_else(device: Authenticator, lie: dict[str, Any]) -> None:
    must_be_refused(device.create(to_register(), **lie))


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_nobody_signs_in_by_what_was_meant_for_anything_else(
    device: Authenticator, passkey: Passkey, lie: dict[str, Any]
) -> None:
    must_be_wrong(device.get(to_sign_in(), **lie), passkey)


@pytest.mark.parametrize("flags", [0, PRESENT, VERIFIED])
def test_the_user_must_be_there_and_verified(device: Authenticator, passkey: Passkey, flags: int) -> None:
    must_be_refused(device.create(to_register(), flags=flags | ATTESTED))
    must_be_wrong(device.get(to_sign_in(), flags=flags), passkey)


def test_a_registration_is_no_sign_in_and_the_other_way_round(device: Authenticator, passkey: Passkey) -> None:
    must_be_refused(device.create(to_register(), type="webauthn.get"))
    must_be_wrong(device.get(to_sign_in(), type="webauthn.create"), passkey)
    must_be_refused(device.get(to_sign_in()))
    must_be_wrong(device.create(to_register()), passkey)


def twice(client_data: bytes, member: str, value: object) -> bytes:
    """The member stands first with that value, and then with what is right, which is what most parsers take."""
    return b'{"%s":%s,' % (member.encode(), json.dumps(value).encode()) + client_data[1:]


@pytest.mark.parametrize("member", ["type", "challenge", "origin", "crossOrigin"])
def test_a_member_that_stands_twice_is_refused(device: Authenticator, passkey: Passkey, member: str) -> None:
    creating, getting = to_register(), to_sign_in()
    said = twice(device.client_data("webauthn.create", creating), member, "evil")
    must_be_refused(device.create(creating, client_data=said))
    said = twice(device.client_data("webauthn.get", getting), member, "evil")
    must_be_wrong(device.get(getting, client_data=said), passkey)


@pytest.mark.parametrize(
    "said",
    [b"[]", b"null", b'"text"', b"5", b"{", b"{}", b"\xff\xfe", b"\x00", b"NaN", b"[" * 20_000, b'{"a":' * 20_000],
    ids=lambda said: str(said[:8]),
)
def test_client_data_that_is_no_object_is_refused(device: Authenticator, passkey: Passkey, said: bytes) -> None:
    must_be_refused(device.create(to_register(), client_data=said))
    must_be_wrong(device.get(to_sign_in(), client_data=said), passkey)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_client_data_is_utf_8(device: Authenticator, passkey: Passkey, encoding: str) -> None:
    """Python's parser takes others, too: then one might check what another does not read."""
    said = device.client_data("webauthn.get", to_sign_in()).decode().encode(encoding)
    must_be_wrong(device.get(to_sign_in(), client_data=said), passkey)


def test_a_signature_by_another_key_is_wrong(device: Authenticator, passkey: Passkey) -> None:
    other = Authenticator(origin=ORIGIN, credential_id=device.credential_id, user_handle=device.user_handle)
    must_be_wrong(other.get(to_sign_in()), passkey)
    registered(device, attestation="packed")
    stolen = device.create(to_register(), attestation="packed")
    foreign = other.create(to_register(), attestation="packed")
    statement = cbor2.loads(from_base64url(stolen["response"]["attestationObject"]))["attStmt"]
    mixed = cbor2.loads(from_base64url(foreign["response"]["attestationObject"])) | {"attStmt": statement}
    must_be_refused(changed(foreign, attestationObject=to_base64url(cbor2.dumps(mixed))))


def test_the_answer_of_another_passkey_of_the_same_key_is_wrong(device: Authenticator, passkey: Passkey) -> None:
    must_be_wrong(device.get(to_sign_in()), replace(passkey, credential_id=b"another"))


def test_no_bit_of_what_is_signed_can_be_changed(device: Authenticator, passkey: Passkey) -> None:
    answer = device.get(to_sign_in())
    for part in ("authenticatorData", "signature", "clientDataJSON"):
        raw = from_base64url(answer["response"][part])
        for at in range(0, len(raw), 5):
            flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
            must_be_wrong(changed(answer, **{part: to_base64url(flipped)}), passkey)


def test_an_algorithm_that_was_not_offered_is_refused(device: Authenticator) -> None:
    must_be_refused(device.create(to_register(), algorithm=ES384))
    device.key = ec.generate_private_key(ec.SECP256R1())
    for algorithm in (0, -65535, -37, 2**63, -(2**70)):
        must_be_refused(device.create(to_register(), algorithm=algorithm))


@pytest.mark.parametrize(
    "format", ["fido-u2f", "apple", "tpm", "android-key", "android-safetynet", "compound", "", "x"]
)
def test_a_format_that_nobody_asked_for_is_refused(device: Authenticator, format: str) -> None:
    must_be_refused(device.create(to_register(), attestation=format))


def test_an_attestation_that_says_nothing_must_say_nothing(device: Authenticator) -> None:
    packed = device.create(to_register(), attestation="packed")
    parts = cbor2.loads(from_base64url(packed["response"]["attestationObject"]))
    nothing: dict[str, Any] = {}
    for statement in (parts["attStmt"] | {"alg": ES384}, parts["attStmt"] | {"sig": b""}, nothing):
        attested = to_base64url(cbor2.dumps(parts | {"attStmt": statement}))
        must_be_refused(changed(packed, attestationObject=attested))
    must_be_refused(changed(packed, attestationObject=to_base64url(cbor2.dumps(parts | {"fmt": "none"}))))


@pytest.mark.parametrize("length", [0, 1024, 4096])
def test_a_credential_id_has_1_to_1023_bytes(length: int) -> None:
    must_be_refused(Authenticator(origin=ORIGIN, credential_id=bytes(length)).create(to_register()))


@pytest.mark.parametrize("attestation", ["none", "packed"])
def test_what_is_cut_off_anywhere_is_refused(device: Authenticator, passkey: Passkey, attestation: str) -> None:
    created, answer = device.create(to_register(), attestation=attestation), device.get(to_sign_in())
    for credential, part in (
        (created, "attestationObject"),
        (created, "clientDataJSON"),
        (answer, "authenticatorData"),
        (answer, "clientDataJSON"),
        (answer, "signature"),
    ):
        raw = from_base64url(credential["response"][part])
        for length in range(len(raw)):
            cut = changed(credential, **{part: to_base64url(raw[:length])})
            if credential is created:
                must_be_refused(cut)
            else:
                must_be_wrong(cut, passkey)


@pytest.mark.parametrize("length", [0, 1, 15, 17, 64])
def test_a_user_handle_of_another_length_names_nobody(device: Authenticator, passkey: Passkey, length: int) -> None:
    device.user_handle = bytes(length)
    answer = device.get(to_sign_in())
    if length:
        with pytest.raises(PasskeyWrong):
            VERIFIER.claimed(answer)
    else:
        assert VERIFIER.claimed(answer) == (None, passkey.credential_id)


def test_what_an_account_says_it_is_is_not_yet_believed(device: Authenticator) -> None:
    stranger = UUID(int=5)
    device.user_handle = stranger.bytes
    assert VERIFIER.claimed(device.get(to_sign_in()))[0] == stranger
