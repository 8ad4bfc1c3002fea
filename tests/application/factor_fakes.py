"""An authenticator app and a device with passkeys, as tests can hold them in their hands.

What the real ones check of bytes and signatures is tried in tests/security; here is whose, which challenge, how often.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any, Self
from uuid import UUID, uuid4

from application.ports.factors import Json, PasskeyVerifier, TotpCodes
from domain.kernel import AccountId
from domain.passkeys import NewPasskey, Passkey, PasskeyRefused, PasskeyWrong
from tests.builders import step_of


@dataclass(slots=True)
class PlainTotp(TotpCodes):
    """The code of a step is the end of that step's number, and of the secret's."""

    made: Any = field(default_factory=lambda: count(1))

    def new_secret(self) -> str:
        return f"{next(self.made):03}"

    def uri(self, secret: str, *, account: str, issuer: str) -> str:
        return f"otpauth://totp/{issuer}:{account}?secret={secret}"

    def qr_svg(self, uri: str) -> str:
        return f"<svg><desc>{uri}</desc></svg>"

    def step_of(self, secret: str, code: str, *, at: datetime) -> int | None:
        present = step_of(at)
        return next((s for s in (present + 1, present, present - 1) if self.code(secret, s) == code), None)

    def code(self, secret: str, step: int) -> str:
        """What the app shows then."""
        return f"{step % 1000:03}{secret}"


@dataclass(frozen=True, slots=True)
class Device:
    """An authenticator that keeps one passkey. Its counter goes on with every answer; a copy has the counter it had."""

    credential_id: bytes = field(default_factory=lambda: uuid4().bytes)
    key: bytes = field(default_factory=lambda: uuid4().bytes)
    uses: list[None] = field(default_factory=list)
    owner: AccountId | None = None
    counts: bool = True

    def registers(self, options: Json) -> Json:
        return {"rawId": self.credential_id.hex(), "answers": options["challenge"], "public_key": self.key.hex()}

    def of(self, owner: AccountId) -> Self:
        """It knows for whom it was registered, and says so: that is how a passkey is found without an address."""
        return replace(self, owner=owner)

    def answers(self, options: Json) -> Json:
        if self.counts:
            self.uses.append(None)
        return {
            "rawId": self.credential_id.hex(),
            "userHandle": str(self.owner) if self.owner else None,
            "answers": options["challenge"],
            "signed_by": self.key.hex(),
            "count": len(self.uses),
        }

    def copied(self) -> Self:
        return replace(self, uses=list(self.uses))


class PlainPasskeys(PasskeyVerifier):
    """Takes what a `Device` made for the very challenge; anything else raises, as a browser's nonsense would."""

    def registration_options(
        self, *, account_id: AccountId, name: str, display_name: str, random: bytes, known: list[Passkey]
    ) -> Json:
        return {
            "challenge": random.hex(),
            "user": {"id": str(account_id), "name": name, "displayName": display_name},
            "excludeCredentials": [each.credential_id.hex() for each in known],
        }

    def verify_registration(self, credential: Json, *, random: bytes) -> NewPasskey:
        if credential.get("answers") != random.hex() or "public_key" not in credential:
            raise PasskeyRefused
        return NewPasskey(
            credential_id=bytes.fromhex(credential["rawId"]),
            public_key=bytes.fromhex(credential["public_key"]),
            sign_count=0,
            transports=("internal",),
            is_backed_up=False,
        )

    def sign_in_options(self, *, random: bytes) -> Json:
        return {"challenge": random.hex(), "allowCredentials": []}

    def claimed(self, credential: Json) -> tuple[AccountId | None, bytes]:
        try:
            handle = credential["userHandle"]
            return AccountId(UUID(handle)) if handle else None, bytes.fromhex(credential["rawId"])
        except (KeyError, ValueError):
            raise PasskeyWrong from None

    def verify_sign_in(self, credential: Json, *, random: bytes, passkey: Passkey) -> int:
        answer = credential.get("answers"), credential.get("signed_by"), credential.get("rawId")
        if answer != (random.hex(), passkey.public_key.hex(), passkey.credential_id.hex()):
            raise PasskeyWrong
        return int(credential["count"])
