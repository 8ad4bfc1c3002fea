"""What Portico would be without events and audit trail: to measure what they cost. Named by PERSISTENCE."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.environment import Uuid7Ids
from adapters.sql.database import SqlDatabase, SqlUnitOfWork
from application.ports.unit_of_work import UnitOfWork
from entrypoints.settings import Settings


class UnrecordedDatabase(SqlDatabase):
    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        with self._gateway.begin() as connection:
            yield SqlUnitOfWork(connection, lambda *_: None, lambda _: None)


def database() -> UnrecordedDatabase:
    settings = Settings.load()
    url = settings.database_url.get_secret_value()
    return UnrecordedDatabase(url, ids=Uuid7Ids(), pool_size=settings.pool_size)
