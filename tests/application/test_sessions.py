"""Who is calling, and on which devices they are signed in."""

from dataclasses import replace
from uuid import uuid4

import pytest

from application.sessions import SignedIn
from domain.access import AccessTokenInvalid
from domain.accounts import AccountState
from domain.kernel import CursorInvalid
from domain.sessions import EndReason, SessionEnded, SessionNotFound
from tests.application.world import ADA, ELSEWHERE, EVE, HOME, PASSWORD, World
from tests.builders import DAY, MINUTE


def reasons(world: World) -> list[object]:
    return [event.data["reason"] for event in world.events() if event.name == "session.ended"]


@pytest.fixture
def entered(world: World) -> SignedIn:
    world.an_account()
    return world.enter()


def test_an_access_token_names_an_account_and_its_session(world: World, entered: SignedIn) -> None:
    with world.work() as work:
        principal = world.who(entered)
    assert principal.session == entered.session
    assert principal.account == world.account(entered.session.account_id)
    assert work == ["access.by_session"]


def test_an_access_token_lives_ten_minutes(world: World, entered: SignedIn) -> None:
    world.clock.advance(10 * MINUTE)
    with pytest.raises(AccessTokenInvalid):
        world.who(entered)


def test_a_bad_access_token_costs_no_query(world: World) -> None:
    with world.work() as work, pytest.raises(AccessTokenInvalid):
        world.authenticate("garbage")
    assert work == []


def test_an_access_token_is_void_as_soon_as_its_session_ends(world: World, entered: SignedIn) -> None:
    world.sign_out(principal=world.who(entered))
    with pytest.raises(SessionEnded):
        world.who(entered)
    assert reasons(world) == [EndReason.SIGNED_OUT]


def test_an_access_token_is_void_as_soon_as_its_account_is_suspended(world: World, entered: SignedIn) -> None:
    world.suspend(principal=world.an_operator(), account_id=entered.session.account_id)
    with pytest.raises(SessionEnded):
        world.who(entered)


def test_an_access_token_is_void_as_soon_as_its_account_is_closed(world: World, entered: SignedIn) -> None:
    world.close(principal=world.who(entered), password=PASSWORD)
    with pytest.raises(SessionEnded):
        world.who(entered)


def test_an_access_token_does_not_outlive_its_session(world: World, entered: SignedIn) -> None:
    newest = entered
    for _ in range(5):
        world.clock.advance(6 * DAY - MINUTE)
        newest = world.refresh(refresh_token=newest.refresh_token, client=HOME)
    world.clock.advance(5 * MINUTE)
    with pytest.raises(SessionEnded):
        world.who(newest)


def test_a_session_that_was_left_to_a_suspended_account_counts_for_nothing(world: World, entered: SignedIn) -> None:
    world.change(replace(world.account(entered.session.account_id), state=AccountState.SUSPENDED))
    with pytest.raises(SessionEnded):
        world.who(entered)


def test_signing_out_twice_is_signing_out(world: World, entered: SignedIn) -> None:
    principal = world.who(entered)
    world.sign_out(principal=principal)
    world.sign_out(principal=principal)
    assert reasons(world) == [EndReason.SIGNED_OUT]


def test_the_devices_are_listed_newest_first_and_page_by_page(world: World, entered: SignedIn) -> None:
    world.clock.advance(MINUTE)
    newer = world.enter(client=ELSEWHERE).session
    principal = world.who(entered)
    first, cursor = world.list_sessions(principal=principal, limit=1, after=None)
    second, end = world.list_sessions(principal=principal, limit=1, after=cursor)
    assert (first, second, end) == ([newer], [entered.session], None)


def test_expired_sessions_are_not_listed(world: World, entered: SignedIn) -> None:
    world.clock.advance(7 * DAY)
    principal = world.who(world.enter())
    assert world.list_sessions(principal=principal, limit=10, after=None)[0] == [principal.session]


def test_what_is_no_cursor_is_refused(world: World, entered: SignedIn) -> None:
    with pytest.raises(CursorInvalid):
        world.list_sessions(principal=world.who(entered), limit=1, after="somewhere")


def test_the_owner_ends_the_session_of_one_device(world: World, entered: SignedIn) -> None:
    lost = world.enter(client=ELSEWHERE)
    world.end_session(principal=world.who(entered), session_id=lost.session.id)
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=lost.refresh_token, client=ELSEWHERE)
    assert world.who(entered)
    assert reasons(world) == [EndReason.ENDED_BY_OWNER]


def test_nobody_ends_the_session_of_another_account(world: World, entered: SignedIn) -> None:
    eve = world.somebody(EVE)
    for id in (entered.session.id, uuid4()):
        with pytest.raises(SessionNotFound):
            world.end_session(principal=eve, session_id=id)
    assert world.who(entered)


def test_a_session_that_is_over_cannot_be_ended(world: World, entered: SignedIn) -> None:
    world.clock.advance(7 * DAY)
    with pytest.raises(SessionNotFound):
        world.end_session(principal=world.who(world.enter()), session_id=entered.session.id)


def test_the_owner_ends_the_sessions_of_all_other_devices(world: World, entered: SignedIn) -> None:
    others = [world.enter(client=ELSEWHERE) for _ in range(2)]
    stranger = world.somebody(EVE)
    world.end_other_sessions(principal=world.who(entered))
    assert world.sessions(entered.session.account_id) == [entered.session]
    assert world.sessions(stranger.account.id) == [stranger.session]
    for other in others:
        with pytest.raises(SessionEnded):
            world.who(other)
    assert reasons(world) == [EndReason.ENDED_BY_OWNER] * 2
    assert world.enter(ADA)
