"""Second factors, as a client meets them: enrolled, asked for at sign-in, lost."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.builders import DAY, MINUTE
from tests.http.service import ADA, PASSWORD, STEP, App, Service, SignedIn, pointers, refusal
from tests.security.authenticator import Authenticator

SIGN_IN, SECOND_FACTOR, STEP_UP = "/v1/sessions", "/v1/sessions/second-factor", "/v1/sessions/current/step-up"
TOTP, CODES, FACTORS, DEVICES = "/v1/me/totp", "/v1/me/recovery-codes", "/v1/me/factors", "/v1/me/trusted-devices"
WHO = {"email": ADA, "password": PASSWORD}


def asked(service: Service, **more: Any) -> dict[str, Any]:
    """Ada's password was right, and a second factor is due."""
    response = service.post(SIGN_IN, {**WHO, **more})
    assert response.status_code == 202
    due: dict[str, Any] = response.json()
    return due


def shown(service: Service, app: App, **more: Any) -> dict[str, Any]:
    """A challenge, and the next code of the app."""
    service.clock.advance(STEP)
    return {"challenge": asked(service)["challenge"], "code": app.code(), **more}


# ---- enrolling


def test_an_app_is_enrolled_by_its_first_code(service: Service) -> None:
    ada = service.ada()
    begun = service.post(TOTP, by=ada)
    assert (begun.status_code, begun.headers["cache-control"]) == (201, "no-store")
    assert set(begun.json()) == {"secret", "uri", "qr_svg"}
    assert begun.json()["uri"].startswith("otpauth://totp/Portico:ada%40example.com?secret=")
    assert begun.json()["qr_svg"].startswith("<svg ")
    assert service.get(FACTORS, by=ada).json() == {"factors": [], "recovery_codes_left": 0}
    code = App(begun.json()["secret"], service.clock).code()
    confirmed = service.post(f"{TOTP}/confirm", {"code": code}, by=ada)
    assert (confirmed.status_code, confirmed.headers["cache-control"]) == (200, "no-store")
    assert (confirmed.json()["session"]["aal"], confirmed.json()["session"]["amr"]) == (2, ["pwd", "otp", "mfa"])
    assert refusal(service.get("/v1/me", by=ada)) == (401, "access_token_invalid")
    ada.keep(confirmed)
    assert len(service.recovery_codes(ada)) == 10
    assert service.get("/v1/me", by=ada).json()["has_second_factor"] is True
    assert service.get(FACTORS, by=ada).json() == {"factors": ["totp", "recovery_code"], "recovery_codes_left": 10}
    assert "changed" in service.mail_to(ADA)[0].text


def test_a_wrong_code_enrols_nothing(service: Service) -> None:
    ada = service.ada()
    assert refusal(service.post(f"{TOTP}/confirm", {"code": "123456"}, by=ada)) == (404, "totp_not_found")
    service.post(TOTP, by=ada)
    wrong = service.post(f"{TOTP}/confirm", {"code": "12345"}, by=ada)
    assert refusal(wrong) == (422, "code_wrong")
    assert pointers(wrong) == ["/body/code"]
    assert service.get("/v1/me", by=ada).json()["has_second_factor"] is False


def test_there_is_one_app(service: Service) -> None:
    ada = service.ada()
    service.authenticator_app(ada)
    assert refusal(service.post(TOTP, by=ada)) == (409, "totp_enrolled")


def test_recovery_codes_need_something_to_stand_in_for(service: Service) -> None:
    assert refusal(service.post(CODES, by=service.ada())) == (409, "no_factor")


# ---- signing in


def test_a_right_password_is_answered_by_the_question_for_a_factor(service: Service) -> None:
    service.authenticator_app(service.ada())
    response = service.post(SIGN_IN, WHO)
    assert (response.status_code, response.headers["cache-control"]) == (202, "no-store")
    due = response.json()
    assert due == {
        "status": "second_factor_required",
        "challenge": due["challenge"],
        "factors": ["totp"],
        "passkey_options": None,
        "expires_in": 300,
    }


def test_a_wrong_password_tells_nothing_of_factors(service: Service) -> None:
    service.authenticator_app(service.ada())
    wrong = service.post(SIGN_IN, WHO | {"password": "not " + PASSWORD})
    assert refusal(wrong) == (401, "invalid_credentials")


def test_a_code_of_the_app_signs_in_once(service: Service) -> None:
    app = service.authenticator_app(service.ada())
    proof = shown(service, app)
    entered = service.post(SECOND_FACTOR, proof)
    assert (entered.status_code, entered.headers["cache-control"]) == (201, "no-store")
    assert (entered.json()["session"]["amr"], entered.json()["session"]["aal"]) == (["pwd", "otp", "mfa"], 2)
    assert service.get("/v1/me", by=SignedIn(entered.json())).status_code == 200
    assert refusal(service.post(SECOND_FACTOR, proof)) == (422, "challenge_invalid")
    again = {"challenge": asked(service)["challenge"], "code": proof["code"]}
    assert refusal(service.post(SECOND_FACTOR, again)) == (403, "factor_wrong")


