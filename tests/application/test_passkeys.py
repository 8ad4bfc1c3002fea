"""Passkeys: registered, named, listed, removed, and signed in with."""

from uuid import uuid4

import pytest

from application.second_factors import Proof
from domain.challenges import ChallengeInvalid
from domain.kernel import AccountId
from domain.passkeys import (
    InvalidPasskeyName,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeyTaken,
    PasskeyWrong,
    TooManyPasskeys,
)
from domain.second_factors import Factor, FactorsLocked, FactorWrong, RecoveryCodeNeeded
from tests.application.factor_fakes import Device
from tests.application.world import ADA, ANOTHER, EVE, HOME, PASSWORD, World
from tests.builders import MINUTE


def test_what_a_device_made_becomes_a_passkey(world: World) -> None:
    principal = world.somebody()
    world.a_passkey_of(principal, name=" laptop ")
    (passkey,) = world.list_passkeys(principal=principal)
    assert (passkey.display_name, passkey.created_at, passkey.last_used_at) == ("laptop", world.clock.now(), None)
    assert world.account(principal.account.id).has_second_factor
    assert world.show_factors(principal=principal).factors == (Factor.PASSKEY,)
    assert world.event_names()[-1] == "passkey.registered"
    assert world.mailed("factors_changed").to.value == ADA


def test_a_device_is_told_whom_it_serves_and_what_it_need_not_make_again(world: World) -> None:
    principal = world.somebody()
    device = world.a_passkey_of(principal)
    options = world.begin_passkey(principal=world.who(world.enter_with_passkey(device))).options
    assert options["user"] == {"id": str(principal.account.id), "name": ADA, "displayName": "Ada"}
    assert options["excludeCredentials"] == [device.credential_id.hex()]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "\u202eb"])
def test_a_passkey_has_a_name_that_can_be_read(world: World, name: str) -> None:
    principal = world.somebody()
    with pytest.raises(InvalidPasskeyName):
        world.a_passkey_of(principal, name=name)
    assert world.list_passkeys(principal=principal) == []


def test_passkeys_are_listed_oldest_first(world: World) -> None:
    principal = world.with_app()
    for name in ("laptop", "phone", "key"):
        world.a_passkey_of(principal, name=name)
        world.clock.advance(MINUTE)
    assert [each.display_name for each in world.list_passkeys(principal=principal)] == ["laptop", "phone", "key"]


def test_an_account_has_twenty_at_most(world: World) -> None:
    principal = world.with_app()
    begun, device = world.begin_passkey(principal=principal), Device()
    for _ in range(20):
        world.a_passkey_of(principal)
    with pytest.raises(TooManyPasskeys):
        world.begin_passkey(principal=principal)
    made = device.registers(begun.options)
    with pytest.raises(TooManyPasskeys):
        world.register_passkey(principal=principal, challenge=begun.challenge, credential=made, name="one more")


def test_a_passkey_that_another_holds_is_not_registered_again(world: World) -> None:
    eve = world.somebody(EVE)
    device = world.a_passkey_of(world.somebody())
    begun = world.begin_passkey(principal=eve)
    made = device.registers(begun.options)
    with pytest.raises(PasskeyTaken):
        world.register_passkey(principal=eve, challenge=begun.challenge, credential=made, name="mine")
    assert not world.account(eve.account.id).has_second_factor


def test_a_registration_for_another_challenge_is_refused(world: World) -> None:
    principal = world.somebody()
    first, second = world.begin_passkey(principal=principal), world.begin_passkey(principal=principal)
    made = Device().registers(first.options)
    with pytest.raises(PasskeyRefused):
        world.register_passkey(principal=principal, challenge=second.challenge, credential=made, name="laptop")


def test_a_challenge_registers_one_passkey(world: World) -> None:
    principal = world.with_app()
    begun = world.begin_passkey(principal=principal)
    first, second = (Device().registers(begun.options) for _ in range(2))
    world.register_passkey(principal=principal, challenge=begun.challenge, credential=first, name="laptop")
    with pytest.raises(ChallengeInvalid):
        world.register_passkey(principal=principal, challenge=begun.challenge, credential=second, name="phone")
    assert len(world.list_passkeys(principal=principal)) == 1


def test_a_challenge_registers_for_nobody_else(world: World) -> None:
    begun = world.begin_passkey(principal=world.somebody())
    made = Device().registers(begun.options)
    with pytest.raises(ChallengeInvalid):
        world.register_passkey(principal=world.somebody(EVE), challenge=begun.challenge, credential=made, name="mine")


def test_a_challenge_registers_for_five_minutes(world: World) -> None:
    principal = world.somebody()
    begun = world.begin_passkey(principal=principal)
    world.clock.advance(5 * MINUTE)
    with pytest.raises(ChallengeInvalid):
        world.register_passkey(
            principal=principal, challenge=begun.challenge, credential=Device().registers(begun.options), name="laptop"
        )


