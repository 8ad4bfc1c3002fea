"""The occasion of what is done now, kept aside: a use case need not hand it through to be audited."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from domain.audit import Occasion

_NOTHING_KNOWN = Occasion()
_source: ContextVar[Callable[[], Occasion]] = ContextVar("occasion")


def occasion() -> Occasion:
    """Of the request that this thread or task works for; nothing is known where it works for none."""
    source = _source.get(None)
    return source() if source else _NOTHING_KNOWN


def arise(source: Callable[[], Occasion]) -> None:
    """From now on this task works for whatever `source` tells: it is asked only when something is written."""
    _source.set(source)


@contextmanager
def occasioned(by: Occasion) -> Iterator[None]:
    """For tests, and what works for somebody without a request."""
    token = _source.set(lambda: by)
    try:
        yield
    finally:
        _source.reset(token)
