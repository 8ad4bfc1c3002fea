"""Passkeys, as a browser meets them: registered, signed in with, and everything that is not one."""

from typing import Any
from uuid import uuid4

import pytest

from tests.builders import MINUTE
from tests.http.conftest import Serve
from tests.http.log import Log
from tests.http.service import ADA, ORIGIN, PASSWORD, Service, SignedIn, pointers, refusal
from tests.security.authenticator import PRESENT, Authenticator, from_base64url, to_base64url

MINE, OPTIONS = "/v1/me/passkeys", "/v1/me/passkeys/options"
SIGN_IN, TO_SIGN_IN = "/v1/passkey-sessions", "/v1/passkey-sessions/options"
JSON = {"content-type": "application/json"}


def asked(service: Service, person: SignedIn) -> dict[str, Any]:
    response = service.post(OPTIONS, by=person)
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    found: dict[str, Any] = response.json()
    return found


def a_device(**changes: Any) -> Authenticator:
    return Authenticator(**{"origin": ORIGIN, "credential_id": uuid4().bytes, **changes})


def made(asked: dict[str, Any], device: Authenticator, **how: Any) -> dict[str, Any]:
    return {"challenge": asked["challenge"], "passkey": device.create(asked["options"], **how), "name": "Laptop"}


# ---- registering


def test_a_passkey_is_registered_and_shown(service: Service) -> None:
    ada = service.ada()
    begun = asked(service, ada)
    assert begun["options"]["rp"] == {"id": "localhost", "name": "Portico"}
    assert begun["options"]["user"]["name"] == ADA
    response = service.post(MINE, made(begun, a_device()), by=ada)
    passkey = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    assert passkey == {
        "id": passkey["id"],
        "name": "Laptop",
        "is_backed_up": False,
        "created_at": "2026-03-20T12:00:00.000Z",
        "last_used_at": None,
    }
    assert service.get(MINE, by=ada).json() == {"items": [passkey]}
    assert service.get("/v1/me", by=ada).json()["has_second_factor"] is True


def test_the_next_registration_names_what_is_there(service: Service) -> None:
    ada = service.ada()
    device = service.passkey(ada)
    (known,) = asked(service, service.enter(device))["options"]["excludeCredentials"]
    assert from_base64url(known["id"]) == device.credential_id


def test_a_passkey_is_registered_once(service: Service) -> None:
    ada, device = service.ada(), a_device()
    begun = asked(service, ada)
    registration = made(begun, device)
    assert service.post(MINE, registration, by=ada).status_code == 201
    ada = service.enter(device)
    assert refusal(service.post(MINE, registration, by=ada)) == (422, "challenge_invalid")
    again = made(asked(service, ada), device)
    assert refusal(service.post(MINE, again, by=ada)) == (409, "passkey_taken")
    eve = service.person("eve")
    stolen = made(asked(service, eve), device)
    assert refusal(service.post(MINE, stolen, by=eve)) == (409, "passkey_taken")


def test_the_challenge_of_one_person_is_none_for_another(service: Service) -> None:
    begun = asked(service, service.ada())
    refused = service.post(MINE, made(begun, a_device()), by=service.person("eve"))
    assert refusal(refused) == (422, "challenge_invalid")
    assert pointers(refused) == ["/body/challenge"]


def test_a_stale_challenge_is_over(service: Service) -> None:
    ada = service.ada()
    begun = asked(service, ada)
    service.clock.advance(5 * MINUTE)
    assert refusal(service.post(MINE, made(begun, a_device()), by=ada)) == (422, "challenge_invalid")


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example"},
        {"crossOrigin": True},
        {"topOrigin": ORIGIN},
        {"domain": "evil.example"},
        {"flags": PRESENT},
        {"client_data": b"{"},
    ],
    ids=str,
)
def test_a_lie_is_refused(service: Service, lie: dict[str, Any]) -> None:
    ada = service.ada()
    refused = service.post(MINE, made(asked(service, ada), a_device(), **lie), by=ada)
    assert refusal(refused) == (422, "passkey_refused")
    assert pointers(refused) == ["/body/passkey"]
    assert service.get(MINE, by=ada).json() == {"items": []}


@pytest.mark.parametrize("attestation", [b"", b"\xa0", b"\xff", b"\xbf" * 500, b"\x9f" * 9_000, b"\x5b" + b"\xff" * 8])
def test_malformed_cbor_is_refused(service: Service, attestation: bytes) -> None:
    ada = service.ada()
    registration = made(asked(service, ada), a_device())
    registration["passkey"]["response"]["attestationObject"] = to_base64url(attestation)
    assert refusal(service.post(MINE, registration, by=ada)) == (422, "passkey_refused")


@pytest.mark.parametrize(("name", "code"), [("", "passkey_name_invalid"), ("x" * 101, "passkey_name_invalid")])
def test_a_passkey_has_a_name(service: Service, name: str, code: str) -> None:
    ada = service.ada()
    registration = made(asked(service, ada), a_device()) | {"name": name}
    refused = service.post(MINE, registration, by=ada)
    assert refusal(refused) == (422, code)
    assert pointers(refused) == ["/body/name"]


