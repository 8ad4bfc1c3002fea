"""Proving once more who one is."""

import pytest

from application.factor_proofs import Proof
from domain.access import AccessTokenInvalid, Principal
from domain.assurance import StepUpRequired
from domain.challenges import ChallengeInvalid
from domain.passwords import WrongPassword
from domain.second_factors import FactorsLocked, FactorWrong
from domain.sessions import RefreshReused, RefreshSuperseded, SessionEnded
from tests.application.world import ANOTHER, ELSEWHERE, EVE, HOME, PASSWORD, World
from tests.builders import HOUR, MINUTE


def test_a_password_proves_it_where_no_factor_is_enrolled(world: World) -> None:
    principal = world.somebody()
    world.clock.advance(HOUR)
    session = world.stepped_up(principal).session
    assert (session.id, session.aal, session.amr) == (principal.session.id, 1, ("pwd",))
    assert session.authenticated_at == world.clock.now()
    assert world.event_names()[-1] == "session.stepped_up"


def test_a_wrong_password_proves_nothing(world: World) -> None:
    principal = world.somebody()
    world.clock.advance(HOUR)
    with pytest.raises(WrongPassword):
        world.stepped_up(principal, password="a wrong password")
    assert world.subject(principal).person().session == principal.session


def test_no_proof_at_all_is_a_wrong_password(world: World) -> None:
    with pytest.raises(WrongPassword):
        world.step_up(principal=world.somebody(), client=HOME)


def below(world: World) -> Principal:
    """Somebody who has an authenticator app, signed in by a trusted device without it."""
    world.an_app_of(world.an_account())
    device = world.enter_with_app(trust_device=True).device_token
    return world.who(world.enter(device_token=device))


def test_where_a_factor_is_enrolled_no_password_does(world: World) -> None:
    principal = below(world)
    with world.work() as work, pytest.raises(StepUpRequired) as refused:
        world.step_up(principal=principal, password=PASSWORD, client=HOME)
    assert refused.value.members() == {"required": {"acr": "aal2", "max_age": None}, "enrol_first": False}
    assert work == []


def test_no_password_does_either_where_a_factor_was_enrolled_meanwhile(world: World) -> None:
    principal = world.somebody()
    world.hasher.meanwhile = lambda: world.an_app_of(principal.account)
    with pytest.raises(StepUpRequired):
        world.step_up(principal=principal, password=PASSWORD, client=HOME)


def test_a_trusted_device_skips_nothing_here(world: World) -> None:
    principal = below(world)
    assert principal.session.aal == 1
    with pytest.raises(StepUpRequired):
        principal.must_be_fresh(world.change_password.assurance, at=world.clock.now())


def test_a_second_factor_raises_the_session_and_adds_how_it_was_proved(world: World) -> None:
    principal = below(world)
    world.clock.advance(MINUTE)
    session = world.stepped_up(principal).session
    assert (session.id, session.aal, session.amr) == (principal.session.id, 2, ("pwd", "otp", "mfa"))
    assert session.authenticated_at == world.clock.now()
    assert world.events()[-1].data["aal"] == 2


def test_a_recovery_code_does_too(world: World) -> None:
    principal = world.with_app()
    codes = world.make_recovery_codes(principal=principal)
    world.clock.advance(HOUR)
    stepped_up = world.step_up(principal=principal, proof=Proof(recovery_code=codes[0]), client=HOME)
    assert stepped_up.session.authenticated_at == world.clock.now()


def test_a_passkey_does_with_a_challenge_of_its_own(world: World) -> None:
    principal = world.somebody()
    device = world.a_passkey_of(principal)
    begun = world.begin_passkey_sign_in()
    proof = Proof(passkey=device.answers(begun.options))
    now = world.subject(principal).person()
    session = world.step_up(principal=now, proof=proof, challenge=begun.challenge, client=HOME).session
    assert (session.aal, session.amr) == (2, ("pwd", "pop", "user", "mfa"))
    with pytest.raises(ChallengeInvalid):
        world.step_up(principal=now, proof=proof, challenge=begun.challenge, client=HOME)


def test_a_passkey_without_a_challenge_proves_nothing(world: World) -> None:
    principal = world.somebody()
    device = world.a_passkey_of(principal)
    answer = device.answers(world.begin_passkey_sign_in().options)
    with pytest.raises(FactorWrong):
        world.step_up(principal=world.subject(principal).person(), proof=Proof(passkey=answer), client=HOME)


