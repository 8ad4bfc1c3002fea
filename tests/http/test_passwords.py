from typing import Any

import pytest

from tests.builders import MINUTE
from tests.http.service import ADA, PASSWORD, Service, pointers, refusal

NEW = "a new and quite different one"
GONE = (422, "token_invalid")


def asked_for_reset(service: Service) -> str:
    response = service.post("/v1/password-resets", {"email": ADA})
    assert (response.status_code, response.json()) == (202, {"status": "reset_sent"})
    return service.token_to(ADA)


def confirming(service: Service, token: str, new_password: str = NEW) -> Any:
    return service.post("/v1/password-resets/confirm", {"token": token, "new_password": new_password})


def test_whoever_knows_the_password_may_replace_it(service: Service) -> None:
    ada = service.ada()
    other = service.sign_in()
    response = service.post("/v1/me/password", {"current_password": PASSWORD, "new_password": NEW}, by=ada)
    assert (response.status_code, response.content) == (204, b"")
    assert service.get("/v1/me", by=ada).status_code == 200
    assert refusal(service.get("/v1/me", by=other)) == (401, "session_ended")
    assert service.post("/v1/sessions", {"email": ADA, "password": PASSWORD}).status_code == 401
    service.sign_in(password=NEW)
    assert "password" in service.mail_to(ADA)[0].subject


def test_the_wrong_password_changes_nothing(service: Service) -> None:
    ada = service.ada()
    refused = service.post("/v1/me/password", {"current_password": NEW, "new_password": NEW}, by=ada)
    assert refusal(refused) == (422, "password_wrong")
    assert pointers(refused) == ["/body/current_password"]
    service.sign_in()


def test_whoever_is_signed_in_may_not_guess_faster_than_a_stranger(service: Service) -> None:
    ada = service.ada()
    answers = [
        service.post("/v1/me/password", {"current_password": NEW, "new_password": NEW}, by=ada) for _ in range(6)
    ]
    assert [response.status_code for response in answers] == [422] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "1"


def test_a_new_password_is_judged_as_a_first_one_is(service: Service) -> None:
    ada = service.ada()
    refused = service.post("/v1/me/password", {"current_password": PASSWORD, "new_password": ADA}, by=ada)
    assert refusal(refused) == (422, "password_too_weak")
    assert "similar_to_email" in refused.json()["reasons"]
    assert pointers(refused) == ["/body/new_password"]


def test_a_lost_password_is_set_anew_by_mail(service: Service) -> None:
    before = service.ada()
    response = confirming(service, asked_for_reset(service))
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert refusal(service.get("/v1/me", by=before)) == (401, "session_ended")
    assert service.post("/v1/sessions", {"email": ADA, "password": PASSWORD}).status_code == 401
    service.sign_in(password=NEW)


def test_the_device_that_reset_the_password_is_known_from_then_on(service: Service) -> None:
    service.sign_up()
    device_token = confirming(service, asked_for_reset(service)).json()["device_token"]
    for _ in range(6):
        service.post("/v1/sessions", {"email": ADA, "password": "a guess of a stranger"})
    credentials = {"email": ADA, "password": NEW}
    assert service.post("/v1/sessions", credentials).status_code == 429
    assert service.post("/v1/sessions", {**credentials, "device_token": device_token}).status_code == 201


def test_a_reset_lifts_the_delay_of_signing_in(service: Service) -> None:
    service.sign_up()
    for _ in range(6):
        service.post("/v1/sessions", {"email": ADA, "password": "a guess of a stranger"})
    confirming(service, asked_for_reset(service))
    service.sign_in(password=NEW)


def test_a_reset_token_is_used_once(service: Service) -> None:
    service.sign_up()
    token = asked_for_reset(service)
    assert confirming(service, token).status_code == 200
    assert refusal(confirming(service, token)) == GONE


def test_a_reset_token_lives_half_an_hour(service: Service) -> None:
    service.sign_up()
    token = asked_for_reset(service)
    service.clock.advance(30 * MINUTE)
    assert refusal(confirming(service, token)) == GONE


def test_a_change_of_password_voids_a_reset_that_waits(service: Service) -> None:
    ada = service.ada()
    token = asked_for_reset(service)
    service.post("/v1/me/password", {"current_password": PASSWORD, "new_password": NEW}, by=ada)
    assert refusal(confirming(service, token)) == GONE


def test_a_weak_new_password_does_not_cost_the_token(service: Service) -> None:
    service.sign_up()
    token = asked_for_reset(service)
    refused = confirming(service, token, "qwertyuiop123")
    assert refusal(refused) == (422, "password_too_weak")
    assert pointers(refused) == ["/body/new_password"]
    assert confirming(service, token).status_code == 200


def test_an_address_without_account_gets_no_mail(service: Service) -> None:
    service.post("/v1/password-resets", {"email": "nobody@example.com"})
    assert service.mail() == []


@pytest.mark.parametrize("token", ["", "nonsense", "ptp_", "\0", "ü", "A" * 4096])
@pytest.mark.parametrize("path", ["/v1/password-resets/confirm", "/v1/accounts/verify"])
def test_what_is_no_token_is_refused_as_such(service: Service, path: str, token: str) -> None:
    field = "new_password" if "resets" in path else "password"
    refused = service.post(path, {"token": token, field: NEW})
    assert refusal(refused) == GONE
    assert pointers(refused) == ["/body/token"]


def test_a_token_serves_its_own_purpose_only(service: Service) -> None:
    service.post("/v1/accounts", {"email": ADA, "password": PASSWORD})
    assert refusal(confirming(service, service.token_to(ADA))) == GONE
    service.sign_up("bob@example.com")
    assert refusal(confirming(service, service.sign_in("bob@example.com").device_token)) == GONE