def test_there_are_at_most_twenty(service: Service) -> None:
    ada = service.ada()
    ada = service.enter(service.passkey(ada))
    for _ in range(18):
        service.passkey(ada)
    ahead = [asked(service, ada) for _ in range(20)]
    answers = [service.post(MINE, made(begun, a_device()), by=ada) for begun in ahead]
    assert answers[0].status_code == 201
    assert {refusal(answer) for answer in answers[1:]} == {(409, "too_many_passkeys")}
    assert refusal(service.post(OPTIONS, by=ada)) == (409, "too_many_passkeys")
    assert len(service.get(MINE, by=ada).json()["items"]) == 20


# ---- naming and removing


def test_a_passkey_is_renamed_and_removed(service: Service) -> None:
    ada = service.ada()
    first = service.passkey(ada)
    ada = service.enter(first)
    service.passkey(ada, "Phone")
    laptop, phone = service.get(MINE, by=ada).json()["items"]
    assert (laptop["name"], phone["name"]) == ("Laptop", "Phone")
    assert laptop["last_used_at"] == "2026-03-20T12:00:00.000Z"
    renamed = service.patch(f"{MINE}/{phone['id']}", {"name": " Old phone "}, by=ada)
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Old phone")
    assert service.delete(f"{MINE}/{phone['id']}", by=ada).status_code == 204
    assert refusal(service.delete(f"{MINE}/{phone['id']}", by=ada)) == (404, "passkey_not_found")
    assert refusal(service.delete(f"{MINE}/{laptop['id']}", by=ada)) == (403, "recovery_code_needed")
    proof = {"recovery_code": service.recovery_codes(ada)[0]}
    assert service.delete(f"{MINE}/{laptop['id']}", json=proof, by=ada).status_code == 204
    assert refusal(service.post(SIGN_IN, service.shown(first))) == (403, "passkey_wrong")


def test_nobody_reaches_the_passkey_of_another(service: Service) -> None:
    ada = service.ada()
    ada = service.enter(service.passkey(ada))
    (passkey,) = service.get(MINE, by=ada).json()["items"]
    eve, path = service.person("eve"), f"{MINE}/{passkey['id']}"
    assert refusal(service.patch(path, {"name": "Mine"}, by=eve)) == (404, "passkey_not_found")
    assert refusal(service.delete(path, by=eve)) == (404, "passkey_not_found")


# ---- signing in


def test_a_passkey_signs_in_by_itself(service: Service) -> None:
    device = service.passkey(service.ada())
    response = service.post(SIGN_IN, service.shown(device))
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    session = response.json()["session"]
    assert (session["amr"], session["aal"]) == (["pop", "user", "mfa"], 2)
    assert service.get("/v1/me", by=SignedIn(response.json())).json()["email"] == ADA


def test_an_answer_signs_in_once(service: Service) -> None:
    device = service.passkey(service.ada())
    answer = service.shown(device)
    assert service.post(SIGN_IN, answer).status_code == 201
    assert refusal(service.post(SIGN_IN, answer)) == (422, "challenge_invalid")


def test_the_answer_to_one_challenge_is_none_to_another(service: Service) -> None:
    device = service.passkey(service.ada())
    answer, other = service.shown(device), service.shown(device)
    assert refusal(service.post(SIGN_IN, answer | {"challenge": other["challenge"]})) == (403, "passkey_wrong")


def test_a_challenge_to_sign_in_gets_stale(service: Service) -> None:
    device = service.passkey(service.ada())
    answer = service.shown(device)
    service.clock.advance(5 * MINUTE)
    assert refusal(service.post(SIGN_IN, answer)) == (422, "challenge_invalid")


def test_a_passkey_that_nobody_has_is_wrong(service: Service) -> None:
    ada = service.ada()
    for handle in (uuid4().bytes, None, b"short", bytes.fromhex(service.id_of(ada).replace("-", ""))):
        answer = service.shown(a_device(user_handle=handle))
        assert refusal(service.post(SIGN_IN, answer)) == (403, "passkey_wrong")


def test_a_copied_passkey_is_refused_and_its_owner_told(service: Service) -> None:
    ada, device = service.ada(), a_device(sign_count=5)
    assert service.post(MINE, made(asked(service, ada), device), by=ada).status_code == 201
    service.enter(device)
    device.sign_count = 5
    assert refusal(service.post(SIGN_IN, service.shown(device))) == (403, "passkey_wrong")
    assert "cop" in service.mail_to(ADA)[0].text
    device.sign_count = 50
    service.enter(device)


def test_whoever_is_suspended_signs_in_no_way(service: Service) -> None:
    olga, ada = service.operator(), service.ada()
    device = service.passkey(ada)
    service.post(f"/v1/admin/accounts/{service.id_of(ada)}/suspend", by=olga)
    assert refusal(service.post(SIGN_IN, service.shown(device))) == (403, "passkey_wrong")


