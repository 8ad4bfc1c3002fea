from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from adapters.sql.engine import parsed
from tests.postgres import server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database without any table."""
    return f"sqlite:///{tmp_path}/portico.sqlite3" if request.param == "sqlite" else server().create_empty_database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(parsed(url), poolclass=NullPool)
    yield engine
    engine.dispose()
