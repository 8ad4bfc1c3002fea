"""The keys that sign, from standby to revoked."""

from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application.ports.security import SealBroken
from application.ports.unit_of_work import Unavailable
from application.signing_keys import row_of
from domain.kernel import KeyId
from domain.signing_keys import KeyAlreadyRevoked, KeyNotFound, KeyState, SigningKey, StandbyTooYoung
from tests.application.world import SECOND, World
from tests.builders import MINUTE

STANDBY, ACTIVE, RETIRING, REVOKED = KeyState.STANDBY, KeyState.ACTIVE, KeyState.RETIRING, KeyState.REVOKED
OLD, NEW = "the old secret of the keys", "the new secret of the keys"


@pytest.fixture
def keys(world: World) -> list[SigningKey]:
    """Long prepared: one active, one standing by."""
    world.prepare_keys()
    world.clock.advance(15 * MINUTE)
    return world.list_keys()


def states(world: World) -> list[KeyState]:
    return [key.state for key in world.list_keys()]


def published(world: World) -> list[str]:
    return [jwk["kid"] for jwk in world.publish_keys()]


def test_before_the_first_request_one_key_signs_and_one_stands_by(world: World) -> None:
    world.prepare_keys()
    assert states(world) == [ACTIVE, STANDBY]
    assert sorted(world.event_names()) == ["signing_key.activated", "signing_key.made", "signing_key.made"]


def test_preparing_again_changes_nothing(world: World, keys: list[SigningKey]) -> None:
    before = world.events()
    world.prepare_keys()
    assert world.list_keys() == keys
    assert world.events() == before


def test_private_keys_are_sealed_to_their_row_and_shown_nowhere(world: World, keys: list[SigningKey]) -> None:
    for key in keys:
        assert "PRIVATE" not in key.sealed_private
        assert "PRIVATE" in world.vault.open(key.sealed_private, row=row_of(key.id))
        assert key.sealed_private not in repr(key)
    with pytest.raises(SealBroken):
        world.vault.open(keys[0].sealed_private, row=row_of(keys[1].id))
    assert "PRIVATE" not in repr(world.key_ring.active())


def test_without_a_key_nothing_can_be_signed(world: World) -> None:
    with pytest.raises(Unavailable):
        world.key_ring.active()


# ---- rotating


def test_standby_becomes_active_and_active_retires(world: World, keys: list[SigningKey]) -> None:
    active, standby = keys
    rotated = world.rotate_keys()
    assert {key.id: key.state for key in rotated}[standby.id] is ACTIVE
    assert states(world) == [RETIRING, ACTIVE, STANDBY]
    assert {active.id, standby.id} < {key.id for key in rotated}
    assert world.event_names()[-3:] == ["signing_key.retired", "signing_key.activated", "signing_key.made"]


def test_a_standby_key_that_verifiers_may_not_have_yet_is_not_used(world: World) -> None:
    world.prepare_keys()
    world.clock.advance(timedelta(minutes=14, seconds=59))
    with pytest.raises(StandbyTooYoung):
        world.rotate_keys()
    assert states(world) == [ACTIVE, STANDBY]
    world.rotate_keys(force=True)
    assert states(world) == [RETIRING, ACTIVE, STANDBY]


def test_rotating_where_there_is_no_key_makes_one(world: World) -> None:
    world.rotate_keys()
    assert ACTIVE in states(world)


def test_a_retiring_key_verifies_until_its_last_token_has_expired(world: World, keys: list[SigningKey]) -> None:
    world.rotate_keys()
    world.clock.advance(timedelta(minutes=10, seconds=59))
    assert world.key_ring.public_pem(keys[0].id) == keys[0].public_pem
    assert str(keys[0].id) in published(world)
    world.clock.advance(SECOND)
    assert world.key_ring.public_pem(keys[0].id) is None
    assert str(keys[0].id) not in published(world)


def test_a_retired_key_is_revoked_and_erased(world: World, keys: list[SigningKey]) -> None:
    world.rotate_keys()
    assert world.revoke_retired() == 0
    world.clock.advance(11 * MINUTE)
    assert world.revoke_retired() == 1
    assert world.revoke_retired() == 0
    assert states(world) == [REVOKED, ACTIVE, STANDBY]
    assert world.list_keys()[0].sealed_private == ""
    assert world.event_names()[-1] == "signing_key.revoked"


# ---- revoking


def test_when_the_active_key_is_revoked_standby_takes_over(world: World, keys: list[SigningKey]) -> None:
    active, standby = keys
    world.key_ring.active()
    world.revoke_key(key_id=active.id)
    assert states(world) == [REVOKED, ACTIVE, STANDBY]
    assert world.list_keys()[0].sealed_private == ""
    world.clock.advance(5 * SECOND)
    assert world.key_ring.active().id == standby.id
    assert world.key_ring.public_pem(active.id) is None
    assert str(active.id) not in published(world)


