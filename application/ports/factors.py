"""What checks factors: authenticator apps, codes by mail, passkeys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from domain.kernel import AccountId
from domain.one_time_tokens import Purpose
from domain.passkeys import NewPasskey, Passkey

Json = Mapping[str, Any]


class TotpCodes(Protocol):
    """RFC 6238 with 6 digits, 30 seconds and SHA-1, which is what every app knows."""

    def new_secret(self) -> str:
        """160 random bits in base 32."""

    def uri(self, secret: str, *, account: str, issuer: str) -> str:
        """`otpauth://…`, which an app reads from the picture."""

    def qr_svg(self, uri: str) -> str:
        """The URI as a QR code."""

    def step_of(self, secret: str, code: str, *, at: datetime) -> int | None:
        """The time step, the present one or a neighbour of it, whose code that is. None for anything else, be it no
        number at all."""


class DerivedCodes(Protocol):
    """Codes of six digits that stand nowhere: derived from what they are for, like opaque tokens."""

    def digits(self, purpose: Purpose, payload: bytes) -> str: ...

    def are(self, code: str, purpose: Purpose, payload: bytes) -> bool:
        """In constant time, under the present secret or an old one."""


class PasskeyVerifier(Protocol):
    """WebAuthn for one relying party. What comes from a browser is hostile until it is verified."""

    def registration_options(
        self, *, account_id: AccountId, name: str, display_name: str, random: bytes, known: list[Passkey]
    ) -> Json:
        """For `navigator.credentials.create`: discoverable, with user verification."""

    def verify_registration(self, credential: Json, *, random: bytes) -> NewPasskey:
        """Raise PasskeyRefused, and nothing else, whatever it is."""

    def sign_in_options(self, *, random: bytes) -> Json:
        """For `navigator.credentials.get`: any passkey of this site, with user verification."""

    def claimed(self, credential: Json) -> tuple[AccountId | None, bytes]:
        """Whose it says to be, and which credential. Nothing of it is verified. Raise PasskeyWrong."""

    def verify_sign_in(self, credential: Json, *, random: bytes, passkey: Passkey) -> int:
        """The new counter. Raise PasskeyWrong, and nothing else, whatever it is."""
