"""Recovery codes: ten, shown once, each used once."""

import pytest

from application.factor_proofs import Proof
from domain.second_factors import Factor, FactorWrong, NoFactor
from tests.application.world import ADA, World


def recover(world: World, code: str) -> None:
    world.finish(world.asked(), Proof(recovery_code=code))


def test_there_are_ten_of_120_bits_each(world: World) -> None:
    codes = world.make_recovery_codes(principal=world.with_app())
    assert len(set(codes)) == 10
    for code in codes:
        letters = code.replace("-", "")
        assert len(letters) == 24  # of 32 letters and digits: 5 bits each
        assert set(letters) <= set("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")


def test_they_are_kept_as_keyed_hashes_only(world: World) -> None:
    principal = world.with_app()
    codes = world.make_recovery_codes(principal=principal)
    kept = world.enrolled(principal.account.id)
    assert len(kept.recovery_hashes) == 10
    assert not {code.replace("-", "") for code in codes} & {*kept.recovery_hashes, *codes}
    assert "recovery_hashes" not in repr(kept)


def test_each_is_used_once_and_its_owner_told(world: World) -> None:
    principal = world.with_app()
    codes = world.make_recovery_codes(principal=principal)
    world.deliver()
    recover(world, codes[3])
    assert world.show_factors(principal=principal).recovery_codes_left == 9
    assert world.events()[-2].data["left"] == 9
    assert world.mailed("recovery_code_used").to.value == ADA
    with pytest.raises(FactorWrong):
        recover(world, codes[3])
    recover(world, codes[4])


def test_new_ones_void_the_old(world: World) -> None:
    principal = world.with_app()
    old = world.make_recovery_codes(principal=principal)
    new = world.make_recovery_codes(principal=principal)
    assert len(world.enrolled(principal.account.id).recovery_hashes) == 10
    with pytest.raises(FactorWrong):
        recover(world, old[0])
    recover(world, new[0])


def test_making_them_is_told_by_event_and_mail(world: World) -> None:
    world.make_recovery_codes(principal=world.with_app())
    assert world.event_names()[-1] == "factor.recovery_codes_made"
    assert world.mailed("factors_changed").to.value == ADA


@pytest.mark.parametrize(
    "spell", [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code} ".replace("-", " ")]
)
def test_any_spelling_is_taken(world: World, spell: object) -> None:
    codes = world.make_recovery_codes(principal=world.with_app())
    assert callable(spell)
    recover(world, spell(codes[0]))


@pytest.mark.parametrize("code", ["", "\ud800", "-", "A" * 24, "Ж" * 24, "1" * 100_000])
def test_whatever_stands_for_one_is_only_wrong(world: World, code: str) -> None:
    world.make_recovery_codes(principal=world.with_app())
    with pytest.raises(FactorWrong):
        recover(world, code)


def test_they_stand_in_for_a_factor_and_are_none(world: World) -> None:
    with pytest.raises(NoFactor):
        world.make_recovery_codes(principal=world.somebody())


def test_they_are_offered_while_any_is_left(world: World) -> None:
    principal = world.with_app()
    assert world.asked().factors == (Factor.TOTP,)
    codes = world.make_recovery_codes(principal=principal)
    for code in codes:
        assert world.asked().factors == (Factor.TOTP, Factor.RECOVERY_CODE)
        recover(world, code)
    assert world.asked().factors == (Factor.TOTP,)
