"""A `kill -9` between any two statements of a use case leaves state, event and audit entry, or none of them."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.environment import SystemClock, Uuid7Ids
from adapters.sql.database import SqlDatabase
from application.ports.audit import EntryFilter
from domain.accounts import Account
from domain.sessions import Session
from migrations.commands import upgrade
from tests.builders import DAY, a_session, an_active_account
from tests.e2e.installation import ROOT
from tests.e2e.mortal import ACTS
from tests.postgres import server as postgres

MOST = 50
"""More statements than any of the acts makes."""
TOLD = {
    "sign_out": Counter(["session.ended"]),
    "make_organization": Counter(["organization.created", "member.added"]),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is of somebody. Nobody places or seals it: no sequencer runs."""

    sessions: int
    organizations: int
    events: Counter[str]
    entries: Counter[str]
    personal: int


def look(database: SqlDatabase, account: Account) -> Seen:
    with database.autocommit() as reads:
        entries, _ = reads.audit.page(None, EntryFilter(actor_id=account.id), limit=100, after=None)
        about = {account.id, *(entry.organization_id for entry in entries)}
        return Seen(
            sessions=len(reads.sessions.page(account.id, limit=10, after=None, at=SystemClock().now())[0]),
            organizations=reads.memberships.count_owned(account.id),
            events=Counter(
                event.name
                for event in reads.outbox.unplaced(limit=10_000)
                if event.owner_id in about or str(account.id) in event.data.values()
            ),
            entries=Counter(entry.action for entry in entries),
            personal=sum(entry.personal is not None for entry in entries),
        )


def somebody(database: SqlDatabase) -> tuple[Account, Session]:
    """They have been there for long: that left no event."""
    now = SystemClock().now()
    account = an_active_account()
    session = a_session(account_id=account.id, idle_expires_at=now + DAY, expires_at=now + DAY)
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
        uow.sessions.add(session)
    return account, session


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return postgres().create_database()
    url = f"sqlite:///{tmp_path}/portico.sqlite3"
    upgrade(url)
    return url


@contextmanager
def mortals(url: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.mortal", url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait() == 0


def is_killed(process: subprocess.Popen[str], act: str, account: Account, session: Session, number: int) -> bool:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{act} {account.id} {session.id} {number}\n")
    process.stdin.flush()
    answer = process.stdout.readline().strip()
    assert answer in ("killed", "lived")
    return answer == "killed"


@pytest.mark.parametrize("act", ACTS)
def test_state_event_and_entry_are_all_there_or_all_absent(url: str, act: str) -> None:
    deaths = 0
    with closing(SqlDatabase(url, ids=Uuid7Ids())) as database, mortals(url) as process:
        for number in range(1, MOST):
            account, session = somebody(database)
            before = look(database, account)
            killed = is_killed(process, act, account, session, number)
            after = look(database, account)
            if not killed:
                break
            assert after == before, f"killed before statement {number}"
            deaths += 1
    # The change, what is recorded of it, the commit. PostgreSQL takes the events, the entries and what is personal of
    # them in one statement.
    assert deaths >= (5 if url.startswith("sqlite") else 3)
    assert (after.sessions, after.organizations) == ((0, 0) if act == "sign_out" else (1, 1))
    assert after.events == after.entries == TOLD[act]
    assert after.personal == TOLD[act].total()