def test_a_challenge_for_signing_in_registers_nothing(world: World) -> None:
    begun = world.begin_passkey_sign_in()
    made = Device().registers(begun.options)
    with pytest.raises(ChallengeInvalid):
        world.register_passkey(principal=world.somebody(), challenge=begun.challenge, credential=made, name="laptop")


def test_a_changed_password_voids_a_registration_that_was_begun(world: World) -> None:
    principal = world.somebody()
    begun = world.begin_passkey(principal=principal)
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    made = Device().registers(begun.options)
    with pytest.raises(ChallengeInvalid):
        world.register_passkey(principal=principal, challenge=begun.challenge, credential=made, name="laptop")


def test_its_owner_names_a_passkey_anew(world: World) -> None:
    principal = world.somebody()
    world.a_passkey_of(principal)
    (passkey,) = world.list_passkeys(principal=principal)
    renamed = world.rename_passkey(principal=principal, passkey_id=passkey.id, name="phone")
    assert renamed.display_name == "phone"
    assert [each.display_name for each in world.list_passkeys(principal=principal)] == ["phone"]
    assert world.event_names()[-1] == "passkey.renamed"
    with pytest.raises(InvalidPasskeyName):
        world.rename_passkey(principal=principal, passkey_id=passkey.id, name="")


def test_nobody_touches_the_passkey_of_another(world: World) -> None:
    ada, eve = world.somebody(), world.somebody(EVE)
    world.a_passkey_of(ada)
    (passkey,) = world.list_passkeys(principal=ada)
    for id in (passkey.id, uuid4()):
        with pytest.raises(PasskeyNotFound):
            world.rename_passkey(principal=eve, passkey_id=id, name="mine")
        with pytest.raises(PasskeyNotFound):
            world.remove_passkey(principal=eve, passkey_id=id)
    assert world.list_passkeys(principal=eve) == []


def test_a_removed_passkey_signs_nobody_in(world: World) -> None:
    principal = world.with_app()
    device = world.a_passkey_of(principal)
    (passkey,) = world.list_passkeys(principal=principal)
    world.remove_passkey(principal=principal, passkey_id=passkey.id)
    assert world.event_names()[-1] == "passkey.removed"
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(device)


def test_the_last_factor_falls_only_with_a_recovery_code(world: World) -> None:
    principal = world.somebody()
    device = world.a_passkey_of(principal)
    principal = world.who(world.enter_with_passkey(device))
    codes = world.make_recovery_codes(principal=principal)
    (passkey,) = world.list_passkeys(principal=principal)
    with pytest.raises(RecoveryCodeNeeded):
        world.remove_passkey(principal=principal, passkey_id=passkey.id)
    with pytest.raises(FactorWrong):
        world.remove_passkey(principal=principal, passkey_id=passkey.id, recovery_code="A" * 24)
    assert world.enrolled(principal.account.id).failures == 1
    world.remove_passkey(principal=principal, passkey_id=passkey.id, recovery_code=codes[0])
    assert not world.account(principal.account.id).has_second_factor
    assert world.enter()


def test_one_of_two_passkeys_is_removed_without_a_recovery_code(world: World) -> None:
    principal = world.somebody()
    device = world.a_passkey_of(principal)
    principal = world.who(world.enter_with_passkey(device))
    world.a_passkey_of(principal)
    world.remove_passkey(principal=principal, passkey_id=world.list_passkeys(principal=principal)[0].id)
    assert world.account(principal.account.id).has_second_factor


# ---- signing in


def test_a_passkey_is_both_factors_at_once(world: World) -> None:
    principal = world.somebody()
    device = world.a_passkey_of(principal)
    with world.work() as work:
        entered = world.enter_with_passkey(device)
    session = world.who(entered).session
    assert (session.account_id, session.amr, session.aal) == (principal.account.id, ("pop", "user", "mfa"), 2)
    assert not {"hash", "verify"} & set(work)
    assert world.list_passkeys(principal=principal)[0].last_used_at == world.clock.now()


def test_an_address_changes_nothing_in_what_a_browser_is_asked(world: World) -> None:
    world.a_passkey_of(world.somebody())
    done = []
    for email in (None, ADA, "nobody@example.com"):
        with world.work() as work:
            begun = world.begin_passkey_sign_in(email=email)
        done.append(work)
        assert begun.options["allowCredentials"] == []
        assert begun.challenge not in repr(begun)
    assert done == [["challenges.add"]] * 3


def test_a_sign_in_answers_its_own_challenge(world: World) -> None:
    device = world.a_passkey_of(world.somebody())
    first, second = world.begin_passkey_sign_in(), world.begin_passkey_sign_in()
    with pytest.raises(PasskeyWrong):
        world.sign_in_with_passkey(challenge=second.challenge, credential=device.answers(first.options), client=HOME)


def test_a_challenge_signs_in_once(world: World) -> None:
    device = world.a_passkey_of(world.somebody())
    begun = world.begin_passkey_sign_in()
    answer = device.answers(begun.options)
    world.sign_in_with_passkey(challenge=begun.challenge, credential=answer, client=HOME)
    with pytest.raises(ChallengeInvalid):
        world.sign_in_with_passkey(challenge=begun.challenge, credential=device.answers(begun.options), client=HOME)


