from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc.jwk import ECKey

from adapters.security.canonical_base64 import decode
from adapters.security.ec_keys import EcKeyMaker, private_key, public_key
from domain.kernel import KeyId


def test_a_pair_belongs_together() -> None:
    pair = EcKeyMaker().make()
    assert private_key(pair.private_pem).public_key() == public_key(pair.public_pem)
    assert pair.private_pem.startswith("-----BEGIN PRIVATE KEY-----")
    assert pair.public_pem.startswith("-----BEGIN PUBLIC KEY-----")


def test_no_two_pairs_are_the_same() -> None:
    assert EcKeyMaker().make() != EcKeyMaker().make()


def test_a_pair_does_not_show_its_private_part() -> None:
    pair = EcKeyMaker().make()
    assert "PRIVATE" not in repr(pair)


def test_a_jwk_is_the_public_key_and_nothing_else() -> None:
    for _ in range(20):
        pair, id = EcKeyMaker().make(), KeyId(uuid4())
        jwk = EcKeyMaker().public_jwk(id, pair.public_pem)
        assert jwk.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (jwk["kid"], jwk["use"], jwk["alg"]) == (str(id), "sig", "ES256")
        assert len(decode(jwk["x"])) == len(decode(jwk["y"])) == 32
        assert ECKey.import_key(dict(jwk)).as_pem(private=False).decode() == pair.public_pem


OTHERS = [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)]


@pytest.mark.parametrize("other", OTHERS)
def test_other_keys_are_refused(other: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(ValueError, match="P-256"):
        private_key(private)
    with pytest.raises(ValueError, match="P-256"):
        public_key(public)
