"""What happens when many meet."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from application.ports.unit_of_work import TransactionFailed
from domain.kernel import DomainError

T = TypeVar("T")

MANY = 32


def at_once(act: Callable[[int], T], *, threads: int = MANY) -> list[T | type[DomainError]]:
    """Run `act(0)`, `act(1)`, … in a thread each, all let go at the same moment; a refusal counts as an outcome.

    Who is told TransactionFailed runs again, as the application would.
    """
    gate = threading.Barrier(threads)

    def one(number: int) -> T | type[DomainError]:
        gate.wait(timeout=30)
        while True:
            try:
                return act(number)
            except TransactionFailed:
                continue
            except DomainError as refusal:
                return type(refusal)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def tally(outcomes: list[T]) -> dict[T, int]:
    return dict(Counter(outcomes))


def in_another_thread(act: Callable[[], T]) -> T:
    """What `act` returns to somebody else. Fails if it has to wait."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result(timeout=10)
