from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.environment import Uuid7Ids
from adapters.memory.database import MemoryDatabase, Tables
from application.audit_verification import BrokenLink, Flaw, Walked
from domain.audit import INSTALLATION, ChainId, EntryId, Head, Outcome, checkpointed
from domain.kernel import AccountId
from tests.audit_trail import (
    ACME,
    ADA,
    GLOBEX,
    SEALER,
    a_happening,
    a_trail,
    broken,
    happened,
    seal_all,
    verification,
)
from tests.builders import MINUTE, NOON

OF_ACME, OF_GLOBEX, OF_ADA, NOBODYS = ChainId(ACME), ChainId(GLOBEX), ChainId(ADA), ChainId(INSTALLATION)
LENGTH = 6


class Open(MemoryDatabase):
    """One into which a test can reach."""

    def __init__(self) -> None:
        super().__init__(ids=Uuid7Ids(), tables=Tables())
        self.tables = Tables()

    def keep(self, tables: Tables) -> None:
        super().keep(tables)
        self.tables = tables


@pytest.fixture
def database() -> Open:
    return Open()


def remove(database: Open, chain_id: ChainId, through: int) -> None:
    """As retention does: entries, seals, and a proof that they may be missing."""
    tables = database.tables.copied()
    chain = tables.audit_chains[chain_id]
    for position in range(chain.checkpoint + 1, through + 1):
        seal = tables.audit_seals.pop((chain_id, position))
        del tables.audit_entries[chain_id, seal.entry_id]
    tables.audit_chains[chain_id] = replace(
        chain,
        checkpoint=through,
        checkpoint_mac=seal.mac,
        checkpoint_proof=SEALER.seal(checkpointed(chain_id, through, seal.mac)),
    )
    database.keep(tables)


def go_on(database: Open) -> None:
    happened(database, *(a_happening() for _ in range(5)))
    seal_all(database)


def walked(database: Open, *chains: ChainId, page: int = 2) -> list[Walked]:
    return list(verification(database, page=page)(chains=chains))


def ends(steps: list[Walked]) -> list[tuple[ChainId, int]]:
    return [(step.head.chain_id, step.head.position) for step in steps if step.head]


def test_an_untouched_trail_is_whole_and_its_heads_are_those_of_the_log(database: Open) -> None:
    heads = a_trail(database)
    steps = walked(database)
    assert {step.head for step in steps if step.head} == set(heads)
    assert [step.broken for step in steps if step.broken] == []
    assert sum(step.links for step in steps) == steps[0].total == 3 * LENGTH


def test_a_trail_is_walked_in_pages(database: Open) -> None:
    a_trail(database)
    assert max(step.links for step in walked(database, page=4)) == 4


def test_some_chains_can_be_asked_for(database: Open) -> None:
    a_trail(database)
    assert ends(walked(database, OF_ADA, OF_ADA)) == [(OF_ADA, LENGTH)]
    assert ends(walked(database, NOBODYS)) == [(NOBODYS, 0)], "which has not begun"


def test_what_waits_for_its_seal_breaks_nothing(database: Open) -> None:
    a_trail(database)
    happened(database, a_happening(at=NOON + MINUTE))
    assert broken(database) == []


def test_what_retention_removed_is_no_loss(database: Open) -> None:
    heads = a_trail(database)
    old = [database.tables.audit_seals[OF_ACME, position] for position in (2, 3)]
    remove(database, OF_ACME, 3)
    assert broken(database, *heads) == []
    assert walked(database)[0].total == 3 * LENGTH - 3
    assert broken(database, *(Head(OF_ACME, seal.position, seal.mac) for seal in old)) == []
    assert broken(database, Head(OF_ACME, 3, "another")) == [
        BrokenLink(chain_id=OF_ACME, position=3, flaw=Flaw.ANOTHER_SEAL)
    ]
    remove(database, OF_ACME, LENGTH)
    assert broken(database, *heads) == [], "though nothing is left of it"


