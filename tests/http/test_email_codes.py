"""Signing in by a code in a mail, and that it tells nobody which addresses have accounts."""

from typing import Any

import httpx
import pytest

from tests.builders import MINUTE
from tests.http.service import ADA, PASSWORD, Service, SignedIn, refusal

ASK, SHOW = "/v1/email-codes", "/v1/email-code-sessions"
WRONG = (401, "email_code_wrong")


def asked(service: Service, email: str = ADA) -> str:
    response = service.post(ASK, {"email": email})
    assert (response.status_code, response.headers["cache-control"]) == (202, "no-store")
    token: str = response.json()["browser_token"]
    return token


def show(service: Service, token: str, code: str) -> httpx.Response:
    return service.post(SHOW, {"browser_token": token, "code": code})


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_code_by_mail_signs_in_once(service: Service) -> None:
    service.sign_up()
    token = asked(service)
    code = service.code_to(ADA)
    entered = show(service, token, code)
    assert (entered.status_code, entered.headers["cache-control"]) == (201, "no-store")
    assert (entered.json()["session"]["amr"], entered.json()["session"]["aal"]) == (["email"], 1)
    assert service.get("/v1/me", by=SignedIn(entered.json())).json()["email"] == ADA
    assert refusal(show(service, token, code)) == WRONG


def test_a_code_works_in_the_browser_that_asked_only(service: Service) -> None:
    service.sign_up()
    first = asked(service)
    code_of_first = service.code_to(ADA)
    service.wait_for_the_mail_cap()
    second = asked(service)
    assert refusal(show(service, second, code_of_first)) == WRONG
    assert refusal(show(service, "ptv_x", code_of_first)) == WRONG
    assert show(service, first, code_of_first).status_code == 201


def test_a_code_lives_ten_minutes_and_three_tries(service: Service) -> None:
    service.sign_up()
    token = asked(service)
    code = service.code_to(ADA)
    for _ in range(3):
        assert refusal(show(service, token, other_than(code))) == WRONG
    assert refusal(show(service, token, code)) == WRONG
    service.wait_for_the_mail_cap()
    token = asked(service)
    code = service.code_to(ADA)
    service.clock.advance(10 * MINUTE)
    assert refusal(show(service, token, code)) == WRONG


def test_a_code_by_mail_is_one_factor(service: Service) -> None:
    ada = service.ada()
    device = service.passkey(ada)
    token = asked(service)
    due = show(service, token, service.code_to(ADA))
    assert due.status_code == 202
    assert due.json()["status"] == "second_factor_required"
    proof = {"challenge": due.json()["challenge"], "passkey": device.get(due.json()["passkey_options"])}
    entered = service.post("/v1/sessions/second-factor", proof)
    assert entered.json()["session"]["amr"] == ["email", "pop", "user", "mfa"]


@pytest.mark.parametrize("code", ["", "1" * 64, "1" * 10_000, "١٢٣٤٥٦", "１２３４５６", "12345", "123 456", "\x00" * 6])
def test_what_is_no_code_is_wrong_or_invalid(service: Service, code: str) -> None:
    service.sign_up()
    assert refusal(show(service, asked(service), code)) in {WRONG, (422, "validation_failed")}


def bare(response: httpx.Response) -> tuple[Any, ...]:
    """All of it but the token, which has the same length for everybody."""
    headers = sorted({name for name, _ in response.headers.multi_items()})
    return response.status_code, headers, len(response.content), list(response.json())


def test_no_address_can_be_probed_by_asking_for_a_code(service: Service) -> None:
    olga = service.operator()
    service.sign_up()
    suspended = service.person("eve")
    service.post(f"/v1/admin/accounts/{service.id_of(suspended)}/suspend", by=olga)
    service.post("/v1/accounts", {"email": "claim@example.com", "password": PASSWORD})
    addresses = (ADA, "eve@example.com", "claim@example.com", "nobody@example.com")
    answers = [[bare(service.post(ASK, {"email": each})) for _ in range(3)] for each in addresses]
    assert answers == [answers[0]] * 4


def test_no_address_can_be_probed_by_guessing_codes(service: Service) -> None:
    service.sign_up()
    for email in (ADA, "nobody@example.com"):
        token = asked(service, email)
        assert [refusal(show(service, token, "000000")) for _ in range(5)] == [WRONG] * 5


def test_an_address_without_an_account_gets_no_code(service: Service) -> None:
    asked(service, "nobody@example.com")
    assert service.mail_to("nobody@example.com") == []


def test_what_is_no_address_is_refused(service: Service) -> None:
    assert refusal(service.post(ASK, {"email": "no address"})) == (422, "email_invalid")
