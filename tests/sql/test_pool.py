"""What the pool remembers of those who found no connection free."""

from contextlib import closing

import pytest

from adapters.environment import Uuid7Ids
from adapters.sql.database import SqlDatabase
from application.ports.unit_of_work import Connections, Unavailable


def test_who_waits_in_vain_is_counted(sqlite_url: str) -> None:
    with closing(SqlDatabase(sqlite_url, ids=Uuid7Ids(), pool_size=2, pool_timeout=0.01)) as database:
        with database.autocommit() as first:
            first.sequence.get()
            with database.autocommit() as second:  # it is opened now, and so not waited for
                second.sequence.get()
                assert database.connections() == Connections(size=2, in_use=2)
                with pytest.raises(Unavailable), database.autocommit():
                    pass
        with database.autocommit() as free:
            free.sequence.get()
        assert database.connections() == Connections(size=2, in_use=0, waits=1, timeouts=1)
