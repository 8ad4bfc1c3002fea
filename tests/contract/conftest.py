import importlib
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.environment import Uuid7Ids
from adapters.memory.database import MemoryDatabase
from adapters.sql.database import SqlDatabase
from application.ports.unit_of_work import Persistence
from domain.permissions import Catalogue
from migrations.commands import upgrade
from tests.contract.threads import MANY, PATIENCE
from tests.postgres import server, wipe

OURS = ("memory", "sqlite", "postgresql")


def foreign(config: pytest.Config) -> str | None:
    adapter: str | None = config.getoption("--persistence")
    return adapter


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        adapter = foreign(metafunc.config)
        metafunc.parametrize("database", [adapter] if adapter else OURS, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A foreign adapter is run alone: what tests no adapter, or another, is none of its business."""
    if foreign(config):
        items[:] = [item for item in items if "database" in getattr(item, "fixturenames", ())]


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Persistence]:
    """An empty one."""
    adapter: str = request.param
    if adapter in OURS:
        yield request.getfixturevalue(adapter)
    else:
        module, _, factory = adapter.partition(":")
        with closing(getattr(importlib.import_module(module), factory)()) as fresh:
            yield fresh


@pytest.fixture
def memory() -> MemoryDatabase:
    return MemoryDatabase(ids=Uuid7Ids())


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite3"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite(migrated_file: Path, tmp_path: Path) -> Iterator[SqlDatabase]:
    file = shutil.copy(migrated_file, tmp_path)
    with closing(SqlDatabase(f"sqlite:///{file}", ids=Uuid7Ids(), pool_size=MANY, pool_timeout=PATIENCE)) as database:
        yield database


@pytest.fixture(scope="session")
def migrated_server() -> Iterator[tuple[str, SqlDatabase]]:
    url = server().create_database()
    with closing(SqlDatabase(url, ids=Uuid7Ids(), pool_size=MANY, pool_timeout=PATIENCE)) as database:
        yield url, database


@pytest.fixture
def postgresql(migrated_server: tuple[str, SqlDatabase]) -> SqlDatabase:
    """The same for every test, emptied: a new one takes longer than most tests."""
    url, database = migrated_server
    wipe(url)
    with database.unit_of_work() as uow:
        uow.catalogue.put(Catalogue())
    return database
