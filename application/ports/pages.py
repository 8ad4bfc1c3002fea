"""Lists are read page by page; a cursor is where the page before ended."""

from uuid import UUID

from domain.kernel import CursorInvalid


def id_of(cursor: str) -> UUID:
    """The id after which the next page starts. Raise CursorInvalid."""
    try:
        return UUID(cursor)
    except ValueError:
        raise CursorInvalid from None


def ids_of(cursor: str) -> tuple[UUID, UUID]:
    """The same where two ids make the key. Raise CursorInvalid."""
    first, _, second = cursor.partition(".")
    return id_of(first), id_of(second)