def test_when_the_standby_key_is_revoked_another_stands_by(world: World, keys: list[SigningKey]) -> None:
    world.revoke_key(key_id=keys[1].id)
    assert states(world) == [ACTIVE, REVOKED, STANDBY]
    assert world.key_ring.active().id == keys[0].id


def test_what_is_revoked_or_unknown_cannot_be_revoked(world: World, keys: list[SigningKey]) -> None:
    world.revoke_key(key_id=keys[0].id)
    with pytest.raises(KeyAlreadyRevoked):
        world.revoke_key(key_id=keys[0].id)
    with pytest.raises(KeyNotFound):
        world.revoke_key(key_id=uuid4())


# ---- rewrapping


def test_after_a_change_of_secret_keys_are_sealed_anew_and_the_old_one_can_go() -> None:
    world = World(secret=SecretKeys(OLD))
    world.prepare_keys()
    before = world.key_ring.active()
    assert world.rewrap_under(SecretKeys(NEW, [OLD])) == 2
    assert world.rewrap_under(SecretKeys(NEW, [OLD])) == 0
    assert world.another_key_ring(AesVault(SecretKeys(NEW))).active() == before
    assert world.event_names()[-2:] == ["signing_key.rewrapped"] * 2


def test_a_process_that_still_has_the_old_secret_goes_on_until_its_restart() -> None:
    world = World(secret=SecretKeys(OLD))
    world.prepare_keys()
    before = world.key_ring.active()
    world.rewrap_under(SecretKeys(NEW, [OLD]))
    world.clock.advance(5 * SECOND)
    assert world.key_ring.active() == before


def test_without_the_old_secret_nothing_is_rewrapped() -> None:
    world = World(secret=SecretKeys(OLD))
    world.prepare_keys()
    before = world.list_keys()
    with pytest.raises(SealBroken):
        world.rewrap_under(SecretKeys(NEW))
    assert world.list_keys() == before


def test_revoked_keys_need_no_rewrapping() -> None:
    world = World(secret=SecretKeys(OLD))
    world.prepare_keys()
    world.revoke_key(key_id=world.list_keys()[0].id)
    assert world.rewrap_under(SecretKeys(NEW, [OLD])) == 2


# ---- the ring


def test_keys_are_read_once_in_five_seconds(world: World, keys: list[SigningKey]) -> None:
    with world.work() as work:
        for _ in range(10):
            world.key_ring.active()
            world.key_ring.public_pem(keys[1].id)
            world.key_ring.published()
    assert work == ["signing_keys.all"]
    world.clock.advance(timedelta(seconds=4, milliseconds=999))
    with world.work() as work:
        world.key_ring.active()
    assert work == []
    world.clock.advance(timedelta(milliseconds=1))
    with world.work() as work:
        world.key_ring.active()
    assert work == ["signing_keys.all"]


def test_a_clock_that_was_set_back_keeps_no_revoked_key_alive(world: World, keys: list[SigningKey]) -> None:
    world.key_ring.active()
    world.revoke_key(key_id=keys[0].id)
    world.clock.advance(-10 * MINUTE)
    assert world.key_ring.public_pem(keys[0].id) is None


def test_an_unknown_key_costs_no_more_than_that(world: World, keys: list[SigningKey]) -> None:
    with world.work() as work:
        for _ in range(100):
            assert world.key_ring.public_pem(KeyId(uuid4())) is None
    assert work == ["signing_keys.all"]


def test_another_process_follows_a_rotation_without_a_restart(world: World, keys: list[SigningKey]) -> None:
    other = world.another_key_ring()
    assert other.active().id == keys[0].id
    world.rotate_keys()
    world.clock.advance(5 * SECOND)
    assert other.active().id == keys[1].id


def test_a_key_that_signs_is_known_to_every_process_before(world: World, keys: list[SigningKey]) -> None:
    """One process has seen the rotation and the other has not: what the first signs, the second verifies."""
    other = world.another_key_ring()
    other.active()
    world.rotate_keys()
    assert other.public_pem(world.key_ring.active().id) == keys[1].public_pem


def test_a_ring_that_was_read_before_there_were_keys_finds_them(world: World) -> None:
    with pytest.raises(Unavailable):
        world.key_ring.active()
    world.prepare_keys()
    world.clock.advance(5 * SECOND)
    assert world.key_ring.active()


# ---- publishing


def test_standby_active_and_retiring_are_published_without_a_private_part(world: World, keys: list[SigningKey]) -> None:
    world.rotate_keys()
    assert published(world) == [str(key.id) for key in world.list_keys()]
    for jwk in world.publish_keys():
        assert set(jwk) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
