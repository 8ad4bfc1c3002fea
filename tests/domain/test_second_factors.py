from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import AccountId
from domain.second_factors import (
    FactorPolicy,
    FactorsLocked,
    FactorsReset,
    FactorsWereLocked,
    PendingTotp,
    RecoveryCodesMade,
    RecoveryCodeUsed,
    SecondFactors,
    Totp,
    TotpEnrolled,
    TotpNotFound,
    TotpRemoved,
    TotpWasEnrolled,
)
from tests.builders import DAY, HOUR, MINUTE, NOON, second_factors

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
POLICY = FactorPolicy()
ADA, ROOT = AccountId(UUID(int=1)), AccountId(UUID(int=2))
FRESH = SecondFactors(account_id=ADA)
APP = Totp(sealed_secret="sealed", enrolled_at=NOON, last_step=100)
WITH_APP = replace(FRESH, totp=APP)
STEPS = st.integers(0, 200)


def begun(at: datetime = NOON) -> SecondFactors:
    return FRESH.begin_totp("sealed", policy=POLICY, at=at)


def failed(factors: SecondFactors, times: int, *, policy: FactorPolicy = POLICY, at: datetime = NOON) -> SecondFactors:
    for _ in range(times):
        factors = factors.failed(policy=policy, at=at)
    return factors


def lock_of(factors: SecondFactors, *, at: datetime = NOON) -> timedelta:
    assert factors.locked_until
    return factors.locked_until - at


# ---- an authenticator app


def test_an_enrolment_waits_for_a_quarter_of_an_hour_and_is_no_event() -> None:
    assert begun() == replace(FRESH, pending_totp=PendingTotp(sealed_secret="sealed", expires_at=NOON + 15 * MINUTE))
    assert begun().events == ()


def test_what_was_begun_before_is_void() -> None:
    again = begun().begin_totp("sealed anew", policy=POLICY, at=NOON + MINUTE)
    assert again.pending(NOON + MINUTE) == PendingTotp(sealed_secret="sealed anew", expires_at=NOON + 16 * MINUTE)


def test_who_has_an_app_enrols_no_other() -> None:
    with pytest.raises(TotpEnrolled):
        WITH_APP.begin_totp("sealed", policy=POLICY, at=NOON)


@pytest.mark.parametrize(("late", "waits"), [(-MICROSECOND, True), (timedelta(), False), (DAY, False)])
def test_an_enrolment_is_confirmed_in_time_or_never(late: timedelta, waits: bool) -> None:
    at = NOON + 15 * MINUTE + late
    confirm: list[Callable[[], object]] = [lambda: begun().pending(at), lambda: begun().confirm_totp(step=7, at=at)]
    for attempt in confirm:
        if waits:
            assert attempt()
        else:
            with pytest.raises(TotpNotFound):
                attempt()


def test_what_was_not_begun_cannot_be_confirmed() -> None:
    with pytest.raises(TotpNotFound):
        FRESH.confirm_totp(step=7, at=NOON)


def test_the_code_that_confirms_an_app_is_spent_by_that() -> None:
    confirmed = begun().confirm_totp(step=7, at=NOON + MINUTE)
    assert confirmed == replace(FRESH, totp=Totp(sealed_secret="sealed", enrolled_at=NOON + MINUTE, last_step=7))
    assert confirmed.events == (TotpWasEnrolled(account_id=ADA, at=NOON + MINUTE),)
    assert confirmed.take_step(7) is None
    assert confirmed.take_step(8)


def test_an_enrolment_is_confirmed_once() -> None:
    with pytest.raises(TotpNotFound):
        begun().confirm_totp(step=7, at=NOON).confirm_totp(step=8, at=NOON)


@given(st.lists(STEPS | st.none()))
def test_no_step_is_taken_twice_and_none_before_the_last(steps: list[int | None]) -> None:
    factors, taken = WITH_APP, [APP.last_step]
    for step in steps:
        after = factors.take_step(step)
        assert (after is not None) is (step is not None and step > taken[-1])
        if after and step is not None:
            assert after == replace(factors, totp=replace(APP, last_step=step))
            factors, taken = after, [*taken, step]
    assert taken == sorted(set(taken))


