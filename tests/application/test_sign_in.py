"""Signing in, and guessing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.accounts import InvalidEmail
from domain.attempts import DeviceToken, TooManyAttempts
from domain.one_time_tokens import Purpose
from domain.sessions import Client, EndReason, InvalidCredentials
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, HOME, PASSWORD, SECOND, World
from tests.builders import DAY, MINUTE


def fail(world: World, times: int = 1, *, client: Client = HOME, device_token: str | None = None) -> None:
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            world.enter(password="a wrong password", client=client, device_token=device_token)


def test_who_knows_the_password_gets_a_session_on_this_device(world: World) -> None:
    account = world.an_account()
    signed_in = world.enter(" ADA@example.com")
    session = signed_in.session
    assert (session.account_id, session.user_agent, session.network) == (account.id, HOME.user_agent, HOME.network)
    assert (session.amr, session.aal, session.authenticated_at) == (("pwd",), 1, world.clock.now())
    assert (session.idle_expires_at, session.expires_at) == (world.clock.now() + 7 * DAY, world.clock.now() + 30 * DAY)
    assert signed_in.expires_in == 10 * MINUTE
    assert world.who(signed_in).session == world.session(account.id, session.id)
    assert world.event_names() == ["session.started"]


def test_tokens_appear_in_no_repr(world: World) -> None:
    world.an_account()
    signed_in = world.enter()
    assert signed_in.device_token
    for secret in (signed_in.access_token, signed_in.refresh_token, signed_in.device_token):
        assert secret not in repr(signed_in)


def test_the_password_is_compared_in_its_normal_form(world: World) -> None:
    world.an_account(password="grüne Äpfel im Korb")
    assert world.enter(password="gru\u0308ne A\u0308pfel im Korb")


def test_what_is_no_address_is_not_counted(world: World) -> None:
    with pytest.raises(InvalidEmail):
        world.enter("ada")
    assert world.journal == []


def test_an_attempt_is_counted_before_the_hash_and_taken_back_after_it(world: World) -> None:
    world.an_account()
    with world.work() as work:
        world.enter()
    counted, verified = work.index("attempts.save"), work.index("verify")
    taken_back = len(work) - 1 - work[::-1].index("attempts.save")
    assert counted < work.index("commit") < verified < taken_back


def test_nobody_is_delayed_by_succeeding(world: World) -> None:
    world.an_account()
    for _ in range(20):
        world.enter()


def test_success_forgives_one_attempt_and_not_those_that_failed_before(world: World) -> None:
    world.an_account()
    fail(world, 4)
    world.enter()
    fail(world)
    with pytest.raises(TooManyAttempts):
        world.enter()


def test_from_the_fifth_failure_on_one_must_wait_ever_longer(world: World) -> None:
    world.an_account()
    fail(world, 5)
    waits = []
    for _ in range(12):
        with pytest.raises(TooManyAttempts) as refused:
            world.enter()
        waits.append(refused.value.retry_after)
        world.clock.advance(refused.value.retry_after * SECOND)
        fail(world)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_refused_attempt_neither_hashes_nor_extends_the_wait(world: World) -> None:
    world.an_account()
    fail(world, 5)
    for _ in range(10):
        with world.work() as work, pytest.raises(TooManyAttempts):
            world.enter()
        assert "verify" not in work
    world.clock.advance(SECOND)
    assert world.enter()


def test_guessing_all_at_once_gains_nothing(world: World) -> None:
    """Each of five attempts begins before the one before it has an answer; the sixth finds all counted."""
    world.an_account()

    def begin_another(more: int) -> None:
        if more:
            world.hasher.meanwhile = lambda: begin_another(more - 1)
            fail(world)
        else:
            with pytest.raises(TooManyAttempts):
                world.enter()

    begin_another(5)


def test_another_network_has_a_count_of_its_own(world: World) -> None:
    world.an_account()
    fail(world, 5, client=ELSEWHERE)
    assert world.enter(client=HOME)


def test_over_all_networks_a_hundred_a_day_may_fail(world: World) -> None:
    world.an_account()
    for number in range(100):
        fail(world, client=replace(ELSEWHERE, network=f"198.51.100.{number}/32"))
    with pytest.raises(TooManyAttempts) as refused:
        world.enter(client=HOME)
    assert refused.value.retry_after == 24 * 60 * 60
    world.clock.advance(DAY)
    assert world.enter(client=HOME)


def test_a_stranger_cannot_lock_the_owner_out_of_a_known_device(world: World) -> None:
    world.an_account()
    known = world.enter().device_token
    for number in range(100):
        fail(world, client=replace(ELSEWHERE, network=f"198.51.100.{number}/32"))
    assert world.enter(device_token=known)


def test_a_known_device_may_fail_ten_times(world: World) -> None:
    world.an_account()
    known = world.enter().device_token
    fail(world, 10, device_token=known)
    with pytest.raises(TooManyAttempts):
        world.enter(device_token=known)
    assert world.enter(client=HOME)


def test_a_device_stays_the_same_over_its_tokens(world: World) -> None:
    world.an_account()
    first = world.enter().device_token
    second = world.enter(device_token=first).device_token
    fail(world, 10, device_token=second)
    with pytest.raises(TooManyAttempts):
        world.enter(device_token=first)


def test_a_device_is_known_for_180_days(world: World) -> None:
    world.an_account()
    known = world.enter().device_token
    world.clock.advance(180 * DAY)
    fail(world, 5)
    with pytest.raises(TooManyAttempts):
        world.enter(device_token=known)


def test_a_device_of_another_account_is_not_known(world: World) -> None:
    world.an_account(ADA)
    world.an_account(EVE)
    foreign = world.enter(EVE).device_token
    fail(world, 5)
    with pytest.raises(TooManyAttempts):
        world.enter(device_token=foreign)


@pytest.mark.parametrize("token", ["", "ptd_", "garbage", "ptr_AAAA", "\ud800"])
def test_what_is_no_device_token_counts_as_none(world: World, token: str) -> None:
    world.an_account()
    assert world.enter(device_token=token)


def test_a_device_is_unknown_after_a_change_of_password(world: World) -> None:
    principal = world.somebody()
    known = world.enter().device_token
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    fail(world, 5)
    with pytest.raises(TooManyAttempts):
        world.enter(password=ANOTHER, device_token=known)


def test_a_device_token_says_when_it_ends_and_of_what_it_is(world: World) -> None:
    account = world.an_account()
    token = world.enter().device_token
    packed = world.tokens.read(Purpose.DEVICE, token or "")
    assert packed
    device = DeviceToken.unpack(packed)
    assert (device.account_id, device.expires_at) == (account.id, world.clock.now() + 180 * DAY)


def test_an_outdated_hash_is_replaced_at_the_next_sign_in(world: World) -> None:
    account = world.an_account()
    known = world.enter().device_token
    world.hasher.scheme = "newer"
    world.enter()
    rehashed = world.account(account.id)
    assert rehashed.password_hash == f"newer${PASSWORD}"
    assert rehashed.credentials_epoch == account.credentials_epoch
    assert "account.password_rehashed" in world.event_names()
    with world.work() as work:
        world.enter(device_token=known)
    assert work.count("hash") == 0


def test_a_wrong_password_replaces_no_hash(world: World) -> None:
    account = world.an_account()
    world.hasher.scheme = "newer"
    fail(world)
    assert world.account(account.id) == account


def test_two_sign_ins_that_replace_the_hash_at_the_same_moment_both_succeed(world: World) -> None:
    account = world.an_account()
    world.hasher.scheme = "newer"
    world.hasher.meanwhile = world.enter
    world.enter()
    assert len(world.sessions(account.id)) == 2


def test_a_password_that_is_changed_while_it_is_verified_lets_nobody_in(world: World) -> None:
    principal = world.somebody()
    world.hasher.meanwhile = lambda: world.change_password(
        principal=principal, current_password=PASSWORD, new_password=ANOTHER
    )
    with pytest.raises(InvalidCredentials):
        world.enter(client=ELSEWHERE)
    assert world.sessions(principal.account.id) == [principal.session]


def test_an_account_that_is_suspended_while_its_password_is_verified_gets_no_session(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.hasher.meanwhile = lambda: world.suspend(principal=operator, account_id=account.id)
    with pytest.raises(InvalidCredentials):
        world.enter()
    assert world.sessions(account.id) == []


def test_an_account_has_at_most_fifty_sessions_and_the_oldest_gives_way(world: World) -> None:
    account = world.an_account()
    entered = []
    for _ in range(52):
        entered.append(world.enter().session.id)
        world.clock.advance(timedelta(seconds=1))
    assert [session.id for session in world.sessions(account.id)] == entered[:1:-1]
    gave_way = [event.data for event in world.events() if event.name == "session.ended"]
    assert [(e["session_id"], e["reason"]) for e in gave_way] == [(str(id), EndReason.GAVE_WAY) for id in entered[:2]]


def test_expired_sessions_take_no_place(world: World) -> None:
    account = world.an_account()
    for _ in range(50):
        world.enter()
    world.clock.advance(7 * DAY)
    world.enter()
    assert len(world.sessions(account.id)) == 1
    assert "session.ended" not in world.event_names()
