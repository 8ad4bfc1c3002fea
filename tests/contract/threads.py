"""What happens when many meet."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from application.ports.unit_of_work import TransactionFailed
from domain.kernel import DomainError, Stale

T = TypeVar("T")

MANY = 32
PATIENCE = 60.0
"""Seconds: a crowd queues longer than requests may."""


def at_once(act: Callable[[int], T], *, threads: int = MANY) -> list[T | type[DomainError | Stale]]:
    """Run `act(0)`, `act(1)`, … in a thread each, all let go at the same moment; a refusal counts as an outcome.

    Who is told TransactionFailed runs again, as the application would, but not for ever.
    """
    gate = threading.Barrier(threads)
    end = monotonic() + PATIENCE

    def one(number: int) -> T | type[DomainError | Stale]:
        gate.wait(timeout=PATIENCE)
        while True:
            try:
                return act(number)
            except TransactionFailed:
                if monotonic() > end:
                    raise
            except (DomainError, Stale) as refusal:
                return type(refusal)

    with switching_often(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def tally(outcomes: list[T]) -> dict[T, int]:
    return dict(Counter(outcomes))


def begun(act: Callable[[], T]) -> Future[T]:
    """Let somebody else `act`, from now on."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(act())
        except Exception as error:
            outcome.set_exception(error)

    # No pool: that would wait for its thread in the end, and so for ever.
    threading.Thread(target=run, daemon=True).start()
    return outcome


def in_another_thread(act: Callable[[], T]) -> T:
    """What `act` returns to somebody else. Raise TimeoutError if it has to wait."""
    return begun(act).result(timeout=10)


@contextmanager
def switching_often() -> Iterator[None]:
    """A thread may be interrupted anywhere, not only where it waits: what is done in memory takes less than a turn."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