@pytest.mark.parametrize(
    "forgery",
    [
        {"checkpoint": 4},
        {"checkpoint": 2},
        {"checkpoint": 0},
        {"checkpoint": -1},
        {"checkpoint_mac": "another"},
        {"checkpoint_proof": "another"},
        {"checkpoint": 0, "checkpoint_mac": "", "checkpoint_proof": ""},
    ],
)
def test_a_checkpoint_cannot_be_forged(database: Open, forgery: dict[str, object]) -> None:
    a_trail(database)
    remove(database, OF_ACME, 3)
    tables = database.tables.copied()
    tables.audit_chains[OF_ACME] = replace(tables.audit_chains[OF_ACME], **forgery)  # type: ignore[arg-type]
    database.keep(tables)
    assert [link.chain_id for link in broken(database)] == [OF_ACME]


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda database: remove(database, OF_ACME, 4),
        go_on,
    ],
    ids=["retention", "the sequencer"],
)
def test_what_is_removed_or_added_meanwhile_breaks_nothing(database: Open, meanwhile: Callable[[Open], object]) -> None:
    a_trail(database)
    steps = iter(verification(database)(chains=[OF_ACME]))
    found = [next(steps)]
    meanwhile(database)
    found += steps
    assert [step.broken for step in found if step.broken] == []
    assert found[-1].head == database.tables.audit_chains[OF_ACME].head


def test_one_broken_chain_hides_no_other(database: Open) -> None:
    a_trail(database)
    tables = database.tables.copied()
    for chain_id in (OF_ACME, OF_ADA):
        del tables.audit_seals[chain_id, 2]
    database.keep(tables)
    expected = [BrokenLink(chain_id=id, position=2, flaw=Flaw.SEAL_MISSING) for id in sorted([OF_ACME, OF_ADA])]
    assert broken(database) == expected
    assert ends(walked(database)) == [(OF_GLOBEX, LENGTH)]


# ---- whatever somebody does to the tables, it shows

Tamper = Callable[[Tables, ChainId, int], None]
"""With a link of a chain."""


def changes(**values: object) -> Tamper:
    def change(tables: Tables, chain_id: ChainId, position: int) -> None:
        key = chain_id, tables.audit_seals[chain_id, position].entry_id
        tables.audit_entries[key] = replace(tables.audit_entries[key], **values)  # type: ignore[arg-type]

    return change


def moves_the_entry(tables: Tables, chain_id: ChainId, position: int) -> None:
    entry = tables.audit_entries.pop((chain_id, tables.audit_seals[chain_id, position].entry_id))
    tables.audit_entries[NOBODYS, entry.id] = replace(entry, chain_id=NOBODYS)


def copies_the_entry(tables: Tables, chain_id: ChainId, position: int) -> None:
    entry = tables.audit_entries[chain_id, tables.audit_seals[chain_id, position].entry_id]
    id = EntryId(uuid4())
    tables.audit_entries[chain_id, id] = replace(entry, id=id)


def swaps_with_the_first(tables: Tables, chain_id: ChainId, position: int) -> None:
    one, other = tables.audit_seals[chain_id, 1], tables.audit_seals[chain_id, position]
    tables.audit_seals[chain_id, 1] = replace(other, position=1)
    tables.audit_seals[chain_id, position] = replace(one, position=position)


def cuts_off(tables: Tables, chain_id: ChainId, position: int) -> None:
    """From there on, and rewinds the head: nothing in the tables tells of it."""
    for place in range(position, LENGTH + 1):
        seal = tables.audit_seals.pop((chain_id, place))
        del tables.audit_entries[chain_id, seal.entry_id]
    before = tables.audit_seals.get((chain_id, position - 1))
    head = replace(tables.audit_chains[chain_id], position=position - 1, mac=before.mac if before else "")
    tables.audit_chains[chain_id] = head


