from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from adapters.memory import MemoryDatabase
from adapters.security.seals import HmacSealer
from adapters.security.secret_keys import SecretKeys
from application.ports.environment import Ids
from application.ports.outbox import OutboxEvent
from application.sequencing import LEASE, Sequencer
from domain.accounts import Account
from domain.kernel import AccountId
from domain.sequence import Sequence
from tests.application.fakes import Journal, Watched
from tests.builders import NOON, FixedClock, an_active_account

ONE, OTHER = UUID(int=1), UUID(int=2)
MOMENT = timedelta(microseconds=1)
ALL = 1000
SECRET = SecretKeys("a secret of the tests")


class BackwardIds(Ids):
    """Each is below the one before: as if by processes whose clocks disagree."""

    def __init__(self) -> None:
        self._next = 2**100

    def new(self) -> UUID:
        self._next -= 1
        return UUID(int=self._next)


class Installation:
    """A database on which several processes work."""

    def __init__(self) -> None:
        self.journal: Journal = []
        self.clock = FixedClock()
        self.database = Watched(MemoryDatabase(ids=BackwardIds()), self.journal)

    def process(self, holder: UUID = ONE, *, batch: int = ALL) -> Sequencer:
        return Sequencer(
            unit_of_work=self.database.unit_of_work,
            autocommit=self.database.autocommit,
            sealer=HmacSealer(SECRET),
            clock=self.clock,
            holder=holder,
            batch=batch,
        )

    def account(self, *, renamed: int, id: int = 7) -> Account:
        account = an_active_account(id=AccountId(UUID(int=id)))
        with self.database.unit_of_work() as uow:
            uow.accounts.add(account)
        self.rename(account, times=renamed)
        return account

    def rename(self, account: Account, *, times: int = 1) -> None:
        for _ in range(times):
            with self.database.unit_of_work() as uow:
                present = uow.accounts.get(account.id)
                uow.accounts.save(present.rename(f"Ada {present.version}", at=NOON))

    @property
    def feed(self) -> list[OutboxEvent]:
        with self.database.autocommit() as reads:
            return reads.outbox.feed(after=0, limit=ALL)

    @property
    def sequence(self) -> Sequence:
        with self.database.autocommit() as reads:
            return reads.sequence.get()

    @contextmanager
    def work(self) -> Iterator[Journal]:
        done: Journal = []
        before = len(self.journal)
        yield done
        done += self.journal[before:]


@pytest.fixture
def installation() -> Installation:
    return Installation()


def test_what_was_committed_gets_its_place(installation: Installation) -> None:
    installation.account(renamed=3)
    done = installation.process()()
    assert done
    assert (done.events, done.position, done.epoch, done.is_more) == (3, 3, 1, False)
    assert [event.position for event in installation.feed] == [1, 2, 3]


def test_nothing_is_written_while_nothing_waits(installation: Installation) -> None:
    installation.account(renamed=1)
    sequence = installation.process()
    assert sequence()
    with installation.work() as done:
        assert sequence() is None
    assert done == ["outbox.unplaced", "chains.unsealed"]


def test_each_batch_renews_the_lease_before_it_reads_what_waits(installation: Installation) -> None:
    installation.account(renamed=1)
    with installation.work() as done:
        installation.process()()
    begun = done.index("begin")
    assert done[begun + 1] == "sequence.take"
    assert done[-2:] == ["sequence.advance", "commit"]


def test_the_lease_lasts_from_the_last_batch_on(installation: Installation) -> None:
    account = installation.account(renamed=1)
    sequence = installation.process(ONE)
    sequence()
    installation.clock.advance(LEASE - MOMENT)
    installation.rename(account)
    assert sequence()
    assert installation.sequence.expires_at == installation.clock.now() + LEASE
    assert installation.sequence.epoch == 1


def test_while_one_is_at_work_the_others_write_nothing(installation: Installation) -> None:
    account = installation.account(renamed=1)
    installation.process(ONE)()
    installation.rename(account)
    installation.clock.advance(LEASE - MOMENT)
    before = installation.sequence
    assert installation.process(OTHER)() is None
    assert (installation.sequence, len(installation.feed)) == (before, 1)


def test_another_takes_over_when_the_lease_is_over_and_begins_an_epoch(installation: Installation) -> None:
    account = installation.account(renamed=1)
    installation.process(ONE)()
    installation.rename(account)
    installation.clock.advance(LEASE)
    done = installation.process(OTHER)()
    assert done
    assert (done.epoch, done.position) == (2, 2)
    assert [event.position for event in installation.feed] == [1, 2]


def test_one_that_slept_and_woke_writes_nothing(installation: Installation) -> None:
    account = installation.account(renamed=1)
    sleeper, other = installation.process(ONE), installation.process(OTHER)
    sleeper()
    installation.clock.advance(LEASE)
    installation.rename(account)
    other()
    installation.rename(account)
    before = installation.sequence
    assert sleeper() is None
    assert (installation.sequence, [event.version for event in installation.feed]) == (before, [1, 2])


def test_one_that_slept_takes_its_turn_again_after_the_other(installation: Installation) -> None:
    account = installation.account(renamed=1)
    for holder, epoch in ((ONE, 1), (OTHER, 2), (ONE, 3), (OTHER, 4)):
        done = installation.process(holder)()
        assert done
        assert done.epoch == epoch
        installation.clock.advance(LEASE)
        installation.rename(account)


def test_events_of_an_aggregate_come_by_version_whatever_their_ids_say(installation: Installation) -> None:
    one, other = installation.account(renamed=4, id=1), installation.account(renamed=4, id=2)
    installation.process()()
    assert [event.id for event in installation.feed] != sorted(event.id for event in installation.feed)
    for account in (one, other):
        assert [e.version for e in installation.feed if e.aggregate_id == account.id] == [1, 2, 3, 4]


def test_what_waits_for_longer_than_a_batch_comes_in_several_and_in_order(installation: Installation) -> None:
    for id in range(1, 4):
        installation.account(renamed=4, id=id)
    sequence = installation.process(batch=5)
    batches = [sequence() for _ in range(4)]
    assert [batch and (batch.events, batch.position, batch.is_more) for batch in batches] == [
        (5, 5, True),
        (5, 10, True),
        (2, 12, False),
        None,
    ]
    assert [event.position for event in installation.feed] == list(range(1, 13))
    for id in range(1, 4):
        assert [e.version for e in installation.feed if e.aggregate_id.int == id] == [1, 2, 3, 4]


class StoppingSealer(HmacSealer):
    def seal(self, said: bytes) -> str:
        raise InterruptedError


def test_a_batch_that_fails_leaves_nothing_and_the_next_one_begins_where_it_did(installation: Installation) -> None:
    installation.account(renamed=2)
    with pytest.raises(InterruptedError):
        replace(installation.process(ONE), sealer=StoppingSealer(SECRET))()
    assert (installation.feed, installation.sequence) == ([], Sequence())
    installation.process(OTHER)()
    assert [(event.position, event.version) for event in installation.feed] == [(1, 1), (2, 2)]
