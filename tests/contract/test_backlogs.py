"""What waits, as who watches the installation sees it."""

from collections.abc import Callable
from uuid import UUID

import pytest

from application.ports.backlog import Backlog
from application.ports.unit_of_work import Persistence, UnitOfWork
from domain.accounts import Account
from domain.audit import Chain, Seal
from domain.kernel import AccountId, WebhookId
from tests.builders import HOUR, MINUTE, NOON, a_notice, a_waiting_delivery, an_address

Look = Callable[[UnitOfWork], Backlog]


def signed_up(database: Persistence, *minutes: int) -> None:
    """Somebody, so many minutes after noon, each in a transaction of its own."""
    for number in minutes:
        account = Account.register(
            id=AccountId(UUID(int=number + 1)),
            email=an_address(),
            display_name="",
            password_hash="$",
            verified=True,
            at=NOON + number * MINUTE,
        )
        with database.unit_of_work() as uow:
            uow.accounts.add(account)


def seen(database: Persistence, look: Look) -> Backlog:
    with database.autocommit() as reads:
        return look(reads)


LOOKS: dict[str, Look] = {
    "outbox": lambda uow: uow.outbox.backlog(),
    "audit": lambda uow: uow.chains.backlog(),
    "mail": lambda uow: uow.mail.backlog(),
    "lanes": lambda uow: uow.deliveries.backlog(),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_where_nothing_waits_nothing_is_old(database: Persistence, look: Look) -> None:
    assert seen(database, look) == Backlog()
    assert Backlog().age(NOON) == 0


@pytest.mark.parametrize("look", [LOOKS["outbox"], LOOKS["audit"]], ids=["outbox", "audit"])
def test_what_was_just_committed_waits_since_it_happened(database: Persistence, look: Look) -> None:
    signed_up(database, 2, 1, 3)
    backlog = seen(database, look)
    assert backlog == Backlog(3, NOON + MINUTE)
    assert backlog.age(NOON + HOUR) == 59 * 60


def test_an_event_with_a_place_waits_no_longer(database: Persistence) -> None:
    signed_up(database, 1, 2)
    with database.unit_of_work() as uow:
        first = next(event for event in uow.outbox.unplaced(limit=9) if event.at == NOON + MINUTE)
        uow.outbox.place({(first.owner_id, first.id): 1})
    assert seen(database, LOOKS["outbox"]) == Backlog(1, NOON + 2 * MINUTE)


def test_an_entry_with_a_seal_waits_no_longer(database: Persistence) -> None:
    signed_up(database, 1, 2)
    with database.unit_of_work() as uow:
        first = next(entry for entry in uow.chains.unsealed(limit=9) if entry.at == NOON + MINUTE)
        chain = Chain(id=first.chain_id)
        seal = Seal(chain_id=chain.id, position=1, entry_id=first.id, mac="mac")
        uow.chains.append([seal], [chain.advanced(seal)])
    assert seen(database, LOOKS["audit"]) == Backlog(1, NOON + 2 * MINUTE)


def test_mail_waits_from_when_it_is_due_and_is_not_late_before(database: Persistence) -> None:
    with database.unit_of_work() as uow:
        for number in (3, 1, 2):
            uow.mail.put(a_notice(due_at=NOON + number * MINUTE))
        uow.mail.put(a_notice(due_at=None))
    backlog = seen(database, LOOKS["mail"])
    assert backlog == Backlog(3, NOON + MINUTE)
    assert backlog.age(NOON) == 0
    assert backlog.age(NOON + 2 * MINUTE) == 60


def test_deliveries_wait_as_lanes_and_not_while_they_are_under_way(database: Persistence) -> None:
    place = {"owner_id": UUID(int=11), "endpoint_id": WebhookId(UUID(int=12))}
    lane, other = {**place, "aggregate_id": UUID(int=14)}, {**place, "aggregate_id": UUID(int=15)}
    with database.unit_of_work() as uow:
        uow.deliveries.queue(
            [
                a_waiting_delivery(position=1, created_at=NOON, **lane),
                a_waiting_delivery(position=2, created_at=NOON, **lane),
                a_waiting_delivery(position=3, created_at=NOON + MINUTE, **other),
            ]
        )
    assert seen(database, LOOKS["lanes"]) == Backlog(2, NOON)
    with database.unit_of_work() as uow:
        assert len(uow.deliveries.claim(limit=1, lease=HOUR, at=NOON)) == 1
    assert seen(database, LOOKS["lanes"]) == Backlog(2, NOON + MINUTE)


def test_the_pool_tells_of_what_is_in_use(database: Persistence) -> None:
    before = database.connections()
    with database.autocommit() as reads:
        reads.sequence.get()
        assert database.connections().in_use == before.in_use + (before.size > 0)
    assert database.connections() == before
