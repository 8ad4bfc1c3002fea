"""Going on with a refresh token."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from application.sessions import SignedIn
from domain.one_time_tokens import Purpose
from domain.sessions import (
    Client,
    EndReason,
    RefreshReused,
    RefreshSuperseded,
    RefreshTokenInvalid,
    SessionEnded,
)
from tests.application.world import ADA, ELSEWHERE, HOME, SECOND, World
from tests.builders import DAY, HOUR, MINUTE
from tests.contract.threads import MANY, at_once, tally


@pytest.fixture
def entered(world: World) -> SignedIn:
    world.an_account()
    return world.enter()


def test_a_refresh_token_is_exchanged_for_the_next(world: World, entered: SignedIn) -> None:
    world.clock.advance(HOUR)
    refreshed = world.refresh(refresh_token=entered.refresh_token, client=ELSEWHERE)
    assert refreshed.refresh_token != entered.refresh_token
    assert refreshed.device_token is None
    session = world.who(refreshed).session
    assert (session.id, session.generation) == (entered.session.id, 1)
    assert (session.user_agent, session.network) == (ELSEWHERE.user_agent, ELSEWHERE.network)
    assert session.last_seen_at == world.clock.now()
    assert session.authenticated_at == entered.session.authenticated_at


def test_a_refresh_is_one_statement_and_no_event(world: World, entered: SignedIn) -> None:
    before = world.events()
    with world.work() as work:
        world.refresh(refresh_token=entered.refresh_token, client=HOME)
    assert work == ["sessions.advance"]
    assert world.events() == before


def test_nothing_grows_with_use(world: World, entered: SignedIn) -> None:
    token = entered.refresh_token
    for _ in range(100):
        world.clock.advance(MINUTE)
        token = world.refresh(refresh_token=token, client=HOME).refresh_token
    assert len(world.sessions(entered.session.account_id)) == 1
    assert world.event_names() == ["session.started"]


def test_the_token_just_replaced_is_forgiven_to_the_same_client(world: World, entered: SignedIn) -> None:
    world.clock.advance(HOUR)
    first = world.refresh(refresh_token=entered.refresh_token, client=HOME)
    world.clock.advance(30 * SECOND)
    again = world.refresh(refresh_token=entered.refresh_token, client=HOME)
    assert again.refresh_token == first.refresh_token
    assert world.who(again).session.generation == 1
    assert world.refresh(refresh_token=again.refresh_token, client=HOME).session.generation == 2


def test_it_is_forgiven_five_times(world: World, entered: SignedIn) -> None:
    newest = world.refresh(refresh_token=entered.refresh_token, client=HOME)
    for _ in range(5):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)
    with pytest.raises(RefreshSuperseded):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)
    assert world.refresh(refresh_token=newest.refresh_token, client=HOME)


@pytest.mark.parametrize(
    "other", [replace(HOME, network=ELSEWHERE.network), replace(HOME, user_agent=ELSEWHERE.user_agent)]
)
def test_by_another_client_it_is_refused_and_the_session_left_alone(
    world: World,
    entered: SignedIn,
    other: Client,
) -> None:
    newest = world.refresh(refresh_token=entered.refresh_token, client=HOME)
    before = world.session(entered.session.account_id, entered.session.id)
    with pytest.raises(RefreshSuperseded):
        world.refresh(refresh_token=entered.refresh_token, client=other)
    assert world.session(entered.session.account_id, entered.session.id) == before
    assert world.event_names()[-1] == "session.refresh_superseded"
    assert world.deliver() == []
    assert world.refresh(refresh_token=newest.refresh_token, client=HOME)


def too_late(world: World, entered: SignedIn) -> SignedIn:
    newest = world.refresh(refresh_token=entered.refresh_token, client=HOME)
    world.clock.advance(timedelta(seconds=30, microseconds=1))
    return newest


def two_behind(world: World, entered: SignedIn) -> SignedIn:
    newest = world.refresh(refresh_token=entered.refresh_token, client=HOME)
    return world.refresh(refresh_token=newest.refresh_token, client=HOME)


@pytest.mark.parametrize("until", [too_late, two_behind])
def test_a_copied_token_ends_the_session_and_the_owner_is_told(
    world: World, entered: SignedIn, until: Callable[[World, SignedIn], SignedIn]
) -> None:
    newest = until(world, entered)
    with pytest.raises(RefreshReused):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)
    assert world.sessions(entered.session.account_id) == []
    reused, ended = world.events()[-2:]
    assert (reused.name, ended.data["reason"]) == ("session.refresh_reused", EndReason.REFRESH_REUSED)
    assert world.mailed("refresh_reused").to.value == ADA
    with pytest.raises(SessionEnded):
        world.who(newest)
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=newest.refresh_token, client=HOME)


def test_the_owner_is_told_of_a_copied_token_once(world: World, entered: SignedIn) -> None:
    too_late(world, entered)
    for refusal in (RefreshReused, SessionEnded, SessionEnded):
        with pytest.raises(refusal):
            world.refresh(refresh_token=entered.refresh_token, client=HOME)
    assert len(world.deliver()) == 1


def test_a_copied_token_harms_no_other_session(world: World, entered: SignedIn) -> None:
    other = world.enter(client=ELSEWHERE)
    too_late(world, entered)
    with pytest.raises(RefreshReused):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)
    assert world.refresh(refresh_token=other.refresh_token, client=ELSEWHERE)


def test_a_session_ends_after_seven_days_without_use(world: World, entered: SignedIn) -> None:
    world.clock.advance(7 * DAY)
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)


def test_use_prolongs_a_session_but_not_beyond_thirty_days(world: World, entered: SignedIn) -> None:
    token = entered.refresh_token
    for _ in range(29):
        world.clock.advance(DAY)
        token = world.refresh(refresh_token=token, client=HOME).refresh_token
    world.clock.advance(DAY)
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=token, client=HOME)


def test_an_expired_session_is_not_taken_for_a_copied_one(world: World, entered: SignedIn) -> None:
    world.refresh(refresh_token=entered.refresh_token, client=HOME)
    world.clock.advance(7 * DAY)
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)
    assert world.deliver() == []


@pytest.mark.parametrize("token", ["", "ptr_", "garbage", "é", "\ud800"])
def test_what_is_no_refresh_token_is_refused_without_a_query(world: World, token: str) -> None:
    with world.work() as work, pytest.raises(RefreshTokenInvalid):
        world.refresh(refresh_token=token, client=HOME)
    assert work == []


def test_a_device_token_is_no_refresh_token(world: World, entered: SignedIn) -> None:
    assert entered.device_token
    with pytest.raises(RefreshTokenInvalid):
        world.refresh(refresh_token=entered.device_token, client=HOME)


def test_a_refresh_token_of_no_session_is_refused(world: World) -> None:
    token = world.tokens.issue(Purpose.REFRESH, bytes(40))
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=token, client=HOME)


def test_a_session_that_was_ended_goes_on_no_more(world: World, entered: SignedIn) -> None:
    world.sign_out(principal=world.who(entered))
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)


def test_many_with_one_token_advance_the_session_once_and_sign_nobody_out(world: World, entered: SignedIn) -> None:
    outcomes = at_once(lambda _: world.refresh(refresh_token=entered.refresh_token, client=HOME).refresh_token)
    assert world.session(entered.session.account_id, entered.session.id).generation == 1
    handed_out = {token for token in outcomes if isinstance(token, str)}
    assert len(handed_out) == 1
    assert tally(outcomes) == {handed_out.pop(): 6, RefreshSuperseded: MANY - 6}


def test_many_tabs_of_one_browser_go_on_together(world: World, entered: SignedIn) -> None:
    """Six tabs take whatever token they were handed last, ten times over."""
    tokens = [entered.refresh_token] * 6
    for _ in range(10):
        outcomes = at_once(partial(refreshed_in_tab, world, tokens), threads=6)
        tokens = [token for token in outcomes if isinstance(token, str)]
        assert len(tokens) == 6
        assert len(set(tokens)) == 1
        world.clock.advance(MINUTE)
    assert world.session(entered.session.account_id, entered.session.id).generation == 10


def refreshed_in_tab(world: World, tokens: list[str], tab: int) -> str:
    return world.refresh(refresh_token=tokens[tab], client=HOME).refresh_token