def test_no_address_can_be_probed_by_asking_for_a_passkey(service: Service) -> None:
    """All but the challenge is the same, whether there is an account, with a passkey, or none."""
    service.passkey(service.ada())
    service.sign_up("bob@example.com")
    answers = []
    for email in (ADA, "bob@example.com", "nobody@example.com", None):
        response = service.post(TO_SIGN_IN, {"email": email})
        answered = response.json()
        assert len(answered.pop("challenge")) > 40
        assert len(from_base64url(answered["options"].pop("challenge"))) == 32
        headers = {name for name, _ in response.headers.multi_items()}
        answers.append((response.status_code, headers, len(response.content), answered))
    assert answers == [answers[0]] * 4
    assert answers[0][-1]["options"]["allowCredentials"] == []
    assert service.post(TO_SIGN_IN).status_code == 201
    assert refusal(service.post(TO_SIGN_IN, {"email": "no address"})) == (422, "email_invalid")


# ---- whatever it is


@pytest.mark.parametrize(
    "credential",
    [
        "{}",
        '{"response": null, "rawId": null}',
        '{"response": {"userHandle": "AAAA", "clientDataJSON": "AAAA"}, "rawId": "AAAA"}',
        '{"rawId": "%s"}' % ("A" * 900_000),
        '{"a":' * 300 + "1" + "}" * 300,
        '{"rawId": 1e400}',
        '{"rawId": NaN}',
    ],
    ids=["empty", "null", "garbage", "huge", "deep", "infinite", "no number"],
)
def test_hostile_credentials_get_a_clear_answer(service: Service, credential: str) -> None:
    ada = service.ada()
    begun, getting = asked(service, ada), service.post(TO_SIGN_IN).json()
    register = f'{{"challenge": "{begun["challenge"]}", "passkey": {credential}, "name": "x"}}'
    sign_in = f'{{"challenge": "{getting["challenge"]}", "passkey": {credential}}}'
    answers = [
        service.post(MINE, content=register, headers=JSON, by=ada),
        service.post(SIGN_IN, content=sign_in, headers=JSON),
        service.post("/v1/sessions/current/step-up", content=sign_in, headers=JSON, by=ada),
    ]
    expected = {(422, "passkey_refused"), (403, "passkey_wrong"), (403, "factor_wrong"), (422, "challenge_invalid")}
    assert {refusal(answer) for answer in answers} <= expected | {
        (400, "request_malformed"),
        (422, "validation_failed"),
    }


@pytest.mark.parametrize("challenge", ["", "x", "ptv_" + "A" * 100, "é", "A" * 4_096])
def test_a_challenge_that_was_never_made_is_over(service: Service, challenge: str) -> None:
    device = service.passkey(ada := service.ada())
    answer = service.shown(device) | {"challenge": challenge}
    assert refusal(service.post(SIGN_IN, answer)) == (422, "challenge_invalid")
    assert refusal(service.post("/v1/sessions/current/step-up", answer, by=ada)) == (422, "challenge_invalid")
    proof = {"challenge": challenge, "code": "123456"}
    assert refusal(service.post("/v1/sessions/second-factor", proof)) == (422, "challenge_invalid")


def test_a_challenge_is_good_for_what_it_was_made_for(service: Service) -> None:
    device = service.passkey(service.ada())
    due = service.post("/v1/sessions", {"email": ADA, "password": PASSWORD}).json()
    crossed = {"challenge": due["challenge"], "passkey": device.get(due["passkey_options"])}
    assert refusal(service.post(SIGN_IN, crossed)) == (422, "challenge_invalid")
    answer = service.shown(device)
    assert refusal(service.post("/v1/sessions/second-factor", answer)) == (422, "challenge_invalid")


def test_nothing_secret_of_factors_is_in_the_log(log: Log, serve: Serve) -> None:
    service = serve()
    ada = service.ada()
    app = service.authenticator_app(ada)
    ada = service.step_up(ada, app)
    device = service.passkey(ada)
    codes = service.recovery_codes(ada)
    due = service.post("/v1/sessions", {"email": ADA, "password": PASSWORD}).json()
    wrong = {"challenge": due["challenge"], "recovery_code": "WRONG-CODE-OF-MINE"}
    service.post("/v1/sessions/second-factor", wrong)
    service.post("/v1/sessions/second-factor", {"challenge": due["challenge"], "recovery_code": codes[0]})
    answer = service.shown(device)
    service.post(SIGN_IN, answer)
    token = service.post("/v1/email-codes", {"email": ADA}).json()["browser_token"]
    service.post("/v1/email-code-sessions", {"browser_token": token, "code": "987654"})
    # What the console mailer prints between is mail, and no log.
    logged = [line for line in log.text().splitlines() if line.startswith("{")]
    secrets = [app.secret, *codes, due["challenge"], answer["challenge"], token, "987654"]
    secrets += ["WRONG-CODE-OF-MINE", to_base64url(device.credential_id), answer["passkey"]["response"]["signature"]]
    assert any("/v1/sessions/second-factor" in line for line in logged)
    assert not [secret for secret in secrets if any(secret in line for line in logged)]
