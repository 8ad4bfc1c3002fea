"""A process that is killed, without a word, just before one of the statements that a use case makes.

    python -m tests.e2e.mortal DATABASE_URL

reads lines from its standard input, each of which names an act, whose it is, and the number of the statement; each is
done by a process of its own, and answered with `killed` or, where there is no such statement, `lived`.
"""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from uuid import UUID

from sqlalchemy import Engine, event

from adapters.environment import SystemClock, Uuid7Ids
from adapters.sql.database import SqlDatabase
from application.occasion import occasioned
from application.organizations import MakeOrganization
from application.ports.unit_of_work import Begin
from application.sessions import SignOut
from domain.access import Principal
from domain.audit import Occasion
from domain.kernel import AccountId, SessionId
from domain.sessions import Client

ORGANIZATION = "A mortal organization"
CLIENT = Client(user_agent="a mortal", network="192.0.2.7/32")


def sign_out(begin: Begin, principal: Principal) -> None:
    SignOut(unit_of_work=begin, clock=SystemClock())(principal=principal)


def make_organization(begin: Begin, principal: Principal) -> None:
    make = MakeOrganization(unit_of_work=begin, most_owned=10, clock=SystemClock(), ids=Uuid7Ids())
    make(principal=principal, name=ORGANIZATION)


ACTS: dict[str, Callable[[Begin, Principal], None]] = {"sign_out": sign_out, "make_organization": make_organization}


def die_before(number: int) -> None:
    """From now on count whatever reaches the database, the commit included."""
    statements = count(1)

    def reached(*_: object) -> None:
        if next(statements) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", reached)
    event.listen(Engine, "commit", reached)


def act(url: str, name: str, account_id: UUID, session_id: UUID, number: int) -> None:
    database = SqlDatabase(url, ids=Uuid7Ids(), pool_size=2)
    with database.autocommit() as reads:
        found = reads.access.by_session(AccountId(account_id), SessionId(session_id))
    assert found
    principal = found[0].person()
    occasion = Occasion(actor_id=principal.account.id, client=CLIENT, request_id="mortal")
    die_before(number)
    with occasioned(occasion):
        ACTS[name](database.unit_of_work, principal)


def main() -> None:
    for line in sys.stdin:
        name, account_id, session_id, number = line.split()
        child = os.fork()  # of a process with one thread and no connection: it costs a few milliseconds
        if child == 0:
            act(sys.argv[1], name, UUID(account_id), UUID(session_id), int(number))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert is_killed or status == 0, f"it ended with {status}"
        sys.stdout.write("killed\n" if is_killed else "lived\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
