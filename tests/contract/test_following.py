"""Thirty-two write, sequencers come and go, and somebody follows the feed all the while."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import UUID, uuid4

from adapters.environment import Uuid7Ids
from adapters.security.seals import HmacSealer
from adapters.security.secret_keys import SecretKeys
from application.events import FollowEvents
from application.ports.environment import Clock
from application.ports.outbox import OutboxEvent
from application.ports.unit_of_work import Persistence, TransactionFailed
from application.retrying import Retrying
from application.sequencing import LEASE, Sequencer
from domain.access import Principal
from domain.accounts import Account
from domain.assurance import AssurancePolicy
from domain.kernel import ChangedMeanwhile
from tests.builders import NOON, a_session, an_active_account
from tests.contract.given import signed_up
from tests.contract.threads import MANY, PATIENCE

SAVES = 10
HASTE = 30
"""So many times faster than ours goes the clock of the sequencers: leases expire while a test can wait for it."""
SECRET = SecretKeys("a secret of the tests")

Change = tuple[UUID, int]
"""An aggregate and its version."""


class HastyClock(Clock):
    def __init__(self) -> None:
        self._begun = time.monotonic()

    def now(self) -> datetime:
        return NOON + (time.monotonic() - self._begun) * HASTE * (LEASE / LEASE.total_seconds())


class UnreliableSealer(HmacSealer):
    """One seal in fifty breaks the batch off in its middle; another outlasts the lease."""

    def __init__(self) -> None:
        super().__init__(SECRET)
        self._numbers = count(1)

    def seal(self, said: bytes) -> str:
        number = next(self._numbers)
        if number % 50 == 25:
            raise InterruptedError
        if number % 50 == 0:
            time.sleep(1.5 * LEASE.total_seconds() / HASTE)
        return super().seal(said)


@dataclass
class Follower:
    """Reads the feed in small pages and keeps, as a backend would, a cursor."""

    follow: FollowEvents
    operator: Principal
    cursor: str | None = None
    seen: list[OutboxEvent] = field(default_factory=list)

    def read(self) -> None:
        page = self.follow(reader=self.operator, after=self.cursor, limit=7)
        self.seen += page.events
        self.cursor = str(page.position)


def an_operator() -> Principal:
    account = an_active_account(is_operator=True, has_second_factor=True)
    return Principal(account=account, session=a_session(account_id=account.id, aal=2))


def sequencer(database: Persistence, sealer: HmacSealer, clock: Clock) -> Callable[[], object]:
    return Retrying(
        Sequencer(
            unit_of_work=database.unit_of_work,
            autocommit=database.autocommit,
            sealer=sealer,
            clock=clock,
            ids=Uuid7Ids(),
            holder=uuid4(),
            batch=20,
        )
    )


def write(database: Persistence, own: Account, shared: Account, number: int) -> list[Change]:
    """What was committed: some of it soon, some after a while, some of it with others on one aggregate; and some is
    taken back."""
    committed: list[Change] = []
    for save in range(SAVES):
        try:
            with database.unit_of_work() as uow:
                changed = [uow.accounts.get(own.id)]
                if save % 5 == 4:
                    changed.append(uow.accounts.lock(shared.id))
                for account in changed:
                    uow.accounts.save(account.rename(f"{number} {save}", at=NOON))
                if (number + save) % 8 == 0:
                    time.sleep(0.01)
                if save % 4 == 3:
                    raise InterruptedError
            committed += [(account.id, account.version + 1) for account in changed]
        except (InterruptedError, TransactionFailed):
            continue
    return committed


def test_whoever_follows_sees_each_committed_event_once_and_in_order_whatever_befalls_the_sequencers(
    database: Persistence,
) -> None:
    own, shared = [signed_up(database) for _ in range(MANY)], signed_up(database)
    clock, is_over = HastyClock(), threading.Event()
    sequencers = [sequencer(database, UnreliableSealer(), clock) for _ in range(3)]
    follower = Follower(FollowEvents(autocommit=database.autocommit, assurance=AssurancePolicy()), an_operator())

    def sequence(number: int) -> None:
        while not is_over.is_set():
            try:
                sequencers[number]()
            except (InterruptedError, ChangedMeanwhile):
                time.sleep(2 * LEASE.total_seconds() / HASTE)
            time.sleep(0.005)

    def follow() -> None:
        while not is_over.is_set():
            follower.read()

    with ThreadPoolExecutor(MANY + 4) as pool:
        try:
            background = [*(pool.submit(sequence, number) for number in range(3)), pool.submit(follow)]
            writers = [pool.submit(write, database, own[number], shared, number) for number in range(MANY)]
            committed = [change for writer in writers for change in writer.result(PATIENCE)]
            deadline = time.monotonic() + PATIENCE
            while len(follower.seen) < len(committed) and time.monotonic() < deadline:
                assert not any(job.done() for job in background), "a sequencer or the reader gave up"
                time.sleep(0.01)
            time.sleep(0.05)  # for what should not come
        finally:
            is_over.set()
        for job in background:
            job.result(PATIENCE)

    assert len(committed) > MANY * SAVES / 2
    assert sorted((event.aggregate_id, event.version) for event in follower.seen) == sorted(committed)
    versions = defaultdict(list)
    for event in follower.seen:
        versions[event.aggregate_id].append(event.version)
    assert all(each == sorted(each) for each in versions.values())
    assert [event.position for event in follower.seen] == list(range(1, len(committed) + 1))
    with database.autocommit() as reads:
        assert reads.outbox.unplaced(limit=1) == []
        assert reads.sequence.get().epoch > 1, "nobody ever took over"
