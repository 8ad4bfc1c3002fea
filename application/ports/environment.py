"""What a test fixes: the time, the ids and the secrets."""

from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC."""


class Ids(Protocol):
    def new(self) -> UUID:
        """A UUIDv7 (RFC 9562): unique everywhere, and later ones sort after earlier ones."""


class Secrets(Protocol):
    def new(self, length: int) -> bytes:
        """That many bytes that nobody can guess."""
