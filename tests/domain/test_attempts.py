from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import EmailAddress
from domain.attempts import AttemptCounter, AttemptPolicy, Bucket, DeviceToken, TooManyAttempts
from domain.kernel import AccountId
from tests.builders import DAY, HOUR, MINUTE, NOON

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
POLICY = AttemptPolicy()
DIGEST = EmailAddress("ada@example.com").digest
NETWORK, DEVICE, ALL = Bucket.network("192.0.2.7/32"), Bucket.device(UUID(int=1)), Bucket.all_networks()


def a_fresh_counter(bucket: Bucket = NETWORK) -> AttemptCounter:
    return AttemptCounter.fresh(DIGEST, bucket, at=NOON)


def after_failures(times: int, bucket: Bucket = NETWORK) -> AttemptCounter:
    """Each attempt made as soon as it was allowed."""
    counter = a_fresh_counter(bucket)
    for _ in range(times):
        counter = counter.count(policy=POLICY, at=counter.blocked_until)
    return counter


def delay_after(counter: AttemptCounter, at: datetime) -> timedelta:
    return counter.count(policy=POLICY, at=at).blocked_until - at


def refused_for(counter: AttemptCounter, at: datetime) -> int:
    """In seconds, as the answer says."""
    with pytest.raises(TooManyAttempts) as caught:
        counter.count(policy=POLICY, at=at)
    return caught.value.retry_after


def test_a_bucket_knows_what_it_counts_by() -> None:
    assert [bucket.is_device for bucket in (NETWORK, DEVICE, ALL)] == [False, True, False]
    assert [bucket.is_all_networks for bucket in (NETWORK, DEVICE, ALL)] == [False, False, True]
    assert len({NETWORK, DEVICE, ALL, Bucket.network("unknown"), Bucket.network("all networks")}) == 5


def test_a_fresh_counter_counts_nothing() -> None:
    counter = a_fresh_counter()
    assert counter.failures == 0
    assert counter.count(policy=POLICY, at=NOON) == replace(counter, failures=1, expires_at=NOON + DAY)


def test_four_failures_cost_no_time() -> None:
    counter = a_fresh_counter()
    for failures in range(1, 5):
        counter = counter.count(policy=POLICY, at=NOON)
        assert (counter.failures, counter.blocked_until) == (failures, NOON)


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [*((5 + n, 2**n) for n in range(10)), (15, 900), (16, 900)],
)
def test_from_the_fifth_failure_the_wait_doubles_up_to_a_quarter_of_an_hour(failure: int, seconds: int) -> None:
    counter = after_failures(failure - 1)
    assert delay_after(counter, counter.blocked_until) == seconds * SECOND


def test_a_known_device_has_nine_failures_free() -> None:
    assert after_failures(9, DEVICE).blocked_until == NOON
    assert after_failures(10, DEVICE).blocked_until == NOON + SECOND
    assert after_failures(11, DEVICE).blocked_until == NOON + 3 * SECOND


def test_any_number_of_failures_waits_a_quarter_of_an_hour_at_most() -> None:
    counter = replace(a_fresh_counter(), failures=10**9, expires_at=NOON + DAY)
    assert delay_after(counter, NOON) == 15 * MINUTE


def test_attempts_that_overlap_do_not_wait_for_one_another() -> None:
    """The one that took the time first is not always the one that counts first."""
    counter = a_fresh_counter().count(policy=POLICY, at=NOON)
    earlier = NOON - MICROSECOND
    assert counter.count(policy=POLICY, at=earlier).failures == 2
    assert counter.take_back().count(policy=POLICY, at=earlier).failures == 1


def test_whoever_waited_may_try_again_to_the_moment() -> None:
    counter = after_failures(8)
    assert refused_for(counter, counter.blocked_until - MICROSECOND) == 1
    assert counter.count(policy=POLICY, at=counter.blocked_until).failures == 9


@pytest.mark.parametrize(
    ("left", "told"), [(MICROSECOND, 1), (SECOND, 1), (SECOND + MICROSECOND, 2), (15 * MINUTE, 900)]
)
def test_whoever_must_wait_is_told_whole_seconds_that_suffice(left: timedelta, told: int) -> None:
    assert refused_for(replace(after_failures(15), blocked_until=NOON + left), NOON) == told


def test_a_refused_attempt_extends_nothing() -> None:
    counter = after_failures(9)
    before = replace(counter)
    for _ in range(100):
        refused_for(counter, counter.blocked_until - SECOND)
    assert counter == before


