"""A person at /dev/passkeys: what they press, what they type, and what they read."""

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.browser.devices import App, Device
from tests.e2e.installation import PASSWORD

AAL1, AAL2 = "1", "2"
BY_PASSKEY = "pop, user, mfa"


@dataclass(frozen=True, slots=True)
class Person:
    page: Page
    email: str

    def press(self, name: str, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("button", name=name, exact=True).click()

    def type(self, label: str, text: str, within: Locator | None = None) -> None:
        (within or self.page).get_by_label(label).fill(text)

    def is_told(self, text: str) -> None:
        expect(self.page.get_by_role("status")).to_contain_text(text)

    def is_asked(self, heading: str) -> Locator:
        """The dialog."""
        dialog = self.page.get_by_role("dialog", name=heading)
        expect(dialog).to_be_visible()
        return dialog

    def has_session(self, *, aal: str, amr: str) -> None:
        expect(self.page.locator("#aal")).to_have_text(aal)
        expect(self.page.locator("#amr")).to_have_text(amr)

    def passkeys(self) -> Locator:
        return self.page.locator("#passkeys > li")

    def sign_up(self) -> None:
        self._type_credentials()
        self.press("Sign up")
        self.is_told("Signed in.")

    def give_password(self) -> None:
        self._type_credentials()
        self.press("Sign in")

    def _type_credentials(self) -> None:
        self.type("Address", self.email)
        self.type("Password", PASSWORD, within=self.page.locator("#sign-in"))

    def sign_out(self) -> None:
        self.press("Sign out")
        self.is_told("Signed out.")

    def sign_in_by_passkey(self) -> None:
        self.press("Sign in with a passkey")
        self.is_told("Signed in with a passkey.")

    def enrol_app(self) -> App:
        self.press("Enrol an app")
        expect(self.page.get_by_role("img", name="QR code")).to_have_js_property("complete", True)
        app = App(self.page.locator("#secret").inner_text())
        self.type("Code that it shows", app.code())
        self.press("Confirm")
        self.is_told("The app is enrolled.")
        return app

    def register_passkey(self, name: str) -> None:
        self.type("Name of a new one", name)
        self.press("Register a passkey")

    def has_registered(self, name: str) -> None:
        self.is_told(f"Registered “{name}”.")

    def with_passkey(self) -> Device:
        """From a fresh account to one with a passkey, and signed in by it."""
        device = Device.of(self.page)
        self.sign_up()
        self.register_passkey("Laptop")
        self.has_registered("Laptop")
        self.sign_out()
        self.sign_in_by_passkey()
        return device

    def make_recovery_codes(self) -> list[str]:
        self.press("Make new ones")
        self.is_told("Ten new codes.")
        codes = self.page.locator("#recovery-codes code").all_inner_texts()
        assert len(codes) == 10
        assert all(re.fullmatch(r"(?:[A-Z2-9]{6}-){3}[A-Z2-9]{6}", code) for code in codes)
        return codes
