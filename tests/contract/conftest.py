import importlib
from collections.abc import Iterator

import pytest

from adapters.environment import Uuid7Ids
from adapters.memory import MemoryDatabase
from application.ports.unit_of_work import Persistence

OURS = ("memory",)


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
    if ":" in adapter:
        module, _, factory = adapter.partition(":")
        fresh: Persistence = getattr(importlib.import_module(module), factory)()
        yield fresh
        fresh.close()
    else:
        yield request.getfixturevalue(adapter)


@pytest.fixture
def memory() -> MemoryDatabase:
    return MemoryDatabase(ids=Uuid7Ids())
