"""An operator lets somebody who lost their factors begin anew."""

from uuid import uuid4

import pytest

from application.factor_proofs import Proof
from domain.accounts import AccountNotFound
from domain.challenges import ChallengeInvalid
from domain.passkeys import PasskeyWrong
from domain.second_factors import FactorWrong
from domain.sessions import EndReason, SessionEnded
from tests.application.world import ADA, PASSWORD, World


def test_every_factor_goes_and_the_password_is_enough_again(world: World) -> None:
    principal = world.with_app()
    world.make_recovery_codes(principal=principal)
    device = world.a_passkey_of(principal)
    world.reset_factors(principal=world.an_operator(), account_id=principal.account.id)
    assert not world.account(principal.account.id).has_second_factor
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(device)
    fresh = world.who(world.enter())
    shown = world.show_factors(principal=fresh)
    assert (shown.factors, shown.recovery_codes_left) == ((), 0)


def test_every_session_ends_and_the_owner_is_told(world: World) -> None:
    principal, operator = world.with_app(), world.an_operator()
    world.reset_factors(principal=operator, account_id=principal.account.id)
    assert world.sessions(principal.account.id) == []
    assert world.mailed("factors_reset").to.value == ADA
    with pytest.raises(SessionEnded):
        world.begin_totp(principal=principal)


def test_the_event_names_the_operator(world: World) -> None:
    principal, operator = world.with_app(), world.an_operator()
    world.reset_factors(principal=operator, account_id=principal.account.id)
    data = {event.name: event.data for event in world.events()}
    assert data["factor.reset"] == {"account_id": str(principal.account.id), "by": str(operator.account.id)}
    assert data["session.ended"]["reason"] == EndReason.FACTORS_RESET


def test_whoever_holds_the_machine_does_the_same_and_the_event_names_nobody(world: World) -> None:
    principal = world.with_app()
    world.reset_factors_by_email(email=ADA)
    assert not world.account(principal.account.id).has_second_factor
    assert world.sessions(principal.account.id) == []
    data = {event.name: event.data for event in world.events()}
    assert data["factor.reset"] == {"account_id": str(principal.account.id), "by": None}


def test_a_lock_falls_with_the_factors(world: World) -> None:
    principal, operator = world.with_app(), world.an_operator()
    for _ in range(10):
        with pytest.raises(FactorWrong):
            world.finish(world.asked(), Proof(code="000000"))
    world.reset_factors(principal=operator, account_id=principal.account.id)
    world.an_app_of(principal.account)
    assert world.enter_with_app()


def test_a_challenge_from_before_opens_nothing(world: World) -> None:
    principal, operator = world.with_app(), world.an_operator()
    due = world.asked()
    code = world.code()
    world.reset_factors(principal=operator, account_id=principal.account.id)
    with pytest.raises(ChallengeInvalid):
        world.finish(due, Proof(code=code))


def test_the_password_stays_and_nobody_but_its_owner_knows_it(world: World) -> None:
    principal = world.with_app()
    before = world.account(principal.account.id).password_hash
    world.reset_factors(principal=world.an_operator(), account_id=principal.account.id)
    assert world.account(principal.account.id).password_hash == before
    assert world.enter(password=PASSWORD)


def test_of_nobody_nothing_is_reset(world: World) -> None:
    with pytest.raises(AccountNotFound):
        world.reset_factors(principal=world.an_operator(), account_id=uuid4())