@given(STEPS | st.none())
def test_without_an_app_no_step_is_taken(step: int | None) -> None:
    assert FRESH.take_step(step) is None
    assert begun().take_step(step) is None


def test_an_app_is_removed_with_what_was_begun() -> None:
    factors = second_factors()
    removed = factors.remove_totp(at=NOON)
    assert removed == replace(factors, totp=None, pending_totp=None)
    assert removed.events == (TotpRemoved(account_id=factors.account_id, at=NOON),)


@pytest.mark.parametrize("factors", [FRESH, begun()])
def test_what_is_not_enrolled_cannot_be_removed(factors: SecondFactors) -> None:
    with pytest.raises(TotpNotFound):
        factors.remove_totp(at=NOON)


# ---- recovery codes

hashes = st.sampled_from([f"hash {number}" for number in range(10)])


@given(st.lists(hashes, unique=True).map(tuple), st.lists(hashes | st.just("unknown") | st.none()))
def test_recovery_codes_are_each_good_once(made: tuple[str, ...], tried: list[str | None]) -> None:
    factors, good = replace(FRESH, recovery_hashes=made), set(made)
    for hash in tried:
        after = factors.take_recovery_code(hash, at=NOON)
        assert (after is not None) is (hash in good)
        if after:
            good.remove(str(hash))
            assert after.events == (*factors.events, RecoveryCodeUsed(account_id=ADA, left=len(good), at=NOON))
            factors = after
    assert set(factors.recovery_hashes) == good


def test_those_that_are_left_stay_in_their_order() -> None:
    factors = replace(FRESH, recovery_hashes=("c", "a", "b"))
    taken = factors.take_recovery_code("a", at=NOON)
    assert taken
    assert taken.recovery_hashes == ("c", "b")


def test_new_recovery_codes_void_the_old_ones() -> None:
    made = replace(FRESH, recovery_hashes=("old",)).with_recovery_codes(("one", "two"), at=NOON)
    assert made == replace(FRESH, recovery_hashes=("one", "two"))
    assert made.events == (RecoveryCodesMade(account_id=ADA, at=NOON),)
    assert made.take_recovery_code("old", at=NOON) is None


# ---- failures and the lock


def test_failures_below_the_limit_lock_nothing() -> None:
    factors = failed(WITH_APP, 9)
    assert factors == replace(WITH_APP, failures=9)
    assert factors.events == ()
    factors.must_be_open(NOON)


def test_the_tenth_failure_locks_everything_for_a_quarter_of_an_hour() -> None:
    factors = failed(WITH_APP, 10)
    assert factors == replace(WITH_APP, failures=0, locks=1, locked_until=NOON + 15 * MINUTE)
    assert factors.events == (FactorsWereLocked(account_id=ADA, at=NOON),)


def test_each_lock_doubles_the_one_before_up_to_a_day() -> None:
    factors, locks = FRESH, []
    for _ in range(9):
        factors = failed(factors, 10)
        locks.append(lock_of(factors) // MINUTE)
    assert locks == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]


@given(st.timedeltas(SECOND, DAY), st.timedeltas(SECOND, 30 * DAY), st.integers(0, 10_000), st.integers(1, 50))
def test_no_lock_is_shorter_than_the_one_before_or_longer_than_the_longest(
    first: timedelta, longest: timedelta, locks: int, failures: int
) -> None:
    policy = FactorPolicy(failures=failures, first_lock=first, longest_lock=longest)
    before, after = (failed(replace(FRESH, locks=n), failures, policy=policy) for n in (locks, locks + 1))
    assert lock_of(before) <= lock_of(after) <= longest
    assert lock_of(after) in {2 * lock_of(before), longest}


