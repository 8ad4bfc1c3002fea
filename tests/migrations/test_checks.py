"""What the checks across shards find in a database that somebody repaired by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.environment import Uuid7Ids
from adapters.sql.database import SqlDatabase
from migrations.commands import upgrade
from tests.builders import an_active_account


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    url = f"sqlite:///{tmp_path}/checked.sqlite3"
    upgrade(url)
    database = SqlDatabase(url, ids=Uuid7Ids())
    yield database
    database.close()


def test_an_operator_without_an_account_is_found(database: SqlDatabase) -> None:
    with database.unit_of_work() as uow:
        uow.operators.add(an_active_account().id)
    assert database.findings() == ["1 operators are no active accounts"]


def test_operator_rights_that_the_operators_do_not_know_are_found(database: SqlDatabase) -> None:
    with database.unit_of_work() as uow:
        uow.accounts.add(an_active_account(is_operator=True))
    assert database.findings() == ["1 active accounts with operator rights are missing among the operators"]
