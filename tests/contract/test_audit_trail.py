from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.ports.audit import EntryFilter
from application.ports.unit_of_work import Persistence
from domain.audit import AuditEntry, ChainId, Occasion, Outcome
from domain.kernel import CursorInvalid
from tests.audit_trail import ACME, ADA, ANYTHING, BOB, CLIENT, GLOBEX, a_happening, an_occasion, entries, happened
from tests.builders import MINUTE, NOON
from tests.contract.given import NOT_A_CURSOR, pages

OF_ACME = ChainId(ACME)
TINY = timedelta(microseconds=1)


def page(
    database: Persistence, chain_id: ChainId | None = OF_ACME, *, limit: int = 100, after: str | None = None, **of: Any
) -> tuple[list[AuditEntry], str | None]:
    with database.autocommit() as reads:
        return reads.audit.page(chain_id, EntryFilter(**of), limit=limit, after=after)


def found(database: Persistence, chain_id: ChainId | None = OF_ACME, **of: Any) -> list[AuditEntry]:
    """By a page, newest first, and by what follows, oldest first: it must be the same."""
    newest_first, _ = page(database, chain_id, **of)
    with database.autocommit() as reads:
        oldest_first = reads.audit.following(chain_id, EntryFilter(**of), after=None, limit=100)
    assert oldest_first == newest_first[::-1]
    return oldest_first


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    happening, by = a_happening(), an_occasion()
    happened(database, happening, by=by)
    [entry] = found(database)
    expected = AuditEntry(
        chain_id=OF_ACME,
        id=entry.id,
        at=NOON,
        action="role.changed",
        outcome=Outcome.REFUSED,
        code="permission_denied",
        actor_id=ADA,
        principal_id=ADA,
        key_id=by.key_id,
        target_id=happening.target_id,
        organization_id=ACME,
        request_id="r-1",
        details=happening.details,
        personal_digest=entry.personal_digest,
    )
    assert entry == expected
    assert entry.digest == expected.digest
    assert entry.personal is not None
    assert (entry.personal.network, entry.personal.user_agent) == (CLIENT.network, CLIENT.user_agent)
    assert entry.personal.digest == entry.personal_digest


def test_what_the_installation_does_has_nobody_and_nothing_personal(database: Persistence) -> None:
    happened(database, a_happening(organization_id=None, about=None, details={}), by=Occasion())
    [entry] = found(database, None)
    assert (entry.actor_id, entry.personal_digest, entry.personal, entry.chain_id) == (None, None, None, UUID(int=0))


def test_each_filter_finds_its_own_in_a_chain_and_in_all(database: Persistence) -> None:
    target = uuid4()
    happened(database, a_happening(target_id=target), a_happening(organization_id=GLOBEX, target_id=target))
    happened(database, a_happening(action="role.made"), by=an_occasion(actor_id=BOB))
    for chain_id, others in ((OF_ACME, 0), (None, 1)):
        assert len(found(database, chain_id)) == 2 + others
        assert [entry.target_id for entry in found(database, chain_id, target_id=target)] == [target] * (1 + others)
        assert [entry.actor_id for entry in found(database, chain_id, actor_id=BOB)] == [BOB]
        assert [entry.action for entry in found(database, chain_id, action="role.made")] == ["role.made"]
        assert found(database, chain_id, actor_id=BOB, target_id=target) == []
    assert found(database, ChainId(uuid4())) == []


def test_since_is_included_and_until_is_not_to_the_microsecond(database: Persistence) -> None:
    times = [NOON - TINY, NOON, NOON + TINY, NOON + 999 * TINY, NOON + MINUTE]
    happened(database, *(a_happening(at=at) for at in times))

    def at(**of: Any) -> list[datetime]:
        return sorted(entry.at for entry in found(database, **of))

    assert at(since=NOON) == times[1:]
    assert at(since=NOON + TINY) == times[2:]
    assert at(until=NOON) == times[:1]
    assert at(until=NOON + TINY) == times[:2]
    assert at(since=NOON, until=NOON + MINUTE) == times[1:4]
    assert at(since=NOON + MINUTE, until=NOON) == []


@pytest.mark.parametrize("edge", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_any_time_can_be_asked_for(database: Persistence, edge: datetime) -> None:
    happened(database, a_happening())
    assert len(found(database, since=edge)) + len(found(database, until=edge)) == 1


def test_a_long_trail_comes_in_pages_and_each_entry_once(database: Persistence) -> None:
    happened(database, *(a_happening(at=NOON + number * MINUTE) for number in range(7)))
    read = pages(lambda after: page(database, limit=3, after=after))
    assert [len(each) for each in read] == [3, 3, 1]
    assert [entry.at for each in read for entry in each] == [NOON + number * MINUTE for number in reversed(range(7))]
    whole = entries(database)
    with database.autocommit() as reads:
        assert reads.audit.following(None, ANYTHING, after=whole[2].id, limit=3) == whole[3:6]
        assert reads.audit.following(OF_ACME, ANYTHING, after=whole[6].id, limit=3) == []


@pytest.mark.parametrize("cursor", NOT_A_CURSOR)
def test_what_is_no_cursor_is_refused(database: Persistence, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        page(database, after=cursor)


def test_erasing_an_account_leaves_its_entries_and_those_of_others(database: Persistence) -> None:
    happened(database, *(a_happening(at=NOON + number * MINUTE) for number in range(3)))
    happened(database, a_happening(at=NOON + 9 * MINUTE), by=an_occasion(actor_id=BOB))
    with database.unit_of_work() as uow:
        assert uow.audit.erase(ADA, limit=2) == 2
    assert [entry.personal is None for entry in entries(database)] == [True, True, False, False]
    with database.unit_of_work() as uow:
        assert [uow.audit.erase(ADA, limit=2) for _ in range(2)] == [1, 0]
    assert [entry.personal is None for entry in entries(database)] == [True, True, True, False]
