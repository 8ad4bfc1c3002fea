from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.environment import Uuid7Ids
from adapters.sql.database import SqlDatabase
from migrations.commands import upgrade
from tests.postgres import server


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    return server().create_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/portico.sqlite3"
    upgrade(url)
    return url


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[SqlDatabase]:
    """One connection only: what the test does to it, the next call meets."""
    with closing(SqlDatabase(postgresql_url, ids=Uuid7Ids(), pool_size=1, pool_timeout=0.2)) as database:
        yield database


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[SqlDatabase]:
    with closing(SqlDatabase(sqlite_url, ids=Uuid7Ids(), pool_timeout=0.2)) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> SqlDatabase:
    either: SqlDatabase = request.getfixturevalue(request.param)
    return either
