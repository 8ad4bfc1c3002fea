"""Base64url without padding (RFC 4648 section 5; RFC 7515 section 2), in its one canonical spelling."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Raise ValueError unless `text` is exactly what `encode` gives.

    The standard library skips foreign characters and ignores left-over bits, so that one token would have many
    spellings; encoding it again settles all of that.
    """
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(raw) != text:
        raise ValueError("That is not canonical base64url.")
    return raw