def test_a_recovery_code_signs_in_once_and_its_owner_is_told(service: Service) -> None:
    ada = service.ada()
    service.authenticator_app(ada)
    codes = service.recovery_codes(ada)
    assert len(set(codes)) == 10
    due = asked(service)
    assert due["factors"] == ["totp", "recovery_code"]
    as_copied = codes[0].replace("-", " ").lower()
    proof = {"challenge": due["challenge"], "recovery_code": as_copied}
    entered = service.post(SECOND_FACTOR, proof)
    assert entered.status_code == 201
    assert service.get(FACTORS, by=SignedIn(entered.json())).json()["recovery_codes_left"] == 9
    assert "recovery code" in service.mail_to(ADA)[0].text
    again = {"challenge": asked(service)["challenge"], "recovery_code": codes[0]}
    assert refusal(service.post(SECOND_FACTOR, again)) == (403, "factor_wrong")


def test_new_recovery_codes_void_the_old_ones(service: Service) -> None:
    ada = service.ada()
    service.authenticator_app(ada)
    old, new = service.recovery_codes(ada), service.recovery_codes(ada)
    for code, status in ((old[0], 403), (new[0], 201)):
        proof = {"challenge": asked(service)["challenge"], "recovery_code": code}
        assert service.post(SECOND_FACTOR, proof).status_code == status


def test_a_passkey_is_a_second_factor_too(service: Service) -> None:
    device = service.passkey(service.ada())
    due = asked(service)
    assert due["factors"] == ["passkey"]
    proof = {"challenge": due["challenge"], "passkey": device.get(due["passkey_options"])}
    entered = service.post(SECOND_FACTOR, proof)
    assert entered.status_code == 201
    assert entered.json()["session"]["amr"] == ["pwd", "pop", "user", "mfa"]
    assert entered.json()["session"]["aal"] == 2


def test_the_passkey_of_somebody_else_is_wrong(service: Service) -> None:
    service.passkey(service.ada())
    theirs = service.passkey(service.person("eve"))
    due = asked(service)
    proof = {"challenge": due["challenge"], "passkey": theirs.get(due["passkey_options"])}
    assert refusal(service.post(SECOND_FACTOR, proof)) == (403, "factor_wrong")


def test_a_challenge_is_over_after_five_minutes_or_five_tries(service: Service) -> None:
    app = service.authenticator_app(service.ada())
    late = asked(service)["challenge"]
    service.clock.advance(5 * MINUTE)
    assert refusal(service.post(SECOND_FACTOR, {"challenge": late, "code": app.code()})) == (422, "challenge_invalid")
    tried = asked(service)["challenge"]
    for _ in range(5):
        assert refusal(service.post(SECOND_FACTOR, {"challenge": tried, "code": "no"})) == (403, "factor_wrong")
    last = service.post(SECOND_FACTOR, {"challenge": tried, "code": app.code()})
    assert refusal(last) == (422, "challenge_invalid")
    assert pointers(last) == ["/body/challenge"]


def test_ten_wrong_codes_lock_all_factors_and_a_reset_does_not_help(service: Service) -> None:
    app = service.authenticator_app(service.ada())
    for _ in range(2):
        challenge = asked(service)["challenge"]
        for _ in range(5):
            service.post(SECOND_FACTOR, {"challenge": challenge, "code": "no"})
    locked = service.post(SECOND_FACTOR, shown(service, app))
    assert refusal(locked) == (429, "factors_locked")
    assert locked.headers["retry-after"] == str(15 * 60 - 30)
    service.post("/v1/password-resets", {"email": ADA})
    reset = {"token": service.token_to(ADA), "new_password": "another quite different sentence"}
    assert service.post("/v1/password-resets/confirm", reset).status_code == 200
    service.clock.advance(STEP)
    due = service.post(SIGN_IN, WHO | {"password": reset["new_password"]}).json()
    proof = {"challenge": due["challenge"], "code": app.code()}
    assert refusal(service.post(SECOND_FACTOR, proof)) == (429, "factors_locked")


@pytest.mark.parametrize(
    "proof",
    [{}, {"code": "123456", "recovery_code": "A"}, {"code": "1", "passkey": {}}, {"passkey": "x"}, {"code": "1" * 65}],
)
def test_one_proof_is_given_and_in_its_form(service: Service, proof: dict[str, Any]) -> None:
    assert refusal(service.post(SECOND_FACTOR, {"challenge": "c", **proof})) == (422, "validation_failed")
    given = {**proof, "challenge": "c"} if "passkey" in proof else proof
    assert refusal(service.post(STEP_UP, given, by=service.ada())) == (422, "validation_failed")


def digits_of(zero: int, code: str) -> str:
    return code.translate({ord("0") + digit: zero + digit for digit in range(10)})


def test_a_code_in_digits_of_another_script_is_wrong(service: Service) -> None:
    app = service.authenticator_app(service.ada())
    proof = shown(service, app)
    for zero in (0x660, 0x966, 0xFF10):
        given = proof | {"code": digits_of(zero, proof["code"])}
        assert refusal(service.post(SECOND_FACTOR, given)) == (403, "factor_wrong")
    assert service.post(SECOND_FACTOR, proof).status_code == 201


