from dataclasses import replace
from uuid import uuid4

from application.ports.unit_of_work import Persistence
from domain.attempts import AttemptCounter, AttemptPolicy, Bucket
from domain.kernel import AddressDigest
from tests.builders import DAY, MINUTE, NOON, a_counter, an_address
from tests.contract.threads import MANY, at_once, tally

BUCKETS = (Bucket.all_networks(), Bucket.network("2001:db8::/64"))


def counted(database: Persistence, *counters: AttemptCounter) -> AttemptCounter:
    with database.unit_of_work() as uow:
        for counter in counters:
            uow.attempts.lock(counter.address_digest, [counter.bucket], at=NOON)
            uow.attempts.save([counter])
    return counters[0]


def stored(database: Persistence, digest: AddressDigest, *buckets: Bucket) -> list[AttemptCounter]:
    with database.unit_of_work() as uow:
        return uow.attempts.lock(digest, buckets, at=NOON)


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    counter = counted(database, a_counter())
    assert stored(database, counter.address_digest, counter.bucket) == [counter]


def test_where_there_was_none_the_counter_is_fresh(database: Persistence) -> None:
    digest = an_address().digest
    assert stored(database, digest, *BUCKETS) == [AttemptCounter.fresh(digest, bucket, at=NOON) for bucket in BUCKETS]


def test_counters_come_in_the_order_of_their_buckets(database: Persistence) -> None:
    counter = counted(database, a_counter(bucket=BUCKETS[1]))
    digest = counter.address_digest
    fresh = AttemptCounter.fresh(digest, BUCKETS[0], at=NOON)
    assert stored(database, digest, *BUCKETS) == [fresh, counter]
    assert stored(database, digest, *reversed(BUCKETS)) == [counter, fresh]


def test_each_address_and_bucket_is_counted_apart(database: Persistence) -> None:
    counter = counted(database, a_counter())
    other_address, other_bucket = an_address().digest, Bucket.device(uuid4())
    assert stored(database, other_address, counter.bucket)[0].failures == 0
    assert stored(database, counter.address_digest, other_bucket)[0].failures == 0


def test_what_a_refusal_locked_stays_as_it_was(database: Persistence) -> None:
    counter = counted(database, a_counter())
    assert stored(database, counter.address_digest, *BUCKETS)[1] == counter
    assert stored(database, counter.address_digest, *BUCKETS)[1] == counter


def test_an_address_is_forgotten_in_all_its_buckets(database: Persistence) -> None:
    counter, stranger = a_counter(), a_counter()
    other = a_counter(address_digest=counter.address_digest, bucket=BUCKETS[0])
    counted(database, counter, other, stranger)
    with database.unit_of_work() as uow:
        uow.attempts.forget(counter.address_digest)
    assert [c.failures for c in stored(database, counter.address_digest, *BUCKETS)] == [0, 0]
    assert stored(database, stranger.address_digest, stranger.bucket) == [stranger]


def test_of_many_attempts_at_once_none_is_lost(database: Persistence) -> None:
    policy = AttemptPolicy(failures_by_network=10 * MANY, failures_a_day=10 * MANY)
    digest = an_address().digest

    def attempt(number: int) -> None:
        # Half of them name the buckets the other way round: who locks as told would wait in a circle.
        buckets = BUCKETS if number % 2 else BUCKETS[::-1]
        with database.unit_of_work() as uow:
            counters = uow.attempts.lock(digest, buckets, at=NOON)
            uow.attempts.save([counter.count(policy=policy, at=NOON) for counter in counters])

    assert tally(at_once(attempt)) == {None: MANY}
    assert [counter.failures for counter in stored(database, digest, *BUCKETS)] == [MANY, MANY]


def test_counters_that_no_longer_count_are_swept_in_batches(database: Persistence) -> None:
    alive = a_counter(expires_at=NOON + MINUTE)
    counted(database, alive, *(a_counter(expires_at=NOON - n * DAY) for n in range(5)))
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.attempts.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert stored(database, alive.address_digest, alive.bucket) == [alive]


def test_the_longest_bucket_fits(database: Persistence) -> None:
    bucket = Bucket.network("ffff:ffff:ffff:ffff::/64")
    counter = counted(database, a_counter(bucket=bucket), replace(a_counter(), bucket=Bucket.device(uuid4())))
    assert stored(database, counter.address_digest, bucket) == [counter]
