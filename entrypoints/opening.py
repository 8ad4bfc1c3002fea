"""Opening an installation: every reason why it cannot be used, in words that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from application.ports.security import SealBroken
from application.ports.unit_of_work import Unavailable
from domain.kernel import DomainError
from entrypoints.container import Container, build
from entrypoints.settings import Settings


class CannotOpen(Exception):
    """Its text is for the person who started the command."""


@contextmanager
def opened(settings: Settings) -> Iterator[Container]:
    """The container over a database that is there, with its schema at head. Raise CannotOpen, also for what is refused
    inside."""
    container = build(settings)
    try:
        match container.persistence().problem():
            case "database":
                raise CannotOpen("The database cannot be reached. Check DATABASE_URL, and that it is running.")
            case "schema":
                raise CannotOpen("The database schema is not at head. Run: portico migrate up")
        yield container
    except DomainError as refused:
        raise CannotOpen(refused.detail) from None
    except Unavailable as problem:
        raise CannotOpen(str(problem)) from None
    except SealBroken as problem:
        raise CannotOpen(f"The signing keys cannot be opened. {problem}") from None
    finally:
        container.persistence().close()
