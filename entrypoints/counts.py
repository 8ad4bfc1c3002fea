"""What a process counts as it goes: plain numbers, for prometheus-client's own would cost each request several times as
much (docs/metrics.md says what is made of them)."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from application.ports.webhooks import Courier, Parcel, Receipt

BOUNDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets, in seconds. The last is what a caller waits at most for the feed."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

RouteKey = tuple[str, str | None, int]
"""Method, template of the route, and the first digit of the status. Never a path: there are too many of them, and they
may hold tokens."""


@dataclass(slots=True)
class Series:
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0


class RequestCounts:
    """Written by the event loop alone, so without a lock."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._series: dict[RouteKey, Series] = {}

    def ended(self, method: str, route: str | None, status: int, seconds: float) -> None:
        series = self._series.get((method, route, status // 100)) or self._begun(method, route, status)
        series.buckets[bisect_left(BOUNDS, seconds)] += 1
        series.seconds += seconds
        self.in_flight -= 1

    def series(self) -> dict[RouteKey, Series]:
        """As they stand; any thread may ask."""
        return self._series.copy()

    def _begun(self, method: str, route: str | None, status: int) -> Series:
        # A caller may send any word as its method: they must not become as many series.
        known = method if method in _METHODS else "other"
        return self._series.setdefault((known, route, status // 100), Series())


@dataclass(slots=True)
class Counts:
    requests: RequestCounts = field(default_factory=RequestCounts)
    batches: int = 0
    """Of the sequencer, in this process."""
    calls: Counter[str] = field(default_factory=Counter)
    """To webhooks, by how they ended."""


@dataclass(frozen=True, slots=True)
class CountedCourier(Courier):
    """Another's, whose receipts are counted. The words for what went wrong are few, as Receipt has it."""

    courier: Courier
    calls: Counter[str]

    def free(self) -> int:
        return self.courier.free()

    def send(self, parcel: Parcel) -> None:
        self.courier.send(parcel)

    def returned(self, *, wait: float) -> list[Receipt]:
        receipts = self.courier.returned(wait=wait)
        self.calls.update(f"{each.status // 100}xx" if each.status else each.error for each in receipts)
        return receipts

    def close(self) -> None:
        self.courier.close()