@given(st.integers(0, 100))
def test_every_tenth_failure_locks_and_no_other(times: int) -> None:
    factors = failed(FRESH, times)
    assert (factors.failures, factors.locks, len(factors.events)) == (times % 10, times // 10, times // 10)


@pytest.mark.parametrize(
    ("before_the_end", "wait"),
    [
        (15 * MINUTE, 900),
        (SECOND + MICROSECOND, 2),
        (SECOND, 1),
        (MICROSECOND, 1),
        (timedelta(), None),
        (-MICROSECOND, None),
        (-HOUR, None),
    ],
)
def test_a_lock_says_how_long_it_lasts_and_then_is_over(before_the_end: timedelta, wait: int | None) -> None:
    factors = replace(FRESH, locked_until=NOON)
    if wait is None:
        factors.must_be_open(NOON - before_the_end)
    else:
        with pytest.raises(FactorsLocked) as refused:
            factors.must_be_open(NOON - before_the_end)
        assert refused.value.retry_after == wait


def test_a_lock_that_is_over_is_no_pardon() -> None:
    """The next one is twice as long until something was proved."""
    factors = failed(failed(FRESH, 10), 10, at=NOON + HOUR)
    assert lock_of(factors, at=NOON + HOUR) == 30 * MINUTE


@pytest.mark.parametrize(
    "prove",
    [
        lambda factors: factors.proved(),
        lambda factors: factors.take_step(factors.totp.last_step + 1),
        lambda factors: factors.take_recovery_code(factors.recovery_hashes[0], at=NOON),
    ],
    ids=["passkey", "app", "recovery code"],
)
def test_a_proof_clears_failures_and_locks(prove: Callable[[SecondFactors], SecondFactors]) -> None:
    proved = prove(second_factors(failures=9, locks=5, locked_until=NOON))
    assert (proved.failures, proved.locks, proved.locked_until) == (0, 0, None)
    assert lock_of(failed(proved, 10)) == 15 * MINUTE


@pytest.mark.parametrize("fail", [lambda f: f.take_step(0), lambda f: f.take_recovery_code("unknown", at=NOON)])
def test_what_does_not_fit_proves_nothing(fail: Callable[[SecondFactors], SecondFactors | None]) -> None:
    assert fail(second_factors()) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda factors: factors.with_recovery_codes(("new",), at=NOON),
        lambda factors: factors.remove_totp(at=NOON),
        lambda factors: replace(factors, totp=None).begin_totp("sealed", policy=POLICY, at=NOON),
        lambda factors: replace(factors, totp=None).confirm_totp(step=7, at=NOON),
    ],
    ids=["recovery codes", "remove", "begin", "confirm"],
)
def test_a_change_of_factors_forgives_no_failure(change: Callable[[SecondFactors], SecondFactors]) -> None:
    changed = change(second_factors(failures=9, locks=5, locked_until=NOON))
    assert (changed.failures, changed.locks, changed.locked_until) == (9, 5, NOON)


# ---- an operator


def test_an_operator_lets_the_owner_begin_anew_and_is_named() -> None:
    factors = second_factors(version=3)
    was_reset = factors.reset(by=ROOT, at=NOON)
    assert was_reset == SecondFactors(account_id=factors.account_id, version=3)
    assert was_reset.events == (FactorsReset(account_id=factors.account_id, by=ROOT, at=NOON),)


# ---- secrets


def test_nothing_that_is_sealed_or_hashed_shows_in_a_repr() -> None:
    shown = repr(second_factors())
    assert "v1." not in shown


def test_another_seal_is_put_on_every_secret_and_on_nothing_else() -> None:
    factors = second_factors()
    rewrapped = factors.rewrap(lambda sealed: f"{sealed}, anew")
    assert rewrapped.sealed_secrets == tuple(f"{sealed}, anew" for sealed in factors.sealed_secrets)
    assert len(rewrapped.sealed_secrets) == 2
    assert rewrapped.rewrap(lambda sealed: sealed.removesuffix(", anew")) == factors
    assert rewrapped.events == ()


def test_where_nothing_is_sealed_there_is_nothing_to_seal_anew() -> None:
    assert FRESH.rewrap(lambda sealed: f"{sealed}, anew") == FRESH
    assert FRESH.sealed_secrets == ()
