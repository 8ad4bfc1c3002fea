from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from application.events import Followed, News
from application.ports.outbox import OutboxEvent
from domain.access import Actor, PermissionDenied, Principal
from domain.accounts import OperatorRequired
from domain.assurance import StepUpRequired
from domain.kernel import CursorInvalid
from domain.permissions import EVENTS_READ, MEMBERS_READ
from domain.sequence import CursorExpired
from tests.application.world import ADA, EVE, World
from tests.contract.given import NOT_A_CURSOR

ALL = 100


def follow(world: World, reader: Actor | Principal, *, after: str | None = None, limit: int = ALL) -> Followed:
    """What has been committed by now has its place."""
    while world.sequence():
        pass
    return world.follow_events(reader=reader, after=after, limit=limit)


def names(page: Followed) -> list[str]:
    return [event.name for event in page.events]


def forget(world: World, *, through: int) -> None:
    """As retention does."""
    with world.database.unit_of_work() as uow:
        uow.outbox.forget(before=world.clock.now() + timedelta(days=1), limit=through)
        uow.sequence.forget(through)


def test_an_operator_follows_everything(world: World) -> None:
    operator = world.an_operator()
    world.an_organization()
    seen = follow(world, operator).events
    assert {event.id for event in seen} == {event.id for event in world.events()}
    assert [event.position for event in seen] == list(range(1, len(seen) + 1))


def test_an_organization_follows_what_is_its_own(world: World) -> None:
    acme, other = world.an_organization(), world.an_organization(EVE, name="Eve's")
    page = follow(world, acme)
    assert names(page) == ["organization.created", "member.added"]
    assert {event.owner_id for event in page.events} == {acme.organization_id} == {page.owner_id}
    assert {event.owner_id for event in follow(world, other).events} == {other.organization_id}


def test_whoever_goes_on_sees_each_event_once(world: World) -> None:
    operator = world.an_operator()
    acme = world.an_organization()
    seen: list[OutboxEvent] = []
    page = follow(world, operator, limit=2)
    for number in range(ALL):
        if not page.events:
            break
        seen += page.events
        if number < 3:
            world.rename(principal=world.now(acme.person()), display_name=f"Ada {number}")
        page = follow(world, operator, after=str(page.position), limit=2)
    assert [event.position for event in seen] == list(range(1, len(world.events()) + 1))


def test_after_an_empty_page_one_goes_on_where_the_feed_is(world: World) -> None:
    acme = world.an_organization()
    begun = follow(world, acme)
    for number in range(3):
        world.rename(principal=world.now(acme.person()), display_name=f"Ada {number}")
    quiet = follow(world, acme, after=str(begun.position))
    assert (quiet.events, quiet.position) == ([], begun.position + 3)
    world.make_role(actor=acme, name="new", description="", permissions=[])
    assert names(follow(world, acme, after=str(quiet.position))) == ["role.created"]


def test_an_installation_in_which_nothing_happened_has_a_cursor_too(world: World) -> None:
    operator = world.an_operator()
    with world.database.unit_of_work() as uow:
        waiting = uow.outbox.unplaced(limit=ALL)
    assert waiting
    page = world.follow_events(reader=operator, after=None, limit=ALL)
    assert (page.events, page.position) == ([], 0)
    assert len(follow(world, operator, after="0").events) == len(waiting)


def test_a_full_page_ends_where_its_last_event_is(world: World) -> None:
    operator = world.an_operator()
    page = follow(world, operator, limit=1)
    assert (len(page.events), page.position) == (1, 1)


@pytest.mark.parametrize(
    "cursor", [*sorted({*NOT_A_CURSOR} - {"0"}), "-1", "+1", "01", "1.0", "1 ", "²", "٣", "9" * 5000, "1e3"]
)
def test_what_never_was_a_cursor_is_refused(world: World, cursor: str) -> None:
    operator = world.an_operator()
    with pytest.raises(CursorInvalid):
        follow(world, operator, after=cursor)


def test_a_cursor_from_beyond_the_end_is_refused(world: World) -> None:
    operator = world.an_operator()
    end = follow(world, operator).position
    assert follow(world, operator, after=str(end)).events == []
    with pytest.raises(CursorInvalid):
        follow(world, operator, after=str(end + 1))


def test_whoever_was_away_for_longer_than_events_are_kept_is_told(world: World) -> None:
    operator = world.an_operator()
    end = follow(world, operator).position
    forget(world, through=2)
    with pytest.raises(CursorExpired):
        follow(world, operator, after="1")
    assert len(follow(world, operator, after="2").events) == end - 2


def test_without_a_cursor_it_begins_with_the_oldest_that_is_kept(world: World) -> None:
    operator = world.an_operator()
    follow(world, operator)
    forget(world, through=2)
    assert follow(world, operator).events[0].position == 3


def test_what_is_forgotten_while_one_reads_is_noticed(world: World) -> None:
    operator = world.an_operator()
    follow(world, operator)

    @dataclass(frozen=True)
    class ForgettingAsItIsRead:
        """The sweep comes between the first look at the sequence and the events."""

        database: Any

        @property
        def sequence(self) -> Any:
            return self.database.sequence

        @property
        def outbox(self) -> Any:
            forget(world, through=2)
            return self.database.outbox

    @contextmanager
    def autocommit() -> Iterator[Any]:
        with world.database.autocommit() as database:
            yield ForgettingAsItIsRead(database)

    with pytest.raises(CursorExpired):
        replace(world.follow_events, autocommit=autocommit)(reader=operator, after="1", limit=ALL)


def test_only_operators_read_what_is_everybodys(world: World) -> None:
    somebody = world.somebody()
    with pytest.raises(OperatorRequired):
        follow(world, somebody)


def test_an_operator_without_a_second_factor_is_asked_for_one(world: World) -> None:
    world.appoint_operator(email=ADA, password="violet quartz lantern")
    with pytest.raises(StepUpRequired):
        follow(world, world.who(world.enter(ADA)))


def test_a_member_needs_the_permission(world: World) -> None:
    acme = world.an_organization()
    assert follow(world, world.a_member_who_may(acme, EVENTS_READ, email="one@example.com")).events
    with pytest.raises(PermissionDenied):
        follow(world, world.a_member_who_may(acme, MEMBERS_READ, email="two@example.com"))


def test_one_look_tells_how_far_the_feed_is_and_whose_events_are_new(world: World) -> None:
    acme = world.an_organization()
    end = follow(world, acme).position
    with world.work() as done:
        nothing = world.look_for_news(after=end)
    assert (nothing.position, nothing.owner_ids, done) == (end, frozenset(), ["sequence.get"])
    world.rename(principal=acme.person(), display_name="Ada L.")
    follow(world, acme)
    news = world.look_for_news(after=end)
    assert news == News(position=end + 1, owner_ids=frozenset({acme.id}))