@pytest.mark.parametrize("code", ["1" * 10_000, "\ud800" * 6, "\x00", ""])
def test_no_code_is_an_error_here(service: Service, code: str) -> None:
    service.authenticator_app(service.ada())
    challenge = asked(service)["challenge"]
    for name in ("code", "recovery_code"):
        body = json.dumps({"challenge": challenge, name: code})
        response = service.post(SECOND_FACTOR, content=body, headers={"content-type": "application/json"})
        assert refusal(response) in {(400, "request_malformed"), (403, "factor_wrong"), (422, "validation_failed")}


# ---- trusted devices


def trusting(service: Service, app: App) -> SignedIn:
    entered = service.post(SECOND_FACTOR, shown(service, app, trust_device=True))
    assert entered.status_code == 201
    return SignedIn(entered.json())


def test_a_trusted_device_skips_the_second_factor_for_thirty_days(service: Service) -> None:
    app = service.authenticator_app(service.ada())
    home = trusting(service, app)
    (device,) = service.get(DEVICES, by=home).json()["items"]
    assert set(device) == {"id", "user_agent", "network", "created_at", "expires_at"}
    again = service.post(SIGN_IN, WHO | {"device_token": home.device_token})
    assert again.status_code == 201
    assert again.json()["session"]["aal"] == 1
    assert refusal(service.post(CODES, by=SignedIn(again.json()))) == (403, "step_up_required")
    service.clock.advance(30 * DAY)
    assert service.post(SIGN_IN, WHO | {"device_token": home.device_token}).status_code == 202


def test_a_device_is_trusted_no_longer(service: Service) -> None:
    app = service.authenticator_app(service.ada())
    home = trusting(service, app)
    (device,) = service.get(DEVICES, by=home).json()["items"]
    eve = service.person("eve")
    assert refusal(service.delete(f"{DEVICES}/{device['id']}", by=eve)) == (404, "trusted_device_not_found")
    assert service.delete(f"{DEVICES}/{device['id']}", by=home).status_code == 204
    assert refusal(service.delete(f"{DEVICES}/{device['id']}", by=home)) == (404, "trusted_device_not_found")
    assert service.post(SIGN_IN, WHO | {"device_token": home.device_token}).status_code == 202


# ---- losing them


def test_the_last_factor_falls_only_with_a_recovery_code(service: Service) -> None:
    ada = service.ada()
    service.authenticator_app(ada)
    (code, *_) = service.recovery_codes(ada)
    assert refusal(service.delete(TOTP, by=ada)) == (403, "recovery_code_needed")
    assert refusal(service.delete(TOTP, json={"recovery_code": "nonsense"}, by=ada)) == (403, "factor_wrong")
    assert service.delete(TOTP, json={"recovery_code": code}, by=ada).status_code == 204
    assert service.get("/v1/me", by=ada).json()["has_second_factor"] is False
    assert service.post(SIGN_IN, WHO).status_code == 201


def test_a_factor_beside_another_falls_without_one(service: Service) -> None:
    ada = service.ada()
    service.authenticator_app(ada)
    device = service.passkey(ada)
    assert service.delete(TOTP, by=ada).status_code == 204
    assert refusal(service.delete(TOTP, by=ada)) == (404, "totp_not_found")
    assert service.enter(device)


def test_an_operator_lets_the_owner_begin_anew(service: Service) -> None:
    olga, ada = service.operator(), service.ada()
    id = service.id_of(ada)
    service.authenticator_app(ada)
    service.passkey(ada)
    assert service.post(f"/v1/admin/accounts/{id}/reset-factors", by=olga).status_code == 204
    assert refusal(service.get("/v1/me", by=ada)) == (401, "session_ended")
    assert "removed every second factor" in service.mail_to(ADA)[0].text
    again = service.sign_in()
    assert service.get(FACTORS, by=again).json() == {"factors": [], "recovery_codes_left": 0}
    assert service.get("/v1/me/passkeys", by=again).json() == {"items": []}
    unknown = f"/v1/admin/accounts/{uuid4()}/reset-factors"
    assert refusal(service.post(unknown, by=olga)) == (404, "account_not_found")


# ---- what is held, and what is logged


def test_the_export_shows_factors_and_no_key(service: Service) -> None:
    ada = service.ada()
    app = service.authenticator_app(ada)
    device: Authenticator = service.passkey(ada, "Phone")
    codes = service.recovery_codes(ada)
    home = trusting(service, app)
    response = service.get("/v1/me/export", by=home)
    held = response.json()
    assert held["account"]["has_second_factor"] is True
    assert held["second_factors"]["totp_enrolled_at"] == "2026-03-20T12:00:00.000Z"
    assert held["second_factors"]["recovery_codes_left"] == 10
    (passkey,), (trusted,) = held["passkeys"], held["trusted_devices"]
    assert set(passkey) == {"id", "name", "transports", "is_backed_up", "created_at", "last_used_at"}
    assert (passkey["name"], trusted["network"]) == ("Phone", "192.0.2.1/32")
    for secret in (app.secret, codes[0], device.credential_id.hex()):
        assert secret not in response.text