def test_a_challenge_signs_in_for_five_minutes(world: World) -> None:
    device = world.a_passkey_of(world.somebody())
    begun = world.begin_passkey_sign_in()
    world.clock.advance(5 * MINUTE)
    with pytest.raises(ChallengeInvalid):
        world.sign_in_with_passkey(challenge=begun.challenge, credential=device.answers(begun.options), client=HOME)


def test_an_unknown_passkey_opens_nothing(world: World) -> None:
    principal = world.somebody()
    world.a_passkey_of(principal)
    for owner in (principal.account.id, AccountId(uuid4()), None):
        with pytest.raises(PasskeyWrong):
            world.enter_with_passkey(Device(owner=owner))


def test_the_passkey_of_another_opens_only_their_own_account(world: World) -> None:
    ada = world.somebody()
    device = world.a_passkey_of(world.somebody(EVE))
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(device.of(ada.account.id))


def test_a_signature_by_another_key_opens_nothing(world: World) -> None:
    device = world.a_passkey_of(world.somebody())
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(Device(credential_id=device.credential_id, owner=device.owner))


def test_whatever_a_stranger_sends_counts_no_failure_against_the_owner(world: World) -> None:
    principal = world.with_app()
    device = world.a_passkey_of(principal)
    forged = Device(credential_id=device.credential_id, owner=device.owner)
    for _ in range(20):
        with pytest.raises(PasskeyWrong):
            world.enter_with_passkey(forged)
    assert world.enrolled(principal.account.id).failures == 0
    assert world.enter_with_passkey(device)


def test_locked_factors_are_told_to_the_passkey_alone(world: World) -> None:
    """Whoever only names an account learns nothing of it."""
    device = world.a_passkey_of(world.with_app())
    for _ in range(10):
        with pytest.raises(FactorWrong):
            world.finish(world.asked(), Proof(code="000000"))
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(Device(credential_id=device.credential_id, owner=device.owner))
    with pytest.raises(FactorsLocked):
        world.enter_with_passkey(device)


def test_a_suspended_account_is_opened_by_no_passkey(world: World) -> None:
    principal = world.somebody()
    device = world.a_passkey_of(principal)
    world.suspend(principal=world.an_operator(), account_id=principal.account.id)
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(device)


def test_a_copy_is_refused_and_its_owner_told_once_the_original_went_on(world: World) -> None:
    principal = world.somebody()
    device = world.a_passkey_of(principal)
    copy = device.copied()
    world.enter_with_passkey(device)
    world.enter_with_passkey(device)
    world.deliver()
    before = world.sessions(principal.account.id)
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(copy)
    assert world.sessions(principal.account.id) == before
    assert world.event_names()[-1] == "passkey.cloned"
    assert world.mailed("passkey_cloned").to.value == ADA
    assert world.enter_with_passkey(device)


def test_a_copy_that_shows_the_very_count_of_the_original_is_one(world: World) -> None:
    device = world.a_passkey_of(world.somebody())
    copy = device.copied()
    world.enter_with_passkey(device)
    with pytest.raises(PasskeyWrong):
        world.enter_with_passkey(copy)


def test_a_passkey_that_does_not_count_is_never_taken_for_a_copy(world: World) -> None:
    principal = world.somebody()
    registered = world.a_passkey_of(principal)
    device = Device(credential_id=registered.credential_id, key=registered.key, owner=registered.owner, counts=False)
    for _ in range(3):
        assert world.enter_with_passkey(device)


# ---- after a password


def test_a_passkey_answers_the_question_for_a_second_factor(world: World) -> None:
    device = world.a_passkey_of(world.somebody())
    due = world.asked()
    assert due.factors == (Factor.PASSKEY,)
    assert due.passkey_options is not None
    session = world.finish(due, Proof(passkey=device.answers(due.passkey_options))).session
    assert (session.amr, session.aal) == (("pwd", "pop", "user", "mfa"), 2)


def test_there_the_passkey_of_another_and_nonsense_are_failures_that_count(world: World) -> None:
    ada = world.somebody()
    world.a_passkey_of(ada)
    eves = world.a_passkey_of(world.somebody(EVE))
    due = world.asked()
    assert due.passkey_options is not None
    for passkey in (eves.answers(due.passkey_options), eves.of(ada.account.id).answers(due.passkey_options), {}):
        with pytest.raises(FactorWrong):
            world.finish(due, Proof(passkey=passkey))
    assert world.enrolled(ada.account.id).failures == 3


def test_there_a_copy_is_refused_and_told_too(world: World) -> None:
    device = world.a_passkey_of(world.somebody())
    copy = device.copied()
    world.enter_with_passkey(device)
    world.enter_with_passkey(device)
    due = world.asked()
    assert due.passkey_options is not None
    with pytest.raises(FactorWrong):
        world.finish(due, Proof(passkey=copy.answers(due.passkey_options)))
    assert world.mailed("passkey_cloned").to.value == ADA
