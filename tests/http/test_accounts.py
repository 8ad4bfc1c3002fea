import pytest

from tests.builders import DAY, HOUR, MINUTE, NOON
from tests.http.conftest import Serve
from tests.http.service import ADA, PASSWORD, Service, code, pointers, refusal


def signing_up(email: str = ADA, password: str = PASSWORD) -> dict[str, str]:
    return {"email": email, "password": password, "display_name": "Ada"}


def test_signing_up_promises_a_mail(service: Service) -> None:
    response = service.post("/v1/accounts", signing_up())
    assert (response.status_code, response.json()) == (202, {"status": "verification_sent"})
    [mail] = service.mail_to(ADA)
    assert mail.token
    assert f"http://localhost:8000/verify#token={mail.token}\n" in mail.text


def test_whoever_proves_an_address_gets_its_account(service: Service) -> None:
    service.post("/v1/accounts", signing_up("Ada@EXAMPLE.com"))
    response = service.post("/v1/accounts/verify", {"token": service.token_to(ADA), "password": PASSWORD})
    assert response.status_code == 201
    account = response.json()
    assert account.pop("id")
    assert account == {
        "email": ADA,
        "email_verified_at": "2026-03-20T12:00:00.000Z",
        "display_name": "Ada",
        "state": "active",
        "is_operator": False,
        "has_second_factor": False,
        "created_at": "2026-03-20T12:00:00.000Z",
    }


def test_the_display_name_may_be_left_out(service: Service) -> None:
    assert service.post("/v1/accounts", {"email": ADA, "password": PASSWORD}).status_code == 202


def test_the_password_must_be_that_of_the_very_sign_up(service: Service) -> None:
    service.post("/v1/accounts", signing_up())
    token = service.token_to(ADA)
    wrong = service.post("/v1/accounts/verify", {"token": token, "password": "not " + PASSWORD})
    assert refusal(wrong) == (422, "token_invalid")
    assert service.post("/v1/accounts/verify", {"token": token, "password": PASSWORD}).status_code == 201


def test_a_verification_token_is_used_once(service: Service) -> None:
    service.post("/v1/accounts", signing_up())
    proof = {"token": service.token_to(ADA), "password": PASSWORD}
    assert service.post("/v1/accounts/verify", proof).status_code == 201
    assert refusal(service.post("/v1/accounts/verify", proof)) == (422, "token_invalid")


def test_a_verification_token_lives_a_day(service: Service) -> None:
    service.post("/v1/accounts", signing_up())
    proof = {"token": service.token_to(ADA), "password": PASSWORD}
    service.clock.time = NOON + DAY
    assert refusal(service.post("/v1/accounts/verify", proof)) == (422, "token_invalid")


def test_a_verification_token_bears_five_tries(service: Service) -> None:
    service.post("/v1/accounts", signing_up())
    token = service.token_to(ADA)
    for _ in range(5):
        service.post("/v1/accounts/verify", {"token": token, "password": "a guess of the password"})
    assert refusal(service.post("/v1/accounts/verify", {"token": token, "password": PASSWORD})) == (
        422,
        "token_invalid",
    )


def test_one_proof_lets_the_other_sign_ups_of_the_address_lapse(service: Service) -> None:
    service.post("/v1/accounts", signing_up(password="the password of a stranger"))
    theirs = {"token": service.token_to(ADA), "password": "the password of a stranger"}
    service.wait_for_the_mail_cap()
    service.post("/v1/accounts", signing_up())
    ours = {"token": service.token_to(ADA), "password": PASSWORD}
    assert service.post("/v1/accounts/verify", ours).status_code == 201
    assert refusal(service.post("/v1/accounts/verify", theirs)) == (422, "token_invalid")


def test_a_sign_up_cannot_sign_in(service: Service) -> None:
    service.post("/v1/accounts", signing_up())
    refused = service.post("/v1/sessions", {"email": ADA, "password": PASSWORD})
    assert refusal(refused) == (401, "invalid_credentials")
    assert "must be confirmed first" in refused.json()["detail"]


def test_the_owner_of_an_address_is_told_that_someone_signed_up_with_it(service: Service) -> None:
    service.sign_up()
    service.wait_for_the_mail_cap()
    service.post("/v1/accounts", signing_up(password="the password of a stranger"))
    newest = service.mail_to(ADA)[0]
    assert newest.token is None
    assert "already" in newest.text


def test_the_newest_verification_mail_comes_again(service: Service) -> None:
    service.post("/v1/accounts", signing_up())
    first = service.token_to(ADA)
    service.wait_for_the_mail_cap()
    response = service.post("/v1/accounts/resend-verification", {"email": ADA})
    assert (response.status_code, response.json()) == (202, {"status": "verification_sent"})
    assert [mail.token for mail in service.mail_to(ADA)] == [first, first]


def test_mail_that_anybody_can_cause_goes_once_a_minute(service: Service) -> None:
    service.post("/v1/accounts", signing_up())
    service.mail()
    for _ in range(5):
        service.post("/v1/accounts/resend-verification", {"email": ADA})
    assert len(service.mail_to(ADA)) == 1
    service.clock.advance(MINUTE)
    assert len(service.mail_to(ADA)) == 2
    service.clock.advance(HOUR)
    assert len(service.mail_to(ADA)) == 2


@pytest.mark.parametrize(
    ("mode", "expected"), [("closed", "registration_closed"), ("invited", "registration_by_invitation")]
)
def test_an_installation_may_take_no_strangers(serve: Serve, mode: str, expected: str) -> None:
    assert refusal(serve(REGISTRATION=mode).post("/v1/accounts", signing_up())) == (403, expected)


