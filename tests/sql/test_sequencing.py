"""What only a real PostgreSQL shows: who waits for whom, and what becomes of a sequencer that stops in the middle."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from adapters.environment import Uuid7Ids
from adapters.security.seals import HmacSealer
from adapters.security.secret_keys import SecretKeys
from adapters.sql.database import SqlDatabase
from application.ports.unit_of_work import TransactionFailed
from application.sequencing import Sequencer
from domain.accounts import Account
from tests.builders import NOON, FixedClock, an_active_account
from tests.contract.given import signed_up
from tests.contract.threads import begun, in_another_thread
from tests.postgres import server

SECRET = SecretKeys("a secret of the tests")
ONE, OTHER = UUID(int=1), UUID(int=2)
LEASE = timedelta(seconds=0.3)


@pytest.fixture
def database() -> Iterator[SqlDatabase]:
    with closing(SqlDatabase(server().create_database(), ids=Uuid7Ids(), pool_size=4, pool_timeout=1)) as database:
        yield database


class PausingSealer(HmacSealer):
    """Stops in the middle of a batch until it is told to go on."""

    def __init__(self) -> None:
        super().__init__(SECRET)
        self.has_stopped, self.may_go_on = threading.Event(), threading.Event()

    def seal(self, said: bytes) -> str:
        self.has_stopped.set()
        assert self.may_go_on.wait(10)
        return super().seal(said)


def sequencer(database: SqlDatabase, sealer: HmacSealer, holder: UUID = ONE) -> Sequencer:
    return Sequencer(
        unit_of_work=database.unit_of_work,
        autocommit=database.autocommit,
        sealer=sealer,
        clock=FixedClock(),
        holder=holder,
    )


def renaming(database: SqlDatabase, account: Account) -> Callable[[], None]:
    def rename() -> None:
        with database.unit_of_work() as uow:
            present = uow.accounts.get(account.id)
            uow.accounts.save(present.rename(f"Ada {present.version}", at=NOON))

    return rename


def test_no_writer_waits_for_the_sequencer_nor_it_for_a_writer(database: SqlDatabase) -> None:
    account, sealer = signed_up(database), PausingSealer()
    rename = renaming(database, account)
    rename()
    batch = begun(lambda: sequencer(database, sealer)())
    assert sealer.has_stopped.wait(10)
    in_another_thread(rename)  # the same aggregate, whose last event is being placed
    in_another_thread(lambda: signed_up(database))

    with database.unit_of_work() as uow:
        uow.accounts.save(uow.accounts.get(account.id).rename("A long transaction", at=NOON))
        sealer.may_go_on.set()
        done = batch.result(10)
    assert done
    assert done.events == 1
    later = sequencer(database, sealer)()
    assert later
    assert (later.events, later.position, later.epoch) == (2, 3, 1)


def test_of_two_that_race_the_second_waits_for_the_first_and_finds_its_lease(database: SqlDatabase) -> None:
    sealer = PausingSealer()
    renaming(database, signed_up(database))()
    first = begun(lambda: sequencer(database, sealer)())
    assert sealer.has_stopped.wait(10)
    second = begun(lambda: sequencer(database, HmacSealer(SECRET), OTHER)())
    with pytest.raises(TimeoutError):
        second.result(0.3)
    sealer.may_go_on.set()
    assert first.result(10)
    assert second.result(10) is None
    with database.autocommit() as reads:
        assert (reads.sequence.get().holder, reads.sequence.get().epoch) == (ONE, 1)


def test_one_that_stops_in_the_middle_is_ended_by_the_server_and_writes_nothing(database: SqlDatabase) -> None:
    renaming(database, signed_up(database))()
    is_over = threading.Event()

    def stop_in_the_middle() -> None:
        with database.unit_of_work() as uow:
            assert uow.sequence.take(ONE, lease=LEASE, at=NOON)
            [event] = uow.outbox.unplaced(limit=1)
            assert is_over.wait(10)
            uow.outbox.place({(event.owner_id, event.id): 1})

    stopped = begun(stop_in_the_middle)
    time.sleep(LEASE.total_seconds() / 3)

    def take_over() -> int:
        with database.unit_of_work() as uow:
            taken = uow.sequence.take(OTHER, lease=LEASE, at=NOON)
            assert taken
            return taken.epoch

    begun_at = time.monotonic()
    assert in_another_thread(take_over) == 1, "what the first one took was never committed"
    assert time.monotonic() - begun_at < 5
    is_over.set()
    with pytest.raises(TransactionFailed):
        stopped.result(10)
    with database.autocommit() as reads:
        assert reads.sequence.get().holder == OTHER
        assert len(reads.outbox.unplaced(limit=10)) == 1


def test_the_server_is_as_patient_as_before_with_whoever_uses_the_connection_next() -> None:
    with closing(SqlDatabase(server().create_database(), ids=Uuid7Ids(), pool_size=1, pool_timeout=1)) as database:
        with database.unit_of_work() as uow:
            uow.sequence.take(uuid4(), lease=LEASE, at=NOON)
        with database.unit_of_work() as uow:
            uow.accounts.add(an_active_account())
            time.sleep(2 * LEASE.total_seconds())
            uow.accounts.add(an_active_account())
