from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.feed_follower.follower import CursorExpired, Follower
from examples.feed_follower.state import State

Event = dict[str, Any]


def member(type_: str, membership: str, *, account: str = "ada", role: str = "member") -> Event:
    data = {"account_id": account, "role": role}
    return {"id": f"{type_} {membership} {role}", "type": f"member.{type_}", "aggregate_id": membership, "data": data}


class Feed:
    """Two events a page; its cursor is the number of those that came before. `faults` come first."""

    def __init__(self, *events: Event) -> None:
        self.events = list(events)
        self.faults: list[int | Exception] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return httpx.Response(fault)
        after = int(request.url.params.get("after", "0"))
        page = self.events[after : after + 2]
        return httpx.Response(200, json={"items": page, "next_cursor": str(after + len(page))})


EVENTS = (
    member("added", "1", role="owner"),
    member("added", "2", account="bob"),
    {"id": "a role", "type": "role.created", "aggregate_id": "3", "data": {}},
    member("role_changed", "2", account="bob", role="admin"),
    member("removed", "1"),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite3"


def follower(feed: Feed, file: Path, pauses: list[float] | None = None) -> Follower:
    portico = httpx.Client(base_url="http://portico.test", transport=httpx.MockTransport(feed))
    return Follower(portico=portico, state=State(file), sleep=([] if pauses is None else pauses).append)


def read_all(following: Follower) -> str:
    while following.read_on():
        pass
    return following.state.dump()


def test_it_knows_who_is_a_member_and_as_what(file: Path) -> None:
    following = follower(Feed(*EVENTS), file)
    read_all(following)
    assert following.state.members() == {"bob": "admin"}


def test_whoever_comes_back_is_there_even_if_that_is_told_before_they_left(file: Path) -> None:
    feed = Feed(member("added", "1"), member("added", "2", role="admin"), member("removed", "1"))
    following = follower(feed, file)
    read_all(following)
    assert following.state.members() == {"ada": "admin"}


@pytest.mark.parametrize("pages", range(4))
def test_wherever_it_ends_it_goes_on_and_comes_to_the_same(file: Path, tmp_path: Path, pages: int) -> None:
    never_ended = read_all(follower(Feed(*EVENTS), tmp_path / "another.sqlite3"))
    first = follower(Feed(*EVENTS), file)
    for _ in range(pages):
        first.read_on()
    assert read_all(follower(Feed(*EVENTS), file)) == never_ended


def test_a_page_that_is_broken_off_leaves_nothing(file: Path) -> None:
    following = follower(Feed(), file)
    before = following.state.dump()
    with pytest.raises(KeyError):
        following.state.apply([EVENTS[0], {"type": "member.added"}], "2")
    assert (following.state.dump(), following.state.cursor) == (before, None)


def test_what_passes_is_waited_for_longer_each_time(file: Path) -> None:
    feed, pauses = Feed(*EVENTS), list[float]()
    feed.faults = [503, httpx.ConnectError("refused"), 502, 403]
    with pytest.raises(httpx.HTTPStatusError):
        follower(feed, file, pauses).follow()
    assert pauses == [1, 2, 4]


def test_a_cursor_that_has_expired_is_for_a_person(file: Path) -> None:
    feed = Feed(*EVENTS)
    feed.faults = [410]
    with pytest.raises(CursorExpired):
        follower(feed, file).follow()