def test_the_passkey_of_another_steps_nobody_up(world: World) -> None:
    principal = world.somebody()
    world.a_passkey_of(principal)
    eves = world.a_passkey_of(world.somebody(EVE))
    begun = world.begin_passkey_sign_in()
    with pytest.raises(FactorWrong):
        world.step_up(
            principal=world.subject(principal).person(),
            proof=Proof(passkey=eves.answers(begun.options)),
            challenge=begun.challenge,
            client=HOME,
        )


def test_failures_count_and_lock_here_too(world: World) -> None:
    principal = world.with_app()
    for _ in range(10):
        with pytest.raises(FactorWrong):
            world.step_up(principal=principal, proof=Proof(code="000000"), client=HOME)
    with pytest.raises(FactorsLocked):
        world.step_up(principal=principal, proof=Proof(code=world.code()), client=HOME)
    with pytest.raises(FactorsLocked):
        world.finish(world.asked(), Proof(code=world.code()))


def test_a_code_that_signed_in_does_not_step_up(world: World) -> None:
    world.an_app_of(world.an_account())
    code = world.code()
    principal = world.who(world.finish(world.asked(), Proof(code=code)))
    with pytest.raises(FactorWrong):
        world.step_up(principal=principal, proof=Proof(code=code), client=HOME)


def test_the_tokens_rotate_and_the_old_refresh_token_is_superseded(world: World) -> None:
    world.an_account()
    entered = world.enter()
    stepped_up = world.step_up(principal=world.who(entered), password=PASSWORD, client=HOME)
    with pytest.raises(RefreshSuperseded):
        world.refresh(refresh_token=entered.refresh_token, client=ELSEWHERE)
    assert world.refresh(refresh_token=stepped_up.refresh_token, client=HOME)


def test_later_the_old_refresh_token_counts_as_copied(world: World) -> None:
    world.an_account()
    entered = world.enter()
    world.step_up(principal=world.who(entered), password=PASSWORD, client=HOME)
    world.clock.advance(MINUTE)
    with pytest.raises(RefreshReused):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)


def test_an_access_token_that_was_copied_before_does_not_rise_with_the_session(world: World) -> None:
    world.an_app_of(world.an_account())
    device = world.enter_with_app(trust_device=True).device_token
    entered = world.enter(device_token=device)
    raised = world.step_up(principal=world.who(entered), proof=Proof(code=world.code()), client=HOME)
    with pytest.raises(AccessTokenInvalid):
        world.who(entered)
    assert world.who(raised).session.aal == 2


def test_nor_does_it_grow_fresh_again_where_the_password_was_the_proof(world: World) -> None:
    world.an_account()
    entered = world.enter()
    world.clock.advance(MINUTE)
    proved = world.step_up(principal=world.who(entered), password=PASSWORD, client=HOME)
    with pytest.raises(AccessTokenInvalid):
        world.who(entered)
    world.clock.advance(MINUTE)
    assert world.who(world.refresh(refresh_token=proved.refresh_token, client=HOME))
    assert world.who(proved), "a refresh proves nothing anew, and ends no access token"


def test_what_was_proved_stays_proved_over_a_refresh_and_grows_no_fresher(world: World) -> None:
    world.an_app_of(world.an_account())
    entered = world.enter_with_app()
    world.clock.advance(10 * MINUTE)
    session = world.refresh(refresh_token=entered.refresh_token, client=HOME).session
    assert (session.aal, session.amr) == (2, entered.session.amr)
    assert session.authenticated_at == entered.session.authenticated_at


def test_a_session_that_has_ended_is_not_stepped_up(world: World) -> None:
    principal = world.somebody()
    world.sign_out(principal=principal)
    with pytest.raises(SessionEnded):
        world.step_up(principal=principal, password=PASSWORD, client=HOME)


def test_the_old_password_steps_up_no_session_of_which_it_was_changed_meanwhile(world: World) -> None:
    principal = world.somebody()
    world.hasher.meanwhile = lambda: world.change_password(
        principal=principal, current_password=PASSWORD, new_password=ANOTHER
    )
    with pytest.raises(SessionEnded):
        world.step_up(principal=principal, password=PASSWORD, client=HOME)
