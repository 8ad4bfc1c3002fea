"""Authenticator apps: enrolled, confirmed, shown, removed."""

from dataclasses import replace

import pytest

from application.factor_proofs import Proof
from domain.assurance import StepUpRequired
from domain.second_factors import (
    CodeWrong,
    Factor,
    FactorsLocked,
    FactorWrong,
    RecoveryCodeNeeded,
    TotpEnrolled,
    TotpNotFound,
)
from domain.sessions import RefreshReused
from tests.application.world import ADA, EVE, HOME, World
from tests.builders import MINUTE, step_of

STEP = MINUTE / 2


def code_now(world: World, secret: str, steps: int = 0) -> str:
    """What the app shows, or showed that many steps ago."""
    return world.totp.code(secret, step_of(world.clock.now()) + steps)


def test_an_app_reads_its_secret_as_text_or_from_a_picture(world: World) -> None:
    begun = world.begin_totp(principal=world.somebody())
    assert begun.uri.startswith("otpauth://totp/Portico:ada@example.com?")
    assert begun.secret in begun.uri
    assert begun.uri in begun.qr_svg


def test_a_secret_appears_in_no_repr_and_lies_sealed(world: World) -> None:
    principal = world.somebody()
    begun = world.begin_totp(principal=principal)
    assert repr(begun) == "TotpEnrolment()"
    pending = world.enrolled(principal.account.id).pending_totp
    assert pending
    assert pending.sealed_secret.startswith("aes256gcm.")


def test_an_app_counts_once_a_code_of_it_was_shown(world: World) -> None:
    principal = world.somebody()
    begun = world.begin_totp(principal=principal)
    assert not world.account(principal.account.id).has_second_factor
    assert world.show_factors(principal=principal).factors == ()
    world.confirm_totp(principal=principal, code=code_now(world, begun.secret), client=HOME)
    assert world.account(principal.account.id).has_second_factor
    assert world.show_factors(principal=principal).factors == (Factor.TOTP,)
    assert world.event_names()[-2:] == ["factor.totp_enrolled", "session.stepped_up"]
    assert world.mailed("factors_changed").to.value == ADA


def test_until_then_the_password_is_enough(world: World) -> None:
    world.begin_totp(principal=world.somebody())
    assert world.enter()


def test_a_wrong_code_confirms_nothing_and_may_be_mended(world: World) -> None:
    principal = world.somebody()
    begun = world.begin_totp(principal=principal)
    with pytest.raises(CodeWrong):
        world.confirm_totp(principal=principal, code="000000", client=HOME)
    world.confirm_totp(principal=principal, code=code_now(world, begun.secret), client=HOME)


def test_whoever_confirms_has_proved_both_factors(world: World) -> None:
    principal = world.somebody()
    code = code_now(world, world.begin_totp(principal=principal).secret)
    raised = world.confirm_totp(principal=principal, code=code, client=HOME)
    assert (raised.session.id, raised.session.aal) == (principal.session.id, 2)
    assert raised.session.amr == ("pwd", "otp", "mfa")
    assert world.make_recovery_codes(principal=world.who(raised))


def test_confirming_exchanges_the_refresh_token(world: World) -> None:
    world.an_account()
    entered = world.enter()
    principal = world.who(entered)
    code = code_now(world, world.begin_totp(principal=principal).secret)
    raised = world.confirm_totp(principal=principal, code=code, client=HOME)
    assert world.refresh(refresh_token=raised.refresh_token, client=HOME).session.id == principal.session.id
    with pytest.raises(RefreshReused):
        world.refresh(refresh_token=entered.refresh_token, client=HOME)


def test_locked_factors_are_confirmed_later(world: World) -> None:
    principal = world.somebody()
    begun = world.begin_totp(principal=principal)
    locked = replace(world.enrolled(principal.account.id), locked_until=world.clock.now() + MINUTE)
    with world.database.persistence.unit_of_work() as uow:
        uow.second_factors.save(locked)
    with pytest.raises(FactorsLocked):
        world.confirm_totp(principal=principal, code=code_now(world, begun.secret), client=HOME)
    world.clock.advance(MINUTE)
    assert world.confirm_totp(principal=principal, code=code_now(world, begun.secret), client=HOME)


def test_an_enrolment_waits_fifteen_minutes(world: World) -> None:
    principal = world.somebody()
    begun = world.begin_totp(principal=principal)
    world.clock.advance(15 * MINUTE)
    with pytest.raises(TotpNotFound):
        world.confirm_totp(principal=principal, code=code_now(world, begun.secret), client=HOME)


def test_whoever_begins_anew_voids_what_was_begun(world: World) -> None:
    principal = world.somebody()
    first, second = world.begin_totp(principal=principal), world.begin_totp(principal=principal)
    with pytest.raises(CodeWrong):
        world.confirm_totp(principal=principal, code=code_now(world, first.secret), client=HOME)
    world.confirm_totp(principal=principal, code=code_now(world, second.secret), client=HOME)


def test_nothing_is_confirmed_that_was_not_begun(world: World) -> None:
    with pytest.raises(TotpNotFound):
        world.confirm_totp(principal=world.somebody(), code="000000", client=HOME)


