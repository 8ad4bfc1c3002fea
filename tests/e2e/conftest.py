from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation, Server
from tests.postgres import server as postgres


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Installation:
    return Installation.for_development(tmp_path)


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Installation:
    """Its schema is at head."""
    return Installation.for_development(tmp_path, postgres().create_database())


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def either(request: pytest.FixtureRequest) -> Installation:
    installation: Installation = request.getfixturevalue(request.param)
    return installation


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests that leave it running. It costs two seconds, so that they share it."""
    with Installation.for_development(tmp_path_factory.mktemp("shared")).serving() as server:
        yield server
