import hmac
import io
import re
from datetime import datetime

import pyotp
import segno

from application.ports.factors import TotpCodes

_STEP = 30
"""Seconds."""
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
"""Python also takes the digits of other scripts for numbers; no app shows them."""


class PyotpCodes(TotpCodes):
    def new_secret(self) -> str:
        return pyotp.random_base32(length=32)

    def uri(self, secret: str, *, account: str, issuer: str) -> str:
        return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)

    def qr_svg(self, uri: str) -> str:
        picture = io.BytesIO()
        segno.make(uri, micro=False, error="m").save(picture, kind="svg", xmldecl=False, scale=4)
        return picture.getvalue().decode()

    def step_of(self, secret: str, code: str, *, at: datetime) -> int | None:
        if not _CODE.fullmatch(code):
            return None
        present, totp = int(at.timestamp()) // _STEP, pyotp.TOTP(secret, interval=_STEP)
        # Each is compared, whichever fits: so the time tells nothing.
        steps = [
            step
            for step in (present - 1, present, present + 1)
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        ]
        return max(steps, default=None)
