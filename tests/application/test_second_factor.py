"""Signing in where more than a password is asked for, and guessing there."""

import pytest

from application.factor_proofs import Proof
from domain.challenges import ChallengeInvalid
from domain.one_time_tokens import Purpose
from domain.passkeys import PasskeyWrong
from domain.second_factors import Factor, FactorsLocked, FactorWrong
from domain.sessions import InvalidCredentials
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, PASSWORD, SECOND, World
from tests.builders import HOUR, MINUTE

WRONG = Proof(code="000000")


def fail(world: World, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(FactorWrong):
            world.finish(world.asked(), WRONG)


def test_the_right_password_alone_opens_no_session(world: World) -> None:
    ada = world.with_app()
    before = world.sessions(ada.account.id)
    due = world.asked()
    assert (due.factors, due.expires_in, due.passkey_options) == ((Factor.TOTP,), 5 * MINUTE, None)
    assert world.sessions(ada.account.id) == before


def test_a_challenge_appears_in_no_repr(world: World) -> None:
    world.with_app()
    due = world.asked()
    assert due.challenge not in repr(due)


def test_a_wrong_password_does_not_tell_that_a_factor_is_enrolled(world: World) -> None:
    world.an_app_of(world.an_account())
    world.an_account(EVE)
    done = []
    for email in (ADA, EVE):
        with world.work() as work, pytest.raises(InvalidCredentials):
            world.enter(email, "a wrong password")
        done.append(work)
    assert done[0] == done[1]


def test_both_factors_open_a_session_that_is_sure_of_its_owner(world: World) -> None:
    account = world.an_account()
    world.an_app_of(account)
    entered = world.enter_with_app()
    session = world.who(entered).session
    assert (session.account_id, session.amr, session.aal) == (account.id, ("pwd", "otp", "mfa"), 2)
    assert session.authenticated_at == world.clock.now()
    assert entered.device_token
    assert world.event_names() == ["session.started"]


def test_the_second_factor_makes_no_second_hash(world: World) -> None:
    world.an_app_of(world.an_account())
    with world.work() as work:
        world.enter_with_app()
    assert work.count("verify") == 1
    assert "hash" not in work


def test_waiting_for_the_second_factor_is_no_failed_attempt_on_the_password(world: World) -> None:
    world.an_app_of(world.an_account())
    for _ in range(20):
        world.asked()


def test_a_challenge_has_five_tries_even_if_the_last_proof_is_right(world: World) -> None:
    world.an_app_of(world.an_account())
    due = world.asked()
    for _ in range(5):
        with pytest.raises(FactorWrong):
            world.finish(due, WRONG)
    with pytest.raises(ChallengeInvalid):
        world.finish(due, Proof(code=world.code()))


def test_a_try_is_committed_before_anything_is_compared(world: World) -> None:
    world.an_app_of(world.an_account())
    due = world.asked()
    with world.work() as work, pytest.raises(FactorWrong):
        world.finish(due, WRONG)
    assert work[:3] == ["begin", "challenges.spend_try", "commit"]


def test_a_failure_is_remembered_though_the_call_is_refused(world: World) -> None:
    account = world.an_account()
    world.an_app_of(account)
    fail(world, 3)
    assert world.enrolled(account.id).failures == 3
    world.enter_with_app()
    assert world.enrolled(account.id).failures == 0


def test_a_challenge_lives_five_minutes(world: World) -> None:
    world.an_app_of(world.an_account())
    due = world.asked()
    world.clock.advance(5 * MINUTE)
    with pytest.raises(ChallengeInvalid):
        world.finish(due, Proof(code=world.code()))


def test_a_challenge_is_answered_once(world: World) -> None:
    world.an_app_of(world.an_account())
    due = world.asked()
    world.finish(due, Proof(code=world.code()))
    with pytest.raises(ChallengeInvalid):
        world.finish(due, Proof(code=world.code()))


def test_a_changed_password_voids_a_challenge(world: World) -> None:
    principal = world.with_app()
    due = world.asked()
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    with pytest.raises(ChallengeInvalid):
        world.finish(due, Proof(code=world.code()))


def test_a_suspended_account_is_not_opened_by_a_challenge_from_before(world: World) -> None:
    ada, operator = world.with_app(), world.an_operator()
    due = world.asked()
    world.suspend(principal=operator, account_id=ada.account.id)
    with pytest.raises(ChallengeInvalid):
        world.finish(due, Proof(code=world.code()))


def test_a_challenge_of_another_kind_opens_nothing(world: World) -> None:
    ada = world.with_app()
    for begun in (world.begin_passkey(principal=ada), world.begin_passkey_sign_in()):
        with pytest.raises(ChallengeInvalid):
            world.finish_sign_in(
                challenge=begun.challenge, proof=Proof(code=world.code()), trust_device=False, client=ELSEWHERE
            )


@pytest.mark.parametrize("challenge", ["", "ptx_", "garbage", "\ud800"])
def test_what_is_no_challenge_is_refused_without_a_query(world: World, challenge: str) -> None:
    with world.work() as work, pytest.raises(ChallengeInvalid):
        world.finish_sign_in(challenge=challenge, proof=WRONG, trust_device=False, client=ELSEWHERE)
    assert work == []


def test_a_challenge_that_never_was_is_refused(world: World) -> None:
    unknown = world.tokens.issue(Purpose.CHALLENGE, bytes(32))
    with pytest.raises(ChallengeInvalid):
        world.finish_sign_in(challenge=unknown, proof=WRONG, trust_device=False, client=ELSEWHERE)


def test_no_proof_at_all_is_a_wrong_one(world: World) -> None:
    world.an_app_of(world.an_account())
    with pytest.raises(FactorWrong):
        world.finish(world.asked(), Proof())


def test_ten_failures_lock_every_factor_for_fifteen_minutes_and_its_owner_is_told(world: World) -> None:
    principal = world.with_app()
    codes = world.make_recovery_codes(principal=principal)
    device = world.a_passkey_of(principal)
    world.deliver()
    fail(world, 10)
    assert world.event_names()[-1] == "factor.locked"
    assert world.mailed("factors_locked").to.value == ADA
    for proof in (Proof(code=world.code()), Proof(recovery_code=codes[0])):
        with pytest.raises(FactorsLocked) as refused:
            world.finish(world.asked(), proof)
        assert refused.value.retry_after == 15 * 60
    with pytest.raises(FactorsLocked):
        world.enter_with_passkey(device)
    world.clock.advance(15 * MINUTE)
    assert world.enter_with_app()


def test_what_is_tried_while_they_are_locked_neither_counts_nor_extends(world: World) -> None:
    world.an_app_of(world.an_account())
    fail(world, 10)
    for _ in range(20):
        with pytest.raises(FactorsLocked):
            world.finish(world.asked(), WRONG)
    world.clock.advance(15 * MINUTE)
    assert world.enter_with_app()


def test_each_lock_is_twice_as_long_as_the_last_up_to_a_day(world: World) -> None:
    world.an_app_of(world.an_account())
    locks = []
    for _ in range(9):
        fail(world, 10)
        with pytest.raises(FactorsLocked) as refused:
            world.finish(world.asked(), WRONG)
        locks.append(refused.value.retry_after * SECOND)
        world.clock.advance(locks[-1])
    assert locks == [min(24 * HOUR, 15 * MINUTE * 2**doublings) for doublings in range(9)]
    assert locks[-1] == 24 * HOUR


def test_success_forgives_what_failed_before(world: World) -> None:
    world.an_app_of(world.an_account())
    fail(world, 9)
    world.enter_with_app()
    fail(world, 9)
    assert world.enter_with_app()


def test_after_a_success_the_next_lock_is_short_again(world: World) -> None:
    world.an_app_of(world.an_account())
    for _ in range(2):
        fail(world, 10)
        world.clock.advance(15 * MINUTE)
        world.enter_with_app()


def test_a_stranger_without_the_password_cannot_lock_factors(world: World) -> None:
    account = world.an_account()
    world.an_app_of(account)
    for _ in range(4):
        with pytest.raises(InvalidCredentials):
            world.enter(password="a wrong password", client=ELSEWHERE)
    forged = world.tokens.issue(Purpose.CHALLENGE, account.id.bytes + bytes(16))
    for _ in range(20):
        with pytest.raises(ChallengeInvalid):
            world.finish_sign_in(challenge=forged, proof=WRONG, trust_device=False, client=ELSEWHERE)
    assert world.enrolled(account.id).failures == 0


def test_a_password_reset_opens_no_lock_and_goes_around_no_factor(world: World) -> None:
    account = world.an_account()
    world.an_app_of(account)
    fail(world, 10)
    world.request_reset(email=ADA)
    device = world.confirm_reset(token=world.mailed_token("password_reset"), new_password=ANOTHER)
    due = world.asked(password=ANOTHER, device_token=device)
    with pytest.raises(FactorsLocked):
        world.finish(due, Proof(code=world.code()))
    assert world.enrolled(account.id).totp
    assert world.account(account.id).has_second_factor


def test_a_new_address_goes_around_no_factor(world: World) -> None:
    principal = world.with_app()
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    world.confirm_email_change(principal=principal, token=world.mailed_token("email_change"))
    due = world.asked(EVE)
    assert world.finish(due, Proof(code=world.code(EVE))).session.aal == 2


def test_the_first_proof_of_an_address_by_a_reset_removes_the_factors_that_were_planted(world: World) -> None:
    """Otherwise whoever signed up with a foreign address would keep a passkey to what its owner fills later."""
    planter = world.somebody(verified=False)
    device = world.a_passkey_of(planter)
    world.request_reset(email=ADA)
    world.confirm_reset(token=world.mailed_token("password_reset"), new_password=ANOTHER)
    assert not world.account(planter.account.id).has_second_factor
    assert world.list_passkeys(principal=planter) == []
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(device)
    assert world.enter(password=ANOTHER)


def test_closing_an_account_leaves_none_of_its_factors(world: World) -> None:
    world.an_app_of(world.an_account())
    principal = world.who(world.enter_with_app(trust_device=True))
    world.make_recovery_codes(principal=principal)
    world.a_passkey_of(principal)
    due = world.asked()
    world.close(principal=principal, password=PASSWORD)
    with world.database.persistence.autocommit() as database:
        left = database.second_factors.find(principal.account.id)
        assert left is None or left == left.emptied()
        assert database.passkeys.all(principal.account.id) == []
        assert database.trusted_devices.all(principal.account.id, at=world.clock.now()) == []
    with pytest.raises(ChallengeInvalid):
        world.finish(due, WRONG)
