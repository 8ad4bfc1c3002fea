"""What a person has at hand besides a browser: an authenticator app, and a device that keeps passkeys."""

import time
from dataclasses import dataclass, field
from typing import Self

import pyotp
from playwright.sync_api import CDPSession, Page

_STEP = 30


@dataclass(slots=True)
class App:
    """Gives each code once, as the server takes it once; the next one early, within what clocks may differ."""

    secret: str
    last_step: int = field(default=0, init=False)

    def code(self) -> str:
        present = int(time.time()) // _STEP
        self.last_step = max(present, self.last_step + 1)
        assert self.last_step <= present + 1, "the server would not take a code from that far ahead"
        return pyotp.TOTP(self.secret).generate_otp(self.last_step)


@dataclass(frozen=True, slots=True)
class Device:
    """Chromium's virtual authenticator: it keeps discoverable keys and verifies its user, without asking."""

    session: CDPSession
    id: str

    @classmethod
    def of(cls, page: Page) -> Self:
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(session, added["authenticatorId"])

    @property
    def passkeys(self) -> int:
        found = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return len(found["credentials"])

    def take_away(self) -> None:
        self.session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})
