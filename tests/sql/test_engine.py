import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from adapters.environment import Uuid7Ids
from adapters.sql.database import SqlDatabase
from adapters.sql.engine import gateway, parsed


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_postgresql_url_means_the_driver_that_is_installed(scheme: str) -> None:
    url = parsed(f"{scheme}://ada:pass%20word@db.example:6432/portico?sslmode=require&connect_timeout=2")
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg2", "ada", "pass word")
    assert (url.host, url.port, url.database) == ("db.example", 6432, "portico")
    assert (url.query["sslmode"], url.query["connect_timeout"]) == ("require", "2")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/portico"])
def test_a_url_that_portico_cannot_use_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite"):
        SqlDatabase(url, ids=Uuid7Ids())


def test_on_sqlite_what_is_committed_is_on_disk_and_readers_do_not_wait(tmp_path: Path) -> None:
    opened = gateway(f"sqlite:///{tmp_path}/portico.sqlite3", pool_size=1, pool_timeout=1)
    with opened.alone() as connection:
        settings = {name: connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")}
    opened.engine.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_an_sqlite_file_and_its_companions_are_their_owners_alone(tmp_path: Path) -> None:
    opened = gateway(f"sqlite:///{tmp_path}/portico.sqlite3", pool_size=1, pool_timeout=1)
    with opened.begin() as connection:
        connection.execute(text("CREATE TABLE herons (name TEXT)"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    opened.engine.dispose()
    assert modes == dict.fromkeys(("portico.sqlite3", "portico.sqlite3-shm", "portico.sqlite3-wal"), 0o600)


def test_the_mode_of_an_sqlite_file_that_is_there_is_its_owners_business(tmp_path: Path) -> None:
    file = tmp_path / "portico.sqlite3"
    file.touch()
    file.chmod(0o640)
    gateway(f"sqlite:///{file}", pool_size=1, pool_timeout=1).engine.dispose()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_on_postgresql_nothing_is_set_in_the_session(postgresql_url: str) -> None:
    """Behind pgbouncer in transaction mode the next transaction may run in another one."""
    opened = gateway(postgresql_url, pool_size=1, pool_timeout=1)
    changed = text("SELECT name FROM pg_settings WHERE source = 'session'")
    with opened.begin() as connection:
        connection.execute(changed)
    with opened.alone() as connection:
        assert connection.execute(changed).scalars().all() == []
    opened.engine.dispose()