def test_all_networks_together_have_a_hundred_failures_a_day() -> None:
    counter = a_fresh_counter(ALL)
    for minutes in range(100):
        counter = counter.count(policy=POLICY, at=NOON + minutes * MINUTE)
    assert refused_for(counter, NOON + 100 * MINUTE) == (24 * 60 - 100) * 60
    assert refused_for(counter, NOON + DAY - MICROSECOND) == 1
    assert counter.count(policy=POLICY, at=NOON + DAY).failures == 1


def test_a_day_of_all_networks_starts_with_its_first_failure() -> None:
    counter = a_fresh_counter(ALL).count(policy=POLICY, at=NOON)
    counter = counter.count(policy=POLICY, at=NOON + 23 * HOUR)
    assert counter.expires_at == NOON + DAY
    counter = counter.count(policy=POLICY, at=NOON + 25 * HOUR)
    assert (counter.failures, counter.since, counter.expires_at) == (1, NOON + 25 * HOUR, NOON + 49 * HOUR)


@pytest.mark.parametrize("bucket", [NETWORK, DEVICE])
def test_a_failure_is_remembered_for_a_day_after_the_last_one(bucket: Bucket) -> None:
    counter = after_failures(4, bucket)
    last = NOON + 20 * HOUR
    counter = counter.count(policy=POLICY, at=last)
    assert counter.failures == 5
    assert counter.count(policy=POLICY, at=last + DAY - MICROSECOND).failures == 6
    assert counter.count(policy=POLICY, at=last + DAY).failures == 1


def test_forgotten_failures_block_nobody() -> None:
    counter = replace(after_failures(20), blocked_until=NOON + 9 * DAY, expires_at=NOON)
    assert counter.count(policy=POLICY, at=NOON).blocked_until == NOON


@pytest.mark.parametrize("bucket", [NETWORK, DEVICE, ALL])
def test_a_success_is_as_if_it_had_not_been_counted(bucket: Bucket) -> None:
    before = after_failures(3, bucket)
    after = before.count(policy=POLICY, at=NOON).take_back()
    assert (after.failures, after.blocked_until) == (before.failures, before.blocked_until)


def test_a_success_after_many_failures_blocks_nobody_and_forgives_one() -> None:
    counter = after_failures(9)
    now = counter.blocked_until
    counter = counter.count(policy=POLICY, at=now).take_back()
    assert counter.failures == 9
    assert counter.count(policy=POLICY, at=now).failures == 10
    assert delay_after(counter, now) == 32 * SECOND


def test_a_success_at_the_hundredth_attempt_of_the_day_leaves_one_more() -> None:
    counter = after_failures(100, ALL).take_back()
    assert counter.count(policy=POLICY, at=NOON).failures == 100


def test_nothing_is_taken_back_from_nothing() -> None:
    assert a_fresh_counter().take_back().failures == 0


@given(st.lists(st.tuples(st.integers(0, 100_000), st.booleans()), max_size=60), st.sampled_from([NETWORK, DEVICE]))
def test_no_course_of_events_blocks_a_network_or_device_beyond_a_quarter_of_an_hour(
    course: list[tuple[int, bool]], bucket: Bucket
) -> None:
    now, counter = NOON, a_fresh_counter(bucket)
    for seconds, succeeds in course:
        now += seconds * SECOND
        with suppress(TooManyAttempts):
            counter = counter.count(policy=POLICY, at=now)
            counter = counter.take_back() if succeeds else counter
        assert counter.blocked_until - now <= 15 * MINUTE
        assert counter.failures >= 0


def test_a_patient_guesser_gets_a_hundred_and_a_few_guesses_a_day_from_one_network() -> None:
    counter, now, guesses = a_fresh_counter(), NOON, 0
    while now < NOON + DAY:
        counter = counter.count(policy=POLICY, at=now)
        guesses, now = guesses + 1, max(now, counter.blocked_until)
    assert 100 <= guesses <= 110


@given(st.uuids(), st.uuids(), st.integers(0, 2**32), st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001
def test_a_device_token_survives_being_packed_but_for_fractions_of_a_second(
    account_id: UUID, device_id: UUID, epoch: int, expires_at: datetime
) -> None:
    token = DeviceToken(
        account_id=AccountId(account_id),
        device_id=device_id,
        credentials_epoch=epoch,
        expires_at=expires_at.replace(tzinfo=UTC),
    )
    assert DeviceToken.unpack(token.pack()) == replace(token, expires_at=token.expires_at.replace(microsecond=0))
    assert len(token.pack()) == 48