def changes_the_seal(tables: Tables, chain_id: ChainId, position: int) -> None:
    seal = tables.audit_seals[chain_id, position]
    tables.audit_seals[chain_id, position] = replace(seal, mac=SEALER.seal(b"something else"))


def deletes_the_head(tables: Tables, chain_id: ChainId, position: int) -> None:
    del tables.audit_chains[chain_id]


def deletes_the_entry(tables: Tables, chain_id: ChainId, position: int) -> None:
    del tables.audit_entries[chain_id, tables.audit_seals[chain_id, position].entry_id]


def deletes_the_seal(tables: Tables, chain_id: ChainId, position: int) -> None:
    del tables.audit_seals[chain_id, position]


def changes_what_is_personal(tables: Tables, chain_id: ChainId, position: int) -> None:
    key = ADA, tables.audit_seals[chain_id, position].entry_id
    tables.audit_personal[key] = replace(tables.audit_personal[key], network="198.51.100.1/32")


def erases_what_is_personal(tables: Tables, chain_id: ChainId, position: int) -> None:
    del tables.audit_personal[ADA, tables.audit_seals[chain_id, position].entry_id]


TAMPER: list[Tamper] = [
    changes(at=NOON - MINUTE),
    changes(action="role.made"),
    changes(outcome=Outcome.SUCCEEDED),
    changes(code=None),
    changes(actor_id=AccountId(UUID(int=1))),
    changes(principal_id=None),
    changes(key_id=None),
    changes(target_id=UUID(int=1)),
    changes(organization_id=None),
    changes(request_id="r-2"),
    changes(details={"name": "bucher", "count": 3, "forced": False, "reason": None}),
    changes(details={"name": "bücher", "count": 3, "forced": None, "reason": None}),
    changes(personal_digest="0" * 64),
    changes(position=None),
    changes(position=LENGTH + 1),
    moves_the_entry,
    copies_the_entry,
    swaps_with_the_first,
    cuts_off,
    changes_the_seal,
    deletes_the_head,
    deletes_the_entry,
    deletes_the_seal,
    changes_what_is_personal,
    erases_what_is_personal,
]


@pytest.fixture(scope="module")
def trail() -> tuple[Tables, list[Head]]:
    database = Open()
    heads = a_trail(database)
    return database.tables, heads


def is_as_it_was(tables: Tables, before: Tables) -> bool:
    """But for what was erased, which may be."""
    return (
        tables.audit_entries == before.audit_entries
        and tables.audit_seals == before.audit_seals
        and tables.audit_chains == before.audit_chains
        and tables.audit_personal.items() <= before.audit_personal.items()
    )


LINK = st.tuples(st.sampled_from(TAMPER), st.sampled_from([OF_ACME, OF_GLOBEX, OF_ADA]), st.integers(1, LENGTH))


@given(st.lists(LINK, max_size=4))
def test_whatever_was_done_to_it_shows_and_nothing_else_does(
    trail: tuple[Tables, list[Head]], done: list[tuple[Tamper, ChainId, int]]
) -> None:
    before, heads = trail
    tables = before.copied()
    for tamper, chain_id, position in done:
        try:
            tamper(tables, chain_id, position)
        except KeyError:
            continue  # what it would change is gone already
    database = Open()
    database.keep(tables)
    assert (broken(database, *heads) == []) is is_as_it_was(tables, before)


@pytest.mark.parametrize("tamper", TAMPER)
def test_each_of_it_shows_by_itself(trail: tuple[Tables, list[Head]], tamper: Tamper) -> None:
    before, heads = trail
    tables = before.copied()
    tamper(tables, OF_ACME, 3)
    database = Open()
    database.keep(tables)
    assert {link.chain_id for link in broken(database, *heads)} - {NOBODYS} == (
        set() if tamper is erases_what_is_personal else {OF_ACME}
    )
