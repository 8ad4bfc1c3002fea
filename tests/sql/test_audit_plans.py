"""The audit trail grows for years: how PostgreSQL finds a page of it, on a table with many rows and by no hint."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from adapters.sql.database import SqlUnitOfWork
from adapters.sql.engine import gateway
from application.ports.audit import EntryFilter
from domain.audit import ChainId, earliest_id
from domain.kernel import AccountId
from tests.builders import DAY, MINUTE, NOON
from tests.postgres import server
from tests.sql.test_plans import Recorded, recording

MANY = 60_000
OF_ACME = ChainId(UUID(int=3))
FILL = f"""
INSERT INTO audit_entries
SELECT lpad(to_hex(n % 400), 32, '0')::uuid,
       (lpad(to_hex(:begin + n * 1000), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
       to_timestamp((:begin + n * 1000) / 1000.0), 'action.' || n % 1000, 'succeeded', NULL,
       lpad(to_hex(n % 1200), 32, '0')::uuid, NULL, NULL, lpad(to_hex(n % 6000), 32, '0')::uuid, NULL, '', '{{}}', NULL,
       CASE WHEN n < {MANY} - 100 THEN n END
FROM generate_series(1, {MANY}) n
"""  # noqa: S608 (constants)


@pytest.fixture(scope="module")
def filled_url() -> str:
    url = server().create_database()
    engine = gateway(url, pool_size=1, pool_timeout=1).engine
    with engine.begin() as connection:
        connection.execute(text(FILL), {"begin": earliest_id(NOON).int >> 80})
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE audit_entries")
    engine.dispose()
    return url


@pytest.fixture
def recorded(filled_url: str) -> Iterator[Recorded]:
    yield from recording(filled_url)


AFTER = str(earliest_id(NOON + 30_000 * MINUTE / 60))
FILTERS = {
    "everything": EntryFilter(),
    "actor": EntryFilter(actor_id=AccountId(UUID(int=3))),
    "action": EntryFilter(action="action.3"),
    "target": EntryFilter(target_id=UUID(int=3)),
    "time": EntryFilter(since=NOON + 100 * MINUTE, until=NOON + 900 * MINUTE),
    "actor since": EntryFilter(actor_id=AccountId(UUID(int=3)), since=NOON),
    "actor and action": EntryFilter(actor_id=AccountId(UUID(int=3)), action="action.3"),
    "of another time": EntryFilter(until=NOON - DAY),
}
INDEXED_BY = {
    "everything": {"id"},
    "actor": {"actor_id_id"},
    "action": {"action_id"},
    "target": {"target_id_id"},
    "time": {"id"},
    "actor since": {"actor_id_id"},
    "actor and action": {"actor_id_id", "action_id"},
    "of another time": {"id"},
}
PAGE = 50
IN_ORDER: dict[str, Any] = {"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off"}
"""What PostgreSQL would do anyhow once more than a page meets the filter."""


def indexes(asked: str, chain_id: ChainId | None) -> set[str]:
    """Those of all chains serve one chain as well, if what is asked for is rare in all of them."""
    of_all = {f"ix_audit_entries_{columns}" for columns in INDEXED_BY[asked]}
    of_a_chain = {"pk_audit_entries", *(f"ix_audit_entries_chain_id_{columns}" for columns in INDEXED_BY[asked])}
    if asked in {"everything", "time"} and chain_id:
        return of_a_chain
    return of_all | of_a_chain if chain_id else of_all


each_chain = pytest.mark.parametrize("chain_id", [OF_ACME, None], ids=["of a chain", "of all"])
each_place = pytest.mark.parametrize("after", [None, AFTER], ids=["newest", "further back"])
each_filter = pytest.mark.parametrize("asked", FILTERS)


@each_place
@each_chain
@each_filter
def test_a_page_is_read_in_the_order_of_its_index(
    recorded: Recorded, asked: str, chain_id: ChainId | None, after: str | None
) -> None:
    recorded.uow.audit.page(chain_id, FILTERS[asked], limit=PAGE, after=after)
    steps = recorded.plans(**IN_ORDER)
    assert [step["Node Type"] for step in steps] == ["Limit", "Index Scan"], steps
    assert steps[1]["Index Name"] in indexes(asked, chain_id)


@each_place
@each_chain
@each_filter
def test_a_page_costs_what_it_holds_and_not_what_the_trail_holds(
    recorded: Recorded, asked: str, chain_id: ChainId | None, after: str | None
) -> None:
    """Of whatever plan PostgreSQL chooses by itself: the rows that it looked at."""
    recorded.uow.audit.page(chain_id, FILTERS[asked], limit=PAGE, after=after)
    scans = [step for step in recorded.plans(analyze=True) if "Relation Name" in step]
    assert "Seq Scan" not in {step["Node Type"] for step in scans}
    looked_at = sum(step["Actual Rows"] + step.get("Rows Removed by Filter", 0) for step in scans)
    assert looked_at <= 4 * PAGE


@each_chain
def test_an_export_is_read_in_the_order_of_its_index(recorded: Recorded, chain_id: ChainId | None) -> None:
    recorded.uow.audit.following(chain_id, EntryFilter(since=NOON), after=None, limit=500)
    steps = recorded.plans(**IN_ORDER)
    assert [step["Node Type"] for step in steps] == ["Limit", "Index Scan"], steps
    assert steps[1]["Index Name"] in indexes("everything", chain_id)


CHAINS: dict[str, Callable[[SqlUnitOfWork], object]] = {
    "links": lambda uow: uow.chains.links(OF_ACME, after=7, limit=500),
    "unproved": lambda uow: uow.chains.unproved(OF_ACME, limit=1),
    "unsealed": lambda uow: uow.chains.unsealed(limit=500),
    "erased": lambda uow: uow.audit.erase(AccountId(UUID(int=3)), limit=500),
}


@pytest.mark.parametrize("call", CHAINS.values(), ids=CHAINS)
def test_no_chain_is_looked_for_in_all_of_the_trail(
    recorded: Recorded, call: Callable[[SqlUnitOfWork], object]
) -> None:
    call(recorded.uow)
    big = [step for step in recorded.plans() if step.get("Relation Name") == "audit_entries"]
    assert [step["Node Type"] for step in big if step["Node Type"] == "Seq Scan"] == []