def test_without_verification_there_is_an_account_at_once(serve: Serve) -> None:
    service = serve(REGISTRATION_REQUIRES_VERIFICATION="false")
    response = service.post("/v1/accounts", signing_up())
    assert response.status_code == 201
    assert response.json()["state"] == "active"
    assert response.json()["email_verified_at"] is None
    assert refusal(service.post("/v1/accounts", signing_up())) == (409, "email_taken")
    service.sign_in()


def test_the_first_proof_of_an_address_ends_what_a_stranger_planted_on_it(serve: Serve) -> None:
    service = serve(REGISTRATION_REQUIRES_VERIFICATION="false")
    planted = "the password of a stranger"
    service.post("/v1/accounts", signing_up(password=planted))
    stranger = service.sign_in(password=planted)
    proof = {"token": service.token_to(ADA), "password": planted}
    assert service.post("/v1/accounts/verify", proof).status_code == 201
    assert refusal(service.get("/v1/me", by=stranger)) == (401, "session_ended")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("too short", "too_short"),
        ("x" * 129, "too_long"),
        ("a word with\0NUL inside", "not_text"),
        ("ada@example.com!", "similar_to_email"),
        ("Ada Lovelace 1815", "similar_to_name"),
        ("qwertyuiop123", "guessable"),
    ],
)
def test_a_weak_password_is_refused_with_reasons(service: Service, password: str, reason: str) -> None:
    body = {"email": ADA, "password": password, "display_name": "Ada Lovelace"}
    refused = service.post("/v1/accounts", body)
    assert refusal(refused) == (422, "password_too_weak")
    assert reason in refused.json()["reasons"]
    assert pointers(refused) == ["/body/password"]


@pytest.mark.parametrize(
    "email", ["ada", "ada@", "@example.com", "ada@example", "a@b.invalid", "ä@example.com", "\0@b.co"]
)
@pytest.mark.parametrize(
    "path", ["/v1/accounts", "/v1/accounts/resend-verification", "/v1/sessions", "/v1/password-resets"]
)
def test_what_is_no_address_is_refused_as_such(service: Service, path: str, email: str) -> None:
    body = {"email": email} | ({"password": PASSWORD} if path in ("/v1/accounts", "/v1/sessions") else {})
    refused = service.post(path, body)
    assert refusal(refused) == (422, "email_invalid")
    assert pointers(refused) == ["/body/email"]


def test_a_display_name_has_no_control_characters(service: Service) -> None:
    refused = service.post("/v1/accounts", {**signing_up(), "display_name": "Ada\u202eevoL"})
    assert code(refused) == "display_name_invalid"
    assert pointers(refused) == ["/body/display_name"]


def test_the_bearer_of_a_live_session_sees_its_account(service: Service) -> None:
    account = service.sign_up()
    response = service.get("/v1/me", by=service.sign_in())
    assert (response.status_code, response.json()) == (200, account)


def test_the_owner_chooses_the_display_name(service: Service) -> None:
    ada = service.ada()
    renamed = service.patch("/v1/me", {"display_name": "  Ada Lovelace "}, by=ada)
    assert (renamed.status_code, renamed.json()["display_name"]) == (200, "Ada Lovelace")
    assert service.get("/v1/me", by=ada).json() == renamed.json()
    assert refusal(service.patch("/v1/me", {"display_name": "x" * 101}, by=ada)) == (422, "display_name_invalid")


def test_closing_ends_everything(service: Service) -> None:
    ada = service.ada()
    wrong = service.post("/v1/me/close", {"password": "not " + PASSWORD}, by=ada)
    assert refusal(wrong) == (422, "password_wrong")
    assert service.post("/v1/me/close", {"password": PASSWORD}, by=ada).status_code == 204
    assert refusal(service.get("/v1/me", by=ada)) == (401, "session_ended")
    refused = service.post("/v1/sessions/refresh", {"refresh_token": ada.refresh_token})
    assert refusal(refused) == (401, "session_ended")
    refused = service.post("/v1/sessions", {"email": ADA, "password": PASSWORD})
    assert refusal(refused) == (401, "invalid_credentials")
    assert "closed" in service.mail_to(ADA)[0].text


def test_a_closed_account_is_erased_and_its_address_free(service: Service) -> None:
    olga = service.operator()
    before = service.sign_up()
    service.post("/v1/me/close", {"password": PASSWORD}, by=service.sign_in())
    shown = service.get(f"/v1/admin/accounts/{before['id']}", by=olga).json()
    assert (shown["state"], shown["display_name"], shown["email_verified_at"]) == ("closed", "", None)
    assert ADA not in shown["email"]
    service.wait_for_the_mail_cap()
    assert service.sign_up()["id"] != before["id"]


def test_the_last_operator_cannot_leave(service: Service) -> None:
    olga = service.operator()
    refused = service.post("/v1/me/close", {"password": "an operator has a long one too"}, by=olga)
    assert refusal(refused) == (409, "last_operator")


def test_the_export_holds_everything_that_is_held(service: Service) -> None:
    account = service.sign_up()
    ada = service.sign_in(headers={"user-agent": "Engine/1"})
    service.post("/v1/me/email", {"new_email": "ada@example.org", "password": PASSWORD}, by=ada)
    response = service.get("/v1/me/export", by=ada)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    export = response.json()
    assert export["account"] == account
    [session] = export["sessions"]
    assert (session["id"], session["user_agent"], session["network"]) == (ada.session_id, "Engine/1", "192.0.2.1/32")
    assert export["email_change"]["new_email"] == "ada@example.org"
    assert {mail["kind"] for mail in export["mail"]} == {"verification", "email_change_requested"}
    assert [event["name"] for event in export["events"]] == [
        "account.email_change_requested",
        "session.started",
        "account.registered",
    ]
    assert PASSWORD not in response.text
    assert "bcrypt" not in response.text
