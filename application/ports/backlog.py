"""What waits, and since when: looked at from outside, so it must cost little however much it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

MOST_COUNTED = 10_000
"""Beyond that nobody needs the number, and counting would become a burden of its own."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """`count` says at most MOST_COUNTED; `oldest` is of those that were counted."""

    count: int = 0
    oldest: datetime | None = None

    @classmethod
    def of(cls, times: Iterable[datetime]) -> Self:
        counted = sorted(times)[:MOST_COUNTED]
        return cls(len(counted), counted[0] if counted else None)

    def age(self, at: datetime) -> float:
        """In seconds; 0 where nothing waits, or what does is not due yet."""
        return max(0.0, (at - self.oldest).total_seconds()) if self.oldest else 0.0
