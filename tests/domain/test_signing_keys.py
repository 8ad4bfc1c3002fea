from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.kernel import KeyId
from domain.signing_keys import (
    KeyAlreadyRevoked,
    KeyPolicy,
    KeyState,
    SigningKey,
    SigningKeyMade,
    StandbyTooYoung,
    rotate,
    the_one,
)
from tests.builders import HOUR, MINUTE, NOON, a_signing_key

MICROSECOND = timedelta(microseconds=1)
POLICY = KeyPolicy()
LATER = NOON + HOUR


def a_fresh_key(number: int = 1, *, at: datetime = NOON) -> SigningKey:
    return SigningKey.make(id=KeyId(UUID(int=number)), public_pem="public", sealed_private="sealed", at=at)


def rotated(*keys: SigningKey, at: datetime = NOON, force: bool = False) -> list[tuple[UUID, KeyState]]:
    """What changes when key 9 is the fresh one."""
    fresh = a_fresh_key(9, at=at)
    return [(key.id, key.state) for key in rotate(keys, fresh=fresh, policy=POLICY, force=force, at=at)]


def names_of(key: SigningKey) -> list[str]:
    return [event.name for event in key.events]


def test_a_key_is_made_to_stand_by() -> None:
    key = a_fresh_key()
    assert (key.state, key.state_since, key.created_at) == (KeyState.STANDBY, NOON, NOON)
    assert key.events == (SigningKeyMade(key_id=key.id, at=NOON),)


def test_a_key_stands_by_signs_retires_and_is_revoked() -> None:
    key = replace(a_fresh_key(), events=())
    active = key.activate(at=LATER)
    retiring = active.retire(at=LATER + HOUR)
    revoked = retiring.revoke(at=LATER + 2 * HOUR)
    assert active == replace(key, state=KeyState.ACTIVE, state_since=LATER)
    assert retiring == replace(key, state=KeyState.RETIRING, state_since=LATER + HOUR)
    assert revoked == replace(key, state=KeyState.REVOKED, state_since=LATER + 2 * HOUR, sealed_private="")
    assert names_of(revoked) == ["signing_key.activated", "signing_key.retired", "signing_key.revoked"]


@pytest.mark.parametrize("state", [KeyState.STANDBY, KeyState.ACTIVE, KeyState.RETIRING])
def test_a_key_may_be_revoked_in_any_state_and_loses_its_private_part(state: KeyState) -> None:
    assert a_signing_key(state=state).revoke(at=NOON).sealed_private == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.activate(at=LATER),
        lambda key: key.retire(at=LATER),
        lambda key: key.revoke(at=LATER),
        lambda key: key.rewrap("sealed anew", at=LATER),
    ],
)
def test_a_revoked_key_stays_revoked(change: Callable[[SigningKey], SigningKey]) -> None:
    with pytest.raises(KeyAlreadyRevoked):
        change(a_signing_key().revoke(at=NOON))


def test_a_key_sealed_anew_is_the_same_key() -> None:
    key = a_signing_key()
    rewrapped = key.rewrap("sealed anew", at=LATER)
    assert rewrapped == replace(key, sealed_private="sealed anew")
    assert names_of(rewrapped) == ["signing_key.rewrapped"]


def test_the_private_part_stays_out_of_the_repr_even_sealed() -> None:
    assert "secret" not in repr(a_signing_key(sealed_private="secret"))


@pytest.mark.parametrize(
    ("state", "age", "verifies"),
    [
        (KeyState.STANDBY, timedelta(), True),
        (KeyState.STANDBY, timedelta(days=900), True),
        (KeyState.ACTIVE, timedelta(), True),
        (KeyState.ACTIVE, timedelta(days=900), True),
        (KeyState.RETIRING, timedelta(), True),
        (KeyState.RETIRING, 11 * MINUTE - MICROSECOND, True),
        (KeyState.RETIRING, 11 * MINUTE, False),
        (KeyState.REVOKED, timedelta(), False),
    ],
)
def test_a_key_verifies_until_the_last_token_that_it_signed_has_expired(
    state: KeyState, age: timedelta, verifies: bool
) -> None:
    assert a_signing_key(state=state, state_since=NOON - age).verifies(policy=POLICY, at=NOON) is verifies


