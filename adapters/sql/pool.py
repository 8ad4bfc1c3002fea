"""The pool of connections, and what may be told of it."""

from threading import Lock
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from application.ports.unit_of_work import Connections


class CountingPool(QueuePool):
    """Fixed in size; it remembers how often somebody found no connection free. Nobody else pays for that."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.waits = self.timeouts = 0
        self._counting = Lock()

    def connect(self) -> PoolProxiedConnection:
        # Not opened yet are as many as the overflow lacks to 0.
        if self.checkedin() == 0 and self.overflow() >= 0:
            with self._counting:
                self.waits += 1
        try:
            return super().connect()
        except NoConnectionFree:
            with self._counting:
                self.timeouts += 1
            raise


def in_use(engine: Engine) -> Connections:
    pool = engine.pool
    assert isinstance(pool, CountingPool)  # noqa: S101 (what every gateway is given)
    return Connections(size=pool.size(), in_use=pool.checkedout(), waits=pool.waits, timeouts=pool.timeouts)