def test_an_account_has_one_app(world: World) -> None:
    with pytest.raises(TotpEnrolled):
        world.begin_totp(principal=world.with_app())


def test_the_code_that_confirmed_signs_nobody_in(world: World) -> None:
    principal = world.somebody()
    code = code_now(world, world.begin_totp(principal=principal).secret)
    world.confirm_totp(principal=principal, code=code, client=HOME)
    with pytest.raises(FactorWrong):
        world.finish(world.asked(), Proof(code=code))


def test_another_session_from_before_is_not_sure_enough_for_what_is_sensitive(world: World) -> None:
    principal = world.somebody()
    other = world.who(world.enter())
    begun = world.begin_totp(principal=principal)
    world.confirm_totp(principal=principal, code=code_now(world, begun.secret), client=HOME)
    with pytest.raises(StepUpRequired):
        world.make_recovery_codes(principal=world.now(other))


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_one_step_off(world: World, steps: int) -> None:
    secret = world.an_app_of(world.an_account())
    assert world.finish(world.asked(), Proof(code=code_now(world, secret, steps))).session.aal == 2


@pytest.mark.parametrize("steps", [-2, 2])
def test_and_no_further(world: World, steps: int) -> None:
    secret = world.an_app_of(world.an_account())
    with pytest.raises(FactorWrong):
        world.finish(world.asked(), Proof(code=code_now(world, secret, steps)))


def test_a_code_is_taken_once(world: World) -> None:
    secret = world.an_app_of(world.an_account())
    proof = Proof(code=code_now(world, secret))
    world.finish(world.asked(), proof)
    with pytest.raises(FactorWrong):
        world.finish(world.asked(), proof)


def test_after_a_code_none_of_an_earlier_step_is_taken(world: World) -> None:
    secret = world.an_app_of(world.an_account())
    world.finish(world.asked(), Proof(code=code_now(world, secret, 1)))
    for steps in (-1, 0, 1):
        with pytest.raises(FactorWrong):
            world.finish(world.asked(), Proof(code=code_now(world, secret, steps)))
    world.clock.advance(STEP)
    assert world.finish(world.asked(), Proof(code=code_now(world, secret, 1)))


def test_the_app_of_another_opens_nothing(world: World) -> None:
    secret = world.an_app_of(world.an_account(EVE))
    world.an_app_of(world.an_account())
    with pytest.raises(FactorWrong):
        world.finish(world.asked(), Proof(code=code_now(world, secret)))


@pytest.mark.parametrize("code", ["", "\ud800", "1" * 10_000, "٠٠٠٠٠٠", "-00001"])
def test_whatever_stands_for_a_code_is_only_wrong(world: World, code: str) -> None:
    world.an_app_of(world.an_account())
    with pytest.raises(FactorWrong):
        world.finish(world.asked(), Proof(code=code))


def test_the_last_factor_falls_only_with_a_recovery_code(world: World) -> None:
    principal = world.with_app()
    codes = world.make_recovery_codes(principal=principal)
    with pytest.raises(RecoveryCodeNeeded):
        world.remove_totp(principal=principal)
    with pytest.raises(FactorWrong):
        world.remove_totp(principal=principal, recovery_code="A" * 24)
    assert world.account(principal.account.id).has_second_factor
    world.remove_totp(principal=principal, recovery_code=codes[0])
    assert not world.account(principal.account.id).has_second_factor
    assert world.event_names()[-1] == "factor.totp_removed"
    assert world.enter()


def test_a_wrong_recovery_code_counts_as_a_failure(world: World) -> None:
    principal = world.with_app()
    with pytest.raises(FactorWrong):
        world.remove_totp(principal=principal, recovery_code="A" * 24)
    assert world.enrolled(principal.account.id).failures == 1


def test_recovery_codes_fall_with_the_last_factor(world: World) -> None:
    """They would stand in for the next one, unseen."""
    principal = world.with_app()
    codes = world.make_recovery_codes(principal=principal)
    world.remove_totp(principal=principal, recovery_code=codes[0])
    shown = world.show_factors(principal=world.subject(principal).person())
    assert (shown.factors, shown.recovery_codes_left) == ((), 0)


def test_trust_in_devices_falls_with_the_last_factor(world: World) -> None:
    world.an_app_of(world.an_account())
    principal = world.who(world.enter_with_app(trust_device=True))
    codes = world.make_recovery_codes(principal=principal)
    world.remove_totp(principal=principal, recovery_code=codes[0])
    assert world.list_trusted_devices(principal=principal) == []


def test_an_app_beside_a_passkey_is_removed_without_a_recovery_code(world: World) -> None:
    principal = world.with_app()
    world.a_passkey_of(principal)
    world.remove_totp(principal=principal)
    assert world.show_factors(principal=principal).factors == (Factor.PASSKEY,)
    assert world.account(principal.account.id).has_second_factor


def test_without_an_app_there_is_none_to_remove(world: World) -> None:
    with pytest.raises(TotpNotFound):
        world.remove_totp(principal=world.somebody())
