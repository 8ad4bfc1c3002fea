"""What whoever can write to the database, and has no key, tries with the audit trail; and what `portico audit verify`
says to it."""

# ruff: noqa: S608 (an attacker's SQL, made of constants)

from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from adapters.environment import Uuid7Ids
from adapters.sql.audit import AuditEntryRow
from adapters.sql.database import SqlDatabase
from adapters.sql.engine import parsed
from application.audit_verification import Flaw
from domain.audit import AuditEntry, ChainId, Head
from tests.audit_trail import ACME, ADA, GLOBEX, a_happening, a_trail, broken, entries, happened, seal_all
from tests.postgres import wipe

OF_ACME, OF_GLOBEX, OF_ADA = ChainId(ACME), ChainId(GLOBEX), ChainId(ADA)


class Attacker:
    """Has the tables, by SQL, and nothing else."""

    def __init__(self, url: str, database: SqlDatabase) -> None:
        self.database = database
        self.is_sqlite = url.startswith("sqlite")
        self.heads = a_trail(database)
        self.trail = entries(database, OF_ACME)
        self._engine = create_engine(parsed(url))

    def does(self, *statements: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            for statement in statements:
                self._do(connection, statement, values)

    def _do(self, connection: Connection, statement: str, values: dict[str, Any]) -> None:
        names = {name: value for name, value in values.items() if f":{name}" in statement}
        assert connection.execute(text(statement), names).rowcount > 0, "it met nothing"

    def keeps(self, entry: AuditEntry) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE IF EXISTS kept")
            which = f"SELECT * FROM audit_entries WHERE id = '{self.id(entry.id)}'"
            connection.exec_driver_sql(f"CREATE TABLE kept AS {which}")

    def id(self, value: object) -> str:
        """As the database at hand writes it."""
        return str(value).replace("-", "") if self.is_sqlite else str(value)

    def entry(self, position: int) -> AuditEntry:
        return self.trail[position - 1]

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    chosen: str = request.getfixturevalue(f"{request.param}_url")
    return chosen


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "attacker" in metafunc.fixturenames:
        metafunc.parametrize("url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def attacker(url: str) -> Any:
    if not url.startswith("sqlite"):
        wipe(url)
    database = SqlDatabase(url, ids=Uuid7Ids())
    attacker = Attacker(url, database)
    assert broken(database, *attacker.heads) == []
    yield attacker
    attacker.close()
    database.close()


def found(attacker: Attacker, *heads: Head) -> list[tuple[ChainId, int, Flaw]]:
    return [(each.chain_id, each.position, each.flaw) for each in broken(attacker.database, *heads)]


THIS_ENTRY = "chain_id = :chain AND id = :entry"


def at(attacker: Attacker, position: int, chain: ChainId = OF_ACME) -> dict[str, str]:
    return {"chain": attacker.id(chain), "entry": attacker.id(attacker.entry(position).id)}


CHANGES = {
    "at": "'2020-01-01T00:00:00.000000+00:00'",
    "action": "'role.made'",
    "outcome": "'succeeded'",
    "code": "NULL",
    "actor_id": ":other",
    "principal_id": ":other",
    "key_id": "NULL",
    "target_id": ":other",
    "organization_id": "NULL",
    "request_id": "'r-2'",
    "details": "'{}'",
    "personal_digest": "NULL",
    "position": "NULL",
}


@pytest.mark.parametrize("column", CHANGES)
def test_no_column_of_an_entry_can_be_changed(attacker: Attacker, column: str) -> None:
    value = CHANGES[column]
    attacker.does(
        f"UPDATE audit_entries SET {column} = {value} WHERE {THIS_ENTRY}",
        other=attacker.id(attacker.entry(1).target_id),
        **at(attacker, 3),
    )
    [(chain, position, _)] = found(attacker)
    assert (chain, position) == (OF_ACME, 3)


def test_every_column_is_tried() -> None:
    keys = {"chain_id", "id"}  # each of which has a test of its own
    assert CHANGES.keys() | keys == set(AuditEntryRow.__table__.columns.keys())


@pytest.mark.parametrize(
    ("column", "nonsense"),
    [
        ("outcome", "'?'"),
        ("details", "'[1]'"),
        ("details", "'{'"),
        ("details", '\'{"name": "\\ud800"}\''),
        ("at", "'then'"),
        ("actor_id", "'nobody'"),
    ],
)
def test_what_cannot_even_be_read_is_named_too(attacker: Attacker, column: str, nonsense: str) -> None:
    tampering = f"UPDATE audit_entries SET {column} = {nonsense} WHERE {THIS_ENTRY}"
    if not attacker.is_sqlite and nonsense not in {"'?'", "'[1]'"}:
        with pytest.raises(DBAPIError):  # PostgreSQL keeps no such thing
            attacker.does(tampering, **at(attacker, 3))
        return
    attacker.does(tampering, **at(attacker, 3))
    [(chain, position, _)] = found(attacker)
    assert (chain, position) == (OF_ACME, 3)


def test_two_entries_cannot_be_swapped(attacker: Attacker) -> None:
    """Their ids with one another, so that each lies under the other's seal."""
    one, other = attacker.id(attacker.entry(2).id), attacker.id(attacker.entry(4).id)
    set_id = "UPDATE audit_entries SET id = :to WHERE id = :now"
    for now, to in ((one, "0" * 32), (other, one), ("0" * 32, other)):
        attacker.does(set_id, now=now, to=to)
    assert found(attacker) == [(OF_ACME, 2, Flaw.ENTRY_ELSEWHERE)]
    for id, position in ((one, 2), (other, 4)):
        attacker.does("UPDATE audit_entries SET position = :position WHERE id = :id", id=id, position=position)
    assert found(attacker) == [(OF_ACME, 2, Flaw.SEAL_DOES_NOT_FIT)]


def test_two_seals_cannot_be_swapped(attacker: Attacker) -> None:
    move = "UPDATE audit_seals SET position = :to WHERE chain_id = :chain AND position = :now"
    for now, to in ((2, 99), (4, 2), (99, 4)):
        attacker.does(move, now=now, to=to, chain=attacker.id(OF_ACME))
    assert found(attacker) == [(OF_ACME, 2, Flaw.ENTRY_ELSEWHERE)]


DELETE_ENTRY = f"DELETE FROM audit_entries WHERE {THIS_ENTRY}"
DELETE_SEAL = "DELETE FROM audit_seals WHERE chain_id = :chain AND entry_id = :entry"


def test_none_in_the_middle_can_be_deleted(attacker: Attacker) -> None:
    attacker.does(DELETE_ENTRY, **at(attacker, 3))
    assert found(attacker) == [(OF_ACME, 3, Flaw.ENTRY_GONE)]
    attacker.does(DELETE_SEAL, **at(attacker, 3))
    assert found(attacker) == [(OF_ACME, 3, Flaw.SEAL_MISSING)]
    renumber = "position = position - 1 WHERE chain_id = :chain AND position > 3"
    for position in (4, 5, 6):  # one by one: SQLite minds the order
        attacker.does(f"UPDATE audit_seals SET {renumber} AND position = {position}", chain=attacker.id(OF_ACME))
    attacker.does(f"UPDATE audit_entries SET {renumber}", chain=attacker.id(OF_ACME))
    assert found(attacker) == [(OF_ACME, 3, Flaw.SEAL_DOES_NOT_FIT)]


def test_the_first_cannot_be_deleted(attacker: Attacker) -> None:
    attacker.does(DELETE_ENTRY, DELETE_SEAL, **at(attacker, 1))
    assert found(attacker) == [(OF_ACME, 1, Flaw.SEAL_MISSING)]


def test_the_first_cannot_be_passed_off_as_removed_by_retention(attacker: Attacker) -> None:
    attacker.does(DELETE_ENTRY, DELETE_SEAL, **at(attacker, 1))
    checkpoint = "UPDATE audit_chains SET checkpoint = 1, checkpoint_mac = 'mac', checkpoint_proof = :proof"
    attacker.does(f"{checkpoint} WHERE id = :chain", chain=attacker.id(OF_ACME), proof=attacker.heads[0].mac)
    assert found(attacker) == [(OF_ACME, 1, Flaw.CHECKPOINT_FORGED)]


def cut_off(attacker: Attacker) -> None:
    for position in (5, 6):
        attacker.does(DELETE_ENTRY, DELETE_SEAL, **at(attacker, position))


def test_the_end_cannot_be_cut_off(attacker: Attacker) -> None:
    cut_off(attacker)
    assert found(attacker) == [(OF_ACME, 5, Flaw.END_CUT_OFF)]


REWIND = """
UPDATE audit_chains SET position = 4, mac = (SELECT mac FROM audit_seals WHERE chain_id = :chain AND position = 4)
WHERE id = :chain
"""


def test_only_a_logged_head_shows_that_the_end_was_cut_off_with_its_head(attacker: Attacker) -> None:
    cut_off(attacker)
    attacker.does(REWIND, chain=attacker.id(OF_ACME))
    assert found(attacker) == []
    assert found(attacker, *attacker.heads) == [(OF_ACME, 4, Flaw.LOGGED_BUT_GONE)]
    happened(attacker.database, *(a_happening() for _ in range(3)))
    seal_all(attacker.database)
    assert found(attacker, *attacker.heads) == [(OF_ACME, 6, Flaw.ANOTHER_SEAL)], "nor does it help to write new ones"


def test_only_a_logged_head_shows_that_a_chain_is_gone_altogether(attacker: Attacker) -> None:
    for table, column in (("audit_entries", "chain_id"), ("audit_seals", "chain_id"), ("audit_chains", "id")):
        attacker.does(f"DELETE FROM {table} WHERE {column} = :chain", chain=attacker.id(OF_ACME))
    assert found(attacker) == []
    assert found(attacker, *attacker.heads) == [(OF_ACME, 0, Flaw.LOGGED_BUT_GONE)]


def test_a_head_can_be_neither_rewound_nor_forged_nor_deleted(attacker: Attacker) -> None:
    chain = attacker.id(OF_ACME)
    attacker.does("UPDATE audit_chains SET mac = 'another' WHERE id = :chain", chain=chain)
    assert found(attacker) == [(OF_ACME, 6, Flaw.HEAD_CHANGED)]
    attacker.does(REWIND, chain=chain)
    assert found(attacker) == [(OF_ACME, 5, Flaw.HEAD_BEHIND)]
    attacker.does("DELETE FROM audit_chains WHERE id = :chain", chain=chain)
    assert found(attacker) == [(OF_ACME, 1, Flaw.HEAD_BEHIND)]


def test_an_entry_cannot_be_moved_to_another_chain(attacker: Attacker) -> None:
    to = "UPDATE audit_entries SET chain_id = :to WHERE chain_id = :chain AND id = :entry"
    attacker.does(to, to=attacker.id(OF_GLOBEX), **at(attacker, 3))
    assert sorted(found(attacker)) == sorted([(OF_ACME, 3, Flaw.ENTRY_GONE), (OF_GLOBEX, 3, Flaw.NEVER_SEALED)])


def test_an_entry_cannot_be_moved_with_its_seal_and_place(attacker: Attacker) -> None:
    """To the end of another chain, which goes on there as if it had always done."""
    values = {**at(attacker, 6), "to": attacker.id(OF_GLOBEX)}
    attacker.does(
        "UPDATE audit_entries SET chain_id = :to, position = 7 WHERE chain_id = :chain AND id = :entry",
        "UPDATE audit_seals SET chain_id = :to, position = 7 WHERE chain_id = :chain AND entry_id = :entry",
        "UPDATE audit_chains SET position = 7 WHERE id = :to",
        "UPDATE audit_chains SET position = 5 WHERE id = :chain",
        **values,
    )
    assert sorted(found(attacker)) == sorted([(OF_ACME, 5, Flaw.HEAD_CHANGED), (OF_GLOBEX, 7, Flaw.SEAL_DOES_NOT_FIT)])


@pytest.mark.parametrize("change", ["mac = 'AAAA'", "mac = ''", "entry_id = :other"])
def test_no_seal_can_be_changed(attacker: Attacker, change: str) -> None:
    third = f"UPDATE audit_seals SET {change} WHERE chain_id = :chain AND position = 3"
    attacker.does(third, chain=attacker.id(OF_ACME), other=attacker.id(attacker.entry(2).id))
    [(chain, position, _)] = found(attacker)
    assert (chain, position) == (OF_ACME, 3)


def test_a_seal_of_another_place_or_chain_fits_nowhere_else(attacker: Attacker) -> None:
    of_another = "(SELECT mac FROM audit_seals WHERE chain_id = :other AND position = 3)"
    third = f"UPDATE audit_seals SET mac = {of_another} WHERE chain_id = :chain AND position = 3"
    attacker.does(third, chain=attacker.id(OF_ACME), other=attacker.id(OF_GLOBEX))
    assert found(attacker) == [(OF_ACME, 3, Flaw.SEAL_DOES_NOT_FIT)]


@pytest.mark.parametrize("change", ["network = '198.51.100.1/32'", "user_agent = 'Mozilla'", "salt = :salt"])
def test_what_is_personal_can_be_erased_and_not_changed(attacker: Attacker, change: str) -> None:
    entry = attacker.id(attacker.entry(3).id)
    attacker.does(f"UPDATE audit_personal SET {change} WHERE entry_id = :entry", entry=entry, salt=b"another salt")
    assert found(attacker) == [(OF_ACME, 3, Flaw.PERSONAL_CHANGED)]
    attacker.does("DELETE FROM audit_personal WHERE entry_id = :entry", entry=entry)
    assert found(attacker) == []


def test_what_is_personal_cannot_be_given_to_another(attacker: Attacker) -> None:
    """Then it is nobody's, as if it were erased: it shows with no entry."""
    attacker.does(
        "UPDATE audit_personal SET account_id = :other WHERE entry_id = :entry",
        other=attacker.id(OF_GLOBEX),
        entry=attacker.id(attacker.entry(3).id),
    )
    assert found(attacker) == []
    assert [entry.personal is None for entry in entries(attacker.database, OF_ACME)].index(True) == 2


def test_an_erased_account_leaves_every_chain_whole(attacker: Attacker) -> None:
    with attacker.database.unit_of_work() as uow:
        assert uow.audit.erase(ADA, limit=100) == 18
    assert found(attacker, *attacker.heads) == []


COPY = """
INSERT INTO audit_entries SELECT chain_id, {id}, at, action, outcome, code, actor_id, principal_id, key_id, target_id,
organization_id, request_id, details, personal_digest, {position} FROM audit_entries
WHERE chain_id = :chain AND id = :entry
"""


@pytest.mark.parametrize("position", [3, 7])
def test_a_copy_with_a_place_and_no_seal_is_found(attacker: Attacker, position: int) -> None:
    copy = COPY.format(id=":new", position=position)
    new = "0" * 31 + "1" if attacker.is_sqlite else "00000000-0000-0000-0000-000000000001"
    statement = copy if attacker.is_sqlite else copy.replace(":new", "CAST(:new AS uuid)")
    attacker.does(statement, new=new, **at(attacker, 3))
    assert found(attacker) == [(OF_ACME, position, Flaw.NEVER_SEALED)]


def test_what_was_deleted_is_whole_again_once_it_is_back_as_it_was(attacker: Attacker) -> None:
    attacker.keeps(attacker.entry(3))
    attacker.does(DELETE_ENTRY, **at(attacker, 3))
    assert found(attacker) == [(OF_ACME, 3, Flaw.ENTRY_GONE)]
    attacker.does("INSERT INTO audit_entries SELECT * FROM kept")
    assert found(attacker, *attacker.heads) == []
