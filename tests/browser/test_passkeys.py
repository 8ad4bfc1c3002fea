"""Passkeys and second factors, in a real browser, on the page that development serves."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.devices import Device
from tests.browser.person import AAL1, AAL2, BY_PASSKEY, Person


def test_whoever_signed_up_with_a_password_ends_up_without_needing_it(ada: Person) -> None:
    laptop = Device.of(ada.page)
    ada.sign_up()
    ada.has_session(aal=AAL1, amr="pwd")
    ada.enrol_app()
    ada.has_session(aal=AAL2, amr="pwd, otp, mfa")

    ada.register_passkey("Laptop")
    ada.has_registered("Laptop")

    laptop.take_away()
    phone = Device.of(ada.page)
    ada.register_passkey("Phone")
    ada.has_registered("Phone")
    assert phone.passkeys == 1

    ada.sign_out()
    ada.sign_in_by_passkey()
    ada.has_session(aal=AAL2, amr=BY_PASSKEY)
    expect(ada.passkeys()).to_have_count(2)
    ada.press("Remove", within=ada.passkeys().nth(0))
    ada.is_told("Removed “Laptop”.")
    expect(ada.passkeys()).to_have_count(1)


def test_a_device_that_holds_a_passkey_makes_no_second_one(ada: Person) -> None:
    device = ada.with_passkey()
    ada.register_passkey("Again")
    ada.is_told("already registered")
    expect(ada.passkeys()).to_have_count(1)
    assert device.passkeys == 1


def test_a_passkey_bears_the_name_that_its_owner_gave_it(ada: Person) -> None:
    ada.with_passkey()
    [passkey] = ada.passkeys().all()
    ada.type("Name", "Work <laptop>", within=passkey)
    ada.press("Rename", within=passkey)
    ada.is_told("It is called “Work <laptop>” now.")
    expect(passkey.get_by_label("Name")).to_have_value("Work <laptop>")


def test_a_passkey_follows_a_password(ada: Person) -> None:
    ada.with_passkey()
    ada.sign_out()
    ada.give_password()
    ada.press("Use a passkey", within=ada.is_asked("A second factor is due"))
    ada.is_told("Signed in.")
    ada.has_session(aal=AAL2, amr="pwd, pop, user, mfa")


def test_a_code_follows_a_password_and_a_wrong_one_is_asked_for_again(ada: Person) -> None:
    ada.sign_up()
    app = ada.enrol_app()
    ada.sign_out()
    ada.give_password()
    proof = ada.is_asked("A second factor is due")
    expect(proof.get_by_role("button", name="Use a passkey")).to_be_hidden()
    ada.type("Code of the app", "no1234", within=proof)
    ada.press("Use the code", within=proof)
    expect(proof.get_by_role("alert")).to_contain_text("factor_wrong")
    ada.type("Code of the app", app.code(), within=proof)
    ada.press("Use the code", within=proof)
    ada.is_told("Signed in.")
    ada.has_session(aal=AAL2, amr="pwd, otp, mfa")


def test_a_session_steps_up_with_a_passkey(ada: Person) -> None:
    Device.of(ada.page)
    ada.sign_up()
    ada.register_passkey("Laptop")
    ada.has_registered("Laptop")
    ada.has_session(aal=AAL1, amr="pwd")
    ada.press("Step up")
    ada.press("Use a passkey", within=ada.is_asked("Prove that it is you"))
    ada.is_told("Proved once more.")
    expect(ada.page.locator("#aal")).to_have_text(AAL2)


def test_whoever_has_no_factor_steps_up_with_the_password(ada: Person) -> None:
    ada.sign_up()
    ada.press("Step up")
    proof = ada.is_asked("Prove that it is you")
    ada.type("Password", "not the password", within=proof)
    ada.press("Use the password", within=proof)
    expect(proof.get_by_role("alert")).to_contain_text("password_wrong")
    ada.press("Cancel", within=proof)
    ada.is_told("Called off.")
    ada.has_session(aal=AAL1, amr="pwd")


def test_the_last_passkey_falls_with_a_recovery_code_only(ada: Person) -> None:
    ada.with_passkey()
    codes = ada.make_recovery_codes()
    ada.press("Remove", within=ada.passkeys())
    proof = ada.is_asked("Your last factor falls with a recovery code")
    ada.type("Recovery code", codes[0], within=proof)
    ada.press("Use the recovery code", within=proof)
    ada.is_told("Removed “Laptop”.")
    expect(ada.passkeys()).to_have_count(0)


def test_secrets_that_are_shown_once_are_gone_when_their_owner_signs_out(ada: Person) -> None:
    ada.with_passkey()
    ada.make_recovery_codes()
    ada.press("Enrol an app")
    expect(ada.page.locator("#secret")).to_be_visible()
    ada.sign_out()
    expect(ada.page.locator("#secret")).to_be_empty()
    expect(ada.page.locator("#recovery-codes")).to_be_empty()
    expect(ada.page.locator("#qr")).not_to_have_attribute("src", re.compile("data:"))


def test_an_access_token_that_is_over_is_refreshed(ada: Person) -> None:
    ada.sign_up()
    over = {"status": 401, "code": "access_token_invalid", "detail": "It has expired."}
    ada.page.route("**/v1/me/totp", lambda route: route.fulfill(status=401, json=over), times=1)
    with ada.page.expect_response("**/v1/sessions/refresh") as refreshed:
        ada.press("Enrol an app")
    assert refreshed.value.status == 200
    ada.is_told("Now the app")


def test_the_page_says_where_passkeys_belong(page: Page, url: str) -> None:
    page.goto(f"{url.replace('localhost', '127.0.0.1')}/dev/mailbox")
    page.get_by_role("link", name="Passkeys and second factors").click()
    page.get_by_role("link", name=url).click()
    expect(page).to_have_url(f"{url}/dev/passkeys")
    expect(page.get_by_text("Passkeys of this server belong to")).to_have_count(0)


@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 900), ("light", 390)])
def test_it_can_be_looked_at(ada: Person, pictures: Path, theme: str, width: int) -> None:
    ada.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    ada.page.set_viewport_size({"width": width, "height": 900})

    def take_picture(of: str, *, is_dialog: bool = False) -> None:
        ada.page.evaluate("scrollTo(0, document.body.scrollHeight)")  # there, the message covers nothing
        ada.page.screenshot(path=pictures / f"{of}-{theme}-{width}.png", full_page=not is_dialog)
        overflows = ada.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not overflows

    take_picture("signed-out")
    ada.with_passkey()
    ada.make_recovery_codes()
    ada.press("Enrol an app")
    ada.is_told("Now the app")
    take_picture("signed-in")
    ada.press("Step up")
    ada.is_asked("Prove that it is you")
    take_picture("asked", is_dialog=True)
