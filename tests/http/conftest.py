from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.http.log import Log, configured
from tests.http.service import Service

Serve = Callable[..., Service]


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """One event loop for all tests."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def serve(portal: BlockingPortal) -> Iterator[Serve]:
    """Starts a service with some settings changed: `serve(REGISTRATION="closed")`."""
    with ExitStack() as services:
        yield lambda **changes: services.enter_context(Service.of(portal, **changes))


@pytest.fixture
def service(serve: Serve) -> Service:
    return serve()


@pytest.fixture
def log() -> Iterator[Log]:
    """Ask for it before the service: a logger is made once."""
    with configured(LOG_FORMAT="json") as log:
        yield log