def test_a_retiring_key_outlives_its_tokens_and_a_standby_key_is_older_than_any_copy_of_the_jwks() -> None:
    assert POLICY.retiring_for >= timedelta(minutes=10) + timedelta(seconds=60)
    assert POLICY.standby_for_at_least > timedelta(seconds=600)


def test_of_several_keys_in_a_state_the_newest_counts() -> None:
    older, newer = (a_signing_key(state_since=NOON + n * HOUR) for n in (0, 1))
    standby = a_signing_key(state=KeyState.STANDBY)
    assert the_one(KeyState.ACTIVE, [newer, older, standby]) is newer
    assert the_one(KeyState.STANDBY, iter([newer, older, standby])) is standby
    assert the_one(KeyState.RETIRING, [newer, older, standby]) is None
    assert the_one(KeyState.ACTIVE, []) is None


def test_a_rotation_makes_standby_active_active_retiring_and_a_fresh_key_stand_by() -> None:
    active = a_fresh_key(1, at=NOON - HOUR).activate(at=NOON - HOUR)
    standby = a_fresh_key(2, at=NOON - HOUR)
    assert rotated(active, standby) == [
        (active.id, KeyState.RETIRING),
        (standby.id, KeyState.ACTIVE),
        (UUID(int=9), KeyState.STANDBY),
    ]


def test_a_rotation_leaves_retiring_and_revoked_keys_alone() -> None:
    keys = [a_signing_key(state=state) for state in (KeyState.RETIRING, KeyState.REVOKED)]
    assert rotated(*keys) == [(UUID(int=9), KeyState.ACTIVE)]


def test_a_rotation_waits_until_every_verifier_can_have_the_standby_key() -> None:
    active = a_signing_key()
    standby = a_fresh_key(2, at=NOON)
    with pytest.raises(StandbyTooYoung, match="15 minutes"):
        rotated(active, standby, at=NOON + 15 * MINUTE - MICROSECOND)
    assert (standby.id, KeyState.ACTIVE) in rotated(active, standby, at=NOON + 15 * MINUTE)


def test_a_forced_rotation_does_not_wait() -> None:
    active, standby = a_signing_key(), a_fresh_key(2, at=NOON)
    assert (standby.id, KeyState.ACTIVE) in rotated(active, standby, at=NOON, force=True)


def test_without_a_standby_key_only_force_makes_a_fresh_key_sign() -> None:
    active = a_signing_key()
    with pytest.raises(StandbyTooYoung):
        rotated(active)
    assert rotated(active, force=True) == [(active.id, KeyState.RETIRING), (UUID(int=9), KeyState.ACTIVE)]


def test_where_no_key_signs_the_next_one_does_so_at_once() -> None:
    assert rotated() == [(UUID(int=9), KeyState.ACTIVE)]
    standby = a_fresh_key(2, at=NOON)
    assert rotated(standby) == [(standby.id, KeyState.ACTIVE), (UUID(int=9), KeyState.STANDBY)]


def test_after_a_rotation_every_key_that_signed_lately_still_verifies() -> None:
    keys = [a_fresh_key(1, at=NOON).activate(at=NOON), a_fresh_key(2, at=NOON)]
    for number in range(3, 6):
        now = NOON + number * HOUR
        changed = rotate(keys, fresh=a_fresh_key(number, at=now), policy=POLICY, force=False, at=now)
        keys = [key for key in keys if key.id not in {new.id for new in changed}] + changed
        assert [key.state for key in changed] == [KeyState.RETIRING, KeyState.ACTIVE, KeyState.STANDBY]
        assert all(key.verifies(policy=POLICY, at=now + 11 * MINUTE - MICROSECOND) for key in changed)
