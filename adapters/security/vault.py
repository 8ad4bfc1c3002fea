import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.security import canonical_base64
from adapters.security.secret_keys import KEY_ID_LENGTH, Secret, SecretKeys
from application.ports.security import SealBroken, Vault

_ALGORITHM = "aes256gcm."  # stored beside the data, so that a successor can be told apart
_NONCE_LENGTH = 12
_TAG_LENGTH = 16


class AesVault(Vault):
    """The algorithm's name, then base64url of key id, nonce, and ciphertext with its tag (NIST SP 800-38D).

    Nonces are random: 2^32 seals under one secret are safe, and what is sealed here are keys, not traffic.
    """

    def __init__(self, secrets: SecretKeys) -> None:
        self._secrets = secrets

    def seal(self, plaintext: str, *, row: str) -> str:
        secret, nonce = self._secrets.current, os.urandom(_NONCE_LENGTH)
        ciphertext = _cipher(secret).encrypt(nonce, plaintext.encode(), row.encode())
        return _ALGORITHM + canonical_base64.encode(secret.id + nonce + ciphertext)

    def open(self, sealed: str, *, row: str) -> str:
        key_id, nonce, ciphertext = _parts(sealed)
        secret = self._secrets.find(key_id)
        if secret is None:
            raise SealBroken("It was sealed under a secret that is neither SECRET_KEY nor one of SECRET_KEYS_OLD.")
        try:
            return _cipher(secret).decrypt(nonce, ciphertext, row.encode()).decode()
        except InvalidTag:
            raise SealBroken("It was changed, or belongs to another row.") from None

    def is_outdated(self, sealed: str) -> bool:
        """Raise SealBroken for what was never sealed."""
        key_id, _, _ = _parts(sealed)
        return key_id != self._secrets.current.id


def _cipher(secret: Secret) -> AESGCM:
    return AESGCM(secret.key("vault"))


def _parts(sealed: str) -> tuple[bytes, bytes, bytes]:
    """Key id, nonce, and ciphertext with its tag. Raise SealBroken."""
    algorithm, text = sealed[: len(_ALGORITHM)], sealed[len(_ALGORITHM) :]
    try:
        raw = canonical_base64.decode(text)
    except ValueError:
        raw = b""
    nonce_end = KEY_ID_LENGTH + _NONCE_LENGTH
    if algorithm != _ALGORITHM or len(raw) < nonce_end + _TAG_LENGTH:
        raise SealBroken("It is not sealed text.")
    return raw[:KEY_ID_LENGTH], raw[KEY_ID_LENGTH:nonce_end], raw[nonce_end:]
