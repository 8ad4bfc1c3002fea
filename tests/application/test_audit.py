from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.ports.audit import EntryFilter
from domain.access import PermissionDenied
from domain.accounts import OperatorRequired
from domain.audit import AuditEntry, ChainId, Outcome
from tests.application.world import World
from tests.audit_trail import ACME, ADA, ANYTHING, GLOBEX, a_happening, broken, entries, happened, seal_all
from tests.builders import DAY, MINUTE, NOON


def exported(world: World, **of: datetime | UUID) -> list[list[AuditEntry]]:
    return list(world.export_audit(**of))  # type: ignore[arg-type]


def times(pages: list[list[AuditEntry]]) -> list[datetime]:
    return [entry.at for page in pages for entry in page]


@pytest.fixture
def trail(world: World) -> World:
    """Three entries of Acme and one of Globex, a minute apart, and a day has gone by."""
    for minute, organization in enumerate([ACME, GLOBEX, ACME, ACME]):
        happened(world.database.persistence, a_happening(at=NOON + minute * MINUTE, organization_id=organization))
    world.clock.advance(DAY)
    return world


def test_only_operators_read_the_trail_of_the_installation(trail: World) -> None:
    with pytest.raises(OperatorRequired):
        trail.list_all_audit_entries(principal=trail.somebody(), wanted=ANYTHING, limit=10, after=None)
    wanted = EntryFilter(action="role.changed")
    found, _ = trail.list_all_audit_entries(principal=trail.an_operator(), wanted=wanted, limit=10, after=None)
    assert [entry.at for entry in found] == [NOON + minute * MINUTE for minute in (3, 2, 1, 0)]


def test_a_member_needs_the_permission_and_sees_no_other_organization(world: World) -> None:
    owner = world.an_organization(name="Mine")
    world.an_organization("bob@example.com", name="Other")
    member = world.a_member(owner)
    found, _ = world.list_audit_entries(actor=owner, wanted=ANYTHING, limit=10, after=None)
    assert {entry.action for entry in found} >= {"organization.created", "member.added"}
    assert {entry.organization_id for entry in found} == {owner.organization_id}
    with pytest.raises(PermissionDenied):
        world.list_audit_entries(actor=member, wanted=ANYTHING, limit=10, after=None)


def test_an_export_is_oldest_first_in_pages_that_stay_small(trail: World) -> None:
    pages = exported(trail)
    assert times(pages) == [NOON + minute * MINUTE for minute in range(4)]
    assert [len(page) for page in pages] == [2, 2]


def test_an_export_reads_no_page_before_it_is_asked_for(trail: World) -> None:
    pages = trail.export_audit()
    trail.journal.clear()
    next(pages)
    assert trail.journal == ["audit.following"]


def test_an_export_is_of_an_organization_and_of_a_time(trail: World) -> None:
    assert times(exported(trail, organization_id=GLOBEX)) == [NOON + MINUTE]
    assert times(exported(trail, since=NOON + MINUTE, until=NOON + 3 * MINUTE)) == [NOON + MINUTE, NOON + 2 * MINUTE]
    assert times(exported(trail, organization_id=uuid4())) == []


def test_an_export_leaves_an_entry_where_those_concerned_see_it(trail: World) -> None:
    trail.export_audit(organization_id=ACME, since=NOON)
    entry = entries(trail.database.persistence, ChainId(ACME))[-1]
    assert (entry.action, entry.outcome, entry.actor_id, entry.target_id, entry.at) == (
        "export_audit",
        Outcome.SUCCEEDED,
        None,
        ACME,
        NOON + DAY,
    )
    assert entry.details == {"since": NOON.isoformat(), "until": None}


def test_an_export_of_everything_is_the_installations_business(trail: World) -> None:
    assert "export_audit" not in {entry.action for page in exported(trail) for entry in page}, "it is left out itself"
    [entry] = entries(trail.database.persistence, ChainId(UUID(int=0)))
    assert entry.action == "export_audit"
    trail.clock.advance(MINUTE)
    assert "export_audit" in {entry.action for page in exported(trail) for entry in page}, "of the next one it is part"


def test_an_end_in_the_future_is_now(trail: World) -> None:
    assert times(exported(trail, until=NOON + timedelta(days=999))) == times(exported(trail))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_what_is_personal_goes_in_batches_and_the_chain_stays_whole(world: World, count: int) -> None:
    database = world.database.persistence
    happened(database, *(a_happening(about=uuid4()) for _ in range(count)))
    heads = seal_all(database)
    assert world.erase_from_audit(account_id=ADA) == count
    kept = entries(database, ChainId(ACME))
    assert (len(kept), [entry for entry in kept if entry.personal]) == (count, [])
    seal_all(database)
    assert broken(database, *heads) == []


def test_an_erasure_leaves_one_entry_and_none_where_there_was_nothing(world: World) -> None:
    database = world.database.persistence
    happened(database, *(a_happening() for _ in range(5)))
    assert [world.erase_from_audit(account_id=ADA) for _ in range(2)] == [5, 0]
    [entry] = entries(database, ChainId(ADA))
    assert (entry.action, entry.actor_id, entry.target_id, entry.details) == (
        "erase_from_audit",
        None,
        ADA,
        {"entries": 5},
    )
