"""Where passwords are hashed: a bounded pool of its own, below everything else in priority.

bcrypt takes a quarter of a second of a core. In the pool that serves all other requests a storm of sign-ins would stop
everything (measured: 1,360 -> 0 requests a second, docs/decisions/0004-hashing-executor.md). Here it may use what the
others leave, and what does not fit the queue is refused at once.
"""

import asyncio
import contextvars
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from application.ports.unit_of_work import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class HashingLoad:
    running: int
    waiting: int
    refused: int
    """Since the process began."""


R = TypeVar("R")

_NICENESS = 10


class Busy(Unavailable):
    """The queue is full. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("The queue of the hashing executor is full.")
        self.retry_after = retry_after


class HashingExecutor:
    """Runs whole use cases at nice +10: as many as may hash at one time, and one more, which talks with the database
    meanwhile, so that no hash waits for a row. At most `queue` others may wait."""

    def __init__(self, *, at_once: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(at_once + 1, thread_name_prefix="hashing", initializer=_lower_priority)
        self._places = threading.Semaphore(at_once + queue)
        self._counting = threading.Lock()
        self._accepted = self._running = self._refused = 0
        # How long a full queue takes to empty, at a quarter of a second a hash.
        self._retry_after = max(1, (at_once + queue) // (4 * at_once))

    async def run(self, work: Callable[[], R]) -> R:
        """Raise Busy, before a thread or a connection is taken, if the queue is full."""
        if not self._places.acquire(blocking=False):
            with self._counting:
                self._refused += 1
            raise Busy(self._retry_after)
        context = contextvars.copy_context()  # the request id, for the log
        try:
            future = self._executor.submit(context.run, self._run, work)
        except RuntimeError:  # it is shutting down
            self._places.release()
            raise
        with self._counting:
            self._accepted += 1
        # Released by the work and not by the caller: one who hangs up leaves his hash in the queue.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def load(self) -> HashingLoad:
        with self._counting:
            return HashingLoad(
                running=self._running, waiting=max(0, self._accepted - self._running), refused=self._refused
            )

    def _run(self, work: Callable[[], R]) -> R:
        with self._counting:
            self._running += 1
        return work()

    def _leave(self, future: "Future[R]") -> None:
        self._places.release()
        with self._counting:
            self._accepted -= 1
            if not future.cancelled():  # then it never ran
                self._running -= 1

    def close(self) -> None:
        """What has been accepted is finished."""
        self._executor.shutdown(wait=True)


def _lower_priority() -> None:
    # Linux keeps a priority for each thread; elsewhere it would lower the whole process.
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # A process that was started even lower may not raise itself.
        os.setpriority(os.PRIO_PROCESS, thread, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
