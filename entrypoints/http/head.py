"""Waiting for events without a thread or a connection: one look at the head of the feed serves all who wait."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from application.events import News

LOOK_SECONDS = 0.2


@dataclass(eq=False, slots=True)
class _Waiter:
    owner_id: UUID | None
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Head:
    """Lives on one event loop. While nobody waits, it asks nobody."""

    def __init__(self, look: Callable[[int], News], *, seconds: float = LOOK_SECONDS) -> None:
        """`look` blocks, and tells what came after a position."""
        self._look, self._seconds = look, seconds
        self._seen = 0
        self._waiters: set[_Waiter] = set()
        self._looking: asyncio.Task[None] | None = None
        self.is_closed = False

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    async def moved(self, owner_id: UUID | None, *, beyond: int, timeout: float) -> bool:
        """Whether there may be something new: of that owner, or of anybody. False once the time or the service is over.

        It may be wrong about there being something, never about there being nothing.
        """
        if self.is_closed:
            return False
        if self._looking is None:
            self._seen = beyond
        elif beyond < self._seen:  # what lies between was looked at before this one came
            return True
        waiter = _Waiter(owner_id)
        self._waiters.add(waiter)
        if self._looking is None:
            self._looking = asyncio.create_task(self._keep_looking())
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(waiter.woken.wait(), timeout)
        finally:
            self._waiters.discard(waiter)
        return waiter.woken.is_set() and not self.is_closed

    def close(self) -> None:
        """Everybody is woken, and nobody waits any more. Not from another thread."""
        self.is_closed = True
        for waiter in self._waiters:
            waiter.woken.set()
        if self._looking:
            self._looking.cancel()

    async def _keep_looking(self) -> None:
        try:
            while self._waiters and not self.is_closed:
                await asyncio.sleep(self._seconds)
                if self._waiters:
                    await self._look_once()
        finally:
            self._looking = None

    async def _look_once(self) -> None:
        try:
            news = await asyncio.to_thread(self._look, self._seen)
        except Exception:
            # Whoever waits finds out by themselves, and is told as every other request is.
            structlog.get_logger().exception("head.failed")
            news = None
        for waiter in self._waiters:
            is_theirs = news is None or (
                waiter.owner_id in news.owner_ids if waiter.owner_id else news.position > self._seen
            )
            if is_theirs:
                waiter.woken.set()
        if news:
            self._seen = max(self._seen, news.position)
