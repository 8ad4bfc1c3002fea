"""A browser and its authenticator in process, as WebAuthn level 3 describes them; they can be made to lie."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from application.ports.factors import Json

PRESENT, VERIFIED, BACKED_UP, ATTESTED = 0x01, 0x04, 0x18, 0x40
"""Flags (section 6.1)."""
ES256, ES384 = -7, -35
AAGUID = bytes(range(16))


def to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(slots=True, kw_only=True)
class Authenticator:
    """Holds one passkey, an ES256 key. What a test gives by name takes the place of what is right."""

    origin: str
    credential_id: bytes = bytes(range(32))
    sign_count: int = 0
    """Zero, as those say whose passkeys are kept by several devices."""
    user_handle: bytes | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False)

    def create(
        self,
        options: Json,
        *,
        attestation: str = "none",
        flags: int = PRESENT | VERIFIED | ATTESTED,
        domain: str | None = None,
        algorithm: int = ES256,
        client_data: bytes | None = None,
        **said: Any,
    ) -> dict[str, Any]:
        """As `navigator.credentials.create`, in the form of `toJSON()`. `said` are members of the client data."""
        self.user_handle = from_base64url(options["user"]["id"])
        client_data = client_data or self.client_data("webauthn.create", options, **said)
        data = self._data(domain or options["rp"]["id"], flags) + self._attested(algorithm)
        statement = {}
        if attestation == "packed":
            statement = {"alg": algorithm, "sig": self._sign(data, client_data)}
        attested = cbor2.dumps({"fmt": attestation, "attStmt": statement, "authData": data})
        return self._credential(
            client_data, attestationObject=to_base64url(attested), transports=["internal", "hybrid"]
        )

    def get(
        self,
        options: Json,
        *,
        flags: int = PRESENT | VERIFIED,
        domain: str | None = None,
        client_data: bytes | None = None,
        **said: Any,
    ) -> dict[str, Any]:
        """As `navigator.credentials.get`."""
        client_data = client_data or self.client_data("webauthn.get", options, **said)
        data = self._data(domain or options["rpId"], flags)
        handle = {} if self.user_handle is None else {"userHandle": to_base64url(self.user_handle)}
        return self._credential(
            client_data,
            authenticatorData=to_base64url(data),
            signature=to_base64url(self._sign(data, client_data)),
            **handle,
        )

    def client_data(self, ceremony: str, options: Json, /, **said: Any) -> bytes:
        honest = {"type": ceremony, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(honest | said).encode()

    def _data(self, domain: str, flags: int) -> bytes:
        if self.sign_count:
            self.sign_count += 1
        return hashlib.sha256(domain.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4)

    def _attested(self, algorithm: int) -> bytes:
        point = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: algorithm, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        return AAGUID + len(self.credential_id).to_bytes(2) + self.credential_id + cose

    def _sign(self, data: bytes, client_data: bytes) -> bytes:
        return self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))

    def _credential(self, client_data: bytes, **response: Any) -> dict[str, Any]:
        return {
            "id": to_base64url(self.credential_id),
            "rawId": to_base64url(self.credential_id),
            "type": "public-key",
            "response": {"clientDataJSON": to_base64url(client_data), **response},
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        }
