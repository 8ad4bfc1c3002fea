"""What a use case is told when the database fails, and what nobody is told."""

import sqlite3
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import psycopg2
import pytest

from adapters.environment import Uuid7Ids
from adapters.sql.database import SqlDatabase
from adapters.sql.failures import StatementFailed
from application.ports.unit_of_work import TransactionFailed, Unavailable
from domain.accounts import Account
from domain.sessions import Client, SessionPolicy
from tests.builders import NOON, a_session, an_account

SAFARI = Client(user_agent="Safari", network="192.0.2.1/32")


@pytest.fixture
def account(database: SqlDatabase) -> Account:
    return stored(database)


def stored(database: SqlDatabase) -> Account:
    account = an_account()
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
    return account


def end_all_connections(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_transaction_that_lost_its_connection_may_run_again(postgresql: SqlDatabase, postgresql_url: str) -> None:
    account = stored(postgresql)

    def lose_it_on_the_way() -> None:
        with postgresql.unit_of_work() as uow:
            uow.accounts.lock(account.id)
            end_all_connections(postgresql_url)
            uow.accounts.save(account.rename("Ada", at=NOON))

    with pytest.raises(TransactionFailed):
        lose_it_on_the_way()
    with postgresql.unit_of_work() as uow:
        assert uow.accounts.lock(account.id) == account


def test_a_read_that_met_a_dead_connection_may_run_again(postgresql: SqlDatabase, postgresql_url: str) -> None:
    account = stored(postgresql)
    end_all_connections(postgresql_url)
    with pytest.raises(TransactionFailed), postgresql.autocommit() as reads:
        reads.accounts.get(account.id)
    with postgresql.autocommit() as reads:
        assert reads.accounts.get(account.id) == account


def test_a_change_that_stood_alone_when_the_connection_died_may_have_happened(
    postgresql: SqlDatabase, postgresql_url: str
) -> None:
    account = stored(postgresql)
    session = a_session(account_id=account.id)
    end_all_connections(postgresql_url)
    with pytest.raises(Unavailable), postgresql.autocommit() as alone:
        alone.sessions.advance(account.id, session.id, generation=0, client=SAFARI, policy=SessionPolicy(), at=NOON)


def test_a_commit_that_lost_its_connection_may_have_happened(postgresql: SqlDatabase, postgresql_url: str) -> None:
    account = stored(postgresql)

    def lose_it_at_the_end() -> None:
        with postgresql.unit_of_work() as uow:
            uow.attempts.forget(account.email.digest)
            end_all_connections(postgresql_url)

    with pytest.raises(Unavailable):
        lose_it_at_the_end()


def test_a_deadlock_is_resolved_by_running_one_of_the_two_again(postgresql_url: str) -> None:
    with closing(SqlDatabase(postgresql_url, ids=Uuid7Ids(), pool_size=2)) as database:
        one, other = stored(database), stored(database)
        both_hold_one = Barrier(2, timeout=10)

        def lock(first: Account, second: Account) -> str:
            try:
                with database.unit_of_work() as uow:
                    uow.accounts.lock(first.id)
                    both_hold_one.wait()
                    uow.accounts.lock(second.id)
            except TransactionFailed as failure:
                return str(failure)
            return "committed"

        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(lock, (one, other), (other, one)))
        assert sorted(outcomes) == ["SQLSTATE 40P01", "committed"]


def test_who_waits_too_long_for_a_connection_is_told_so(postgresql: SqlDatabase) -> None:
    with postgresql.autocommit(), pytest.raises(Unavailable, match="in use"), postgresql.autocommit():
        pass


def test_a_database_out_of_reach_is_told_with_its_reason() -> None:
    with closing(SqlDatabase("postgresql://ada:secret@127.0.0.1:1/portico", ids=Uuid7Ids())) as nowhere:
        for attempt in (nowhere.unit_of_work, nowhere.autocommit):
            with pytest.raises(Unavailable, match="refused") as told, attempt() as uow:
                uow.signing_keys.all()
            assert "secret" not in "".join(traceback.format_exception(told.value))


def test_a_refused_statement_names_its_constraint_and_no_data(database: SqlDatabase, account: Account) -> None:
    again = an_account(id=account.id)
    broken = r"23505, constraint pk_accounts|SQLITE_CONSTRAINT"
    with pytest.raises(StatementFailed, match=broken) as told, database.unit_of_work() as uow:
        uow.accounts.add(again)
    log = "".join(traceback.format_exception(told.value))
    assert "in add" in log
    for secret in (str(account.id), account.id.hex, again.email.value, again.password_hash):
        assert secret not in log


def test_a_session_needs_its_account(database: SqlDatabase) -> None:
    with pytest.raises(StatementFailed), database.unit_of_work() as uow:
        uow.sessions.add(a_session())


@pytest.fixture
def another_process(sqlite_url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        yield connection


def test_on_sqlite_what_another_process_holds_up_too_long_may_run_again(
    sqlite: SqlDatabase, another_process: sqlite3.Connection
) -> None:
    account = stored(sqlite)
    another_process.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransactionFailed, match="SQLITE_BUSY"), sqlite.unit_of_work():
        pass
    with pytest.raises(TransactionFailed, match="SQLITE_BUSY"), sqlite.autocommit() as alone:
        alone.attempts.forget(account.email.digest)
    with sqlite.autocommit() as reads:
        assert reads.accounts.get(account.id) == account
    another_process.execute("ROLLBACK")
    with sqlite.unit_of_work() as uow:
        uow.accounts.lock(account.id)


def test_on_sqlite_whoever_waits_too_long_for_a_turn_to_write_may_run_again(sqlite_url: str) -> None:
    """The turn belongs to the file: two adapters of one process share it."""
    one = SqlDatabase(sqlite_url, ids=Uuid7Ids())
    other = SqlDatabase(sqlite_url, ids=Uuid7Ids(), pool_timeout=0.1)
    with closing(one), closing(other):
        account = stored(one)
        with one.unit_of_work():
            with pytest.raises(TransactionFailed, match="writing"), other.unit_of_work():
                pass
            with pytest.raises(TransactionFailed, match="writing"), other.autocommit() as alone:
                alone.attempts.forget(account.email.digest)
            with other.autocommit() as reads:
                assert reads.accounts.get(account.id) == account
        with other.unit_of_work() as uow:
            uow.accounts.lock(account.id)
