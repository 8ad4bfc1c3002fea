"""Waiting for events, on an event loop of its own: who is woken, by what, and how little is asked meanwhile."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.events import News
from entrypoints.http.head import Head

ONE, OTHER = UUID(int=1), UUID(int=2)
SOON, LONG = 0.15, 10.0


@dataclass
class Feed:
    """Whose events came, in order: the first has position 1."""

    owners: list[UUID] = field(default_factory=list)
    looks: int = 0
    is_broken: bool = False
    meanwhile: Callable[[], object] = lambda: None

    def look(self, after: int) -> News:
        self.looks += 1
        if self.is_broken:
            raise ConnectionError
        news = News(position=len(self.owners), owner_ids=frozenset(self.owners[after:]))
        self.meanwhile()
        return news

    def head(self) -> Head:
        return Head(self.look, seconds=0.01)


def run(waiting: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(waiting, LONG / 2))


def test_whoever_waits_is_woken_by_what_is_theirs() -> None:
    async def wait() -> None:
        feed = Feed()
        head = feed.head()
        waiting = [asyncio.create_task(head.moved(owner, beyond=0, timeout=LONG)) for owner in (ONE, None)]
        other = asyncio.create_task(head.moved(OTHER, beyond=0, timeout=SOON))
        await asyncio.sleep(0.03)
        feed.owners.append(ONE)
        assert await asyncio.gather(*waiting) == [True, True]
        assert await other is False

    run(wait())


def test_after_its_time_a_wait_is_over() -> None:
    async def wait() -> None:
        begun = time.monotonic()
        assert await Feed().head().moved(ONE, beyond=0, timeout=SOON) is False
        assert time.monotonic() - begun >= SOON * 0.9

    run(wait())


def test_one_look_serves_all_and_while_nobody_waits_nobody_looks() -> None:
    async def wait() -> None:
        feed = Feed()
        head = feed.head()
        await asyncio.gather(*(head.moved(ONE, beyond=0, timeout=SOON) for _ in range(200)))
        assert 1 <= feed.looks <= SOON / 0.01 + 1
        await asyncio.sleep(0.03)
        looks = feed.looks
        await asyncio.sleep(0.05)
        assert (feed.looks, head.waiting) == (looks, 0)
        feed.owners.append(ONE)
        assert await head.moved(ONE, beyond=0, timeout=LONG) is True

    run(wait())


def test_what_came_before_one_began_to_wait_is_not_missed() -> None:
    async def wait() -> None:
        feed = Feed()
        head = feed.head()
        first = asyncio.create_task(head.moved(OTHER, beyond=0, timeout=LONG))
        feed.owners.append(ONE)
        await asyncio.sleep(0.05)  # by now the head has looked beyond it
        assert await head.moved(ONE, beyond=0, timeout=LONG) is True
        first.cancel()

    run(wait())


def test_what_comes_between_two_who_wait_is_not_missed() -> None:
    """The first is gone while a look of its is still under way, which has seen more than the second."""

    async def wait() -> None:
        feed = Feed(meanwhile=lambda: time.sleep(0.1))
        head = feed.head()
        feed.owners.append(ONE)
        assert await head.moved(OTHER, beyond=0, timeout=0.05) is False
        assert await head.moved(ONE, beyond=0, timeout=LONG) is True

    run(wait())


def test_when_the_service_ends_all_are_answered_at_once_and_nobody_waits_any_more() -> None:
    async def wait() -> None:
        head = Feed().head()
        waiting = [asyncio.create_task(head.moved(ONE, beyond=0, timeout=LONG)) for _ in range(50)]
        await asyncio.sleep(0.03)
        head.close()
        assert await asyncio.gather(*waiting) == [False] * 50
        assert await head.moved(ONE, beyond=0, timeout=LONG) is False

    run(wait())


def test_if_looking_fails_whoever_waits_finds_out_for_themselves_and_looking_goes_on() -> None:
    async def wait() -> None:
        feed = Feed(is_broken=True)
        head = feed.head()
        assert await head.moved(ONE, beyond=0, timeout=LONG) is True
        feed.is_broken = False
        assert await head.moved(ONE, beyond=0, timeout=SOON) is False
        feed.owners.append(ONE)
        assert await head.moved(ONE, beyond=0, timeout=LONG) is True

    run(wait())


def test_whoever_stops_waiting_leaves_nothing_behind() -> None:
    async def wait() -> None:
        head, before = Feed().head(), asyncio.all_tasks()
        waiting = asyncio.create_task(head.moved(ONE, beyond=0, timeout=LONG))
        await asyncio.sleep(0.03)
        waiting.cancel()
        await asyncio.sleep(0.03)
        assert head.waiting == 0
        assert asyncio.all_tasks() == before

    run(wait())
