"""What is derived from SECRET_KEY: one key per purpose, so that nothing made for one opens another."""

from collections.abc import Iterator, Sequence
from functools import cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_ID_LENGTH = 6
"""Bytes. It tells the configured secrets apart and reveals nothing of them; no security rests on its length."""


class Secret:
    """One secret: `id` is stored beside what it made, and is all that may be shown of it."""

    def __init__(self, text: str) -> None:
        if not text:
            raise ValueError("A secret must not be empty.")
        self._text = text.encode()
        self._key = cache(self._derive)  # HKDF costs more than the HMAC that its key is for
        self.id = self._derive("key id")[:KEY_ID_LENGTH]

    def key(self, purpose: str) -> bytes:
        """The 32 bytes for that purpose (HKDF-SHA256, RFC 5869)."""
        return self._key(purpose)

    def __repr__(self) -> str:
        return f"Secret({self.id.hex()})"

    def _derive(self, purpose: str) -> bytes:
        return HKDF(SHA256(), length=32, salt=None, info=f"portico/{purpose}".encode()).derive(self._text)


class SecretKeys:
    """The present secret, under which everything is made, and the old ones, under which it can still be read."""

    def __init__(self, current: str, old: Sequence[str] = ()) -> None:
        self.current = Secret(current)
        self._by_id = {secret.id: secret for secret in (*map(Secret, old), self.current)}

    def find(self, id: bytes) -> Secret | None:
        return self._by_id.get(id)

    def __iter__(self) -> Iterator[Secret]:
        return iter(self._by_id.values())

    def __repr__(self) -> str:
        return f"SecretKeys(current={self.current!r}, old={len(self._by_id) - 1})"
