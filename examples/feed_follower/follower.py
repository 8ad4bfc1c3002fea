"""Reading on and on, whatever befalls Portico, the network or this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from examples.feed_follower.state import State

WAIT = 30
"""Seconds that Portico may take to answer when nothing happens."""


class CursorExpired(Exception):
    """We were away for longer than events are kept: remove the state, take stock by the API, and follow anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    portico: httpx.Client
    state: State
    wait: int = WAIT
    sleep: Callable[[float], None] = time.sleep

    def follow(self) -> None:
        """Does not return. Raise CursorExpired; httpx.HTTPStatusError for what trying again does not mend."""
        pause = 1.0
        while True:
            try:
                self.read_on()
                pause = 1.0
            except httpx.TransportError:
                self.sleep(pause)
                pause = min(2 * pause, 60)

    def read_on(self) -> int:
        """One page, with all that follows from it; how many events it had."""
        query: dict[str, str | int] = {"limit": 100, "wait": self.wait}
        if self.state.cursor is not None:
            query["after"] = self.state.cursor
        answer = self.portico.get("/v1/events", params=query)
        if answer.status_code == 410:
            raise CursorExpired
        if answer.status_code in (429, 502, 503, 504):
            raise httpx.RemoteProtocolError(f"Portico answers {answer.status_code}.")
        page = answer.raise_for_status().json()
        self.state.apply(page["items"], page["next_cursor"])
        return len(page["items"])
