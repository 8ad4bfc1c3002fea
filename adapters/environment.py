"""The real time, the real ids and real secrets."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from application.ports.environment import Clock, Ids, Secrets


@dataclass(frozen=True, slots=True)
class SystemClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Uuid7Ids(Ids):
    """Within a process each id sorts after every earlier one, over threads and within a millisecond too: the
    library keeps one counter for all of them (RFC 9562 section 6.2, method 1)."""

    def new(self) -> UUID:
        return uuid7()


@dataclass(frozen=True, slots=True)
class SystemSecrets(Secrets):
    def new(self, length: int) -> bytes:
        return secrets.token_bytes(length)
