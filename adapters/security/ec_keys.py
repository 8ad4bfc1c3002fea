from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from adapters.security import canonical_base64
from application.ports.signing_keys import KeyMaker, KeyPair
from domain.kernel import KeyId

ALGORITHM = "ES256"
"""The one algorithm of these keys (RFC 7518 section 3.4): it is taken from here, never from a token."""

_COORDINATE_LENGTH = 32


class EcKeyMaker(KeyMaker):
    """P-256 keys."""

    def make(self) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return KeyPair(private_pem=private.decode(), public_pem=public.decode())

    def public_jwk(self, id: KeyId, public_pem: str) -> dict[str, str]:
        point = public_key(public_pem).public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": canonical_base64.encode(point.x.to_bytes(_COORDINATE_LENGTH)),
            "y": canonical_base64.encode(point.y.to_bytes(_COORDINATE_LENGTH)),
            "kid": str(id),
            "use": "sig",
            "alg": ALGORITHM,
        }


def public_key(pem: str) -> ec.EllipticCurvePublicKey:
    """Raise ValueError unless it is a public P-256 key: the libraries would take others under the same name."""
    key = load_pem_public_key(pem.encode())
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ValueError("That is not a public P-256 key.")
    return key


def private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """Raise ValueError unless it is a private P-256 key."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ValueError("That is not a private P-256 key.")
    return key
