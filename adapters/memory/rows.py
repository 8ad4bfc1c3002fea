"""What the repositories do alike."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar
from uuid import UUID

from application.ports.pages import id_of

Key = TypeVar("Key")
Row = TypeVar("Row")


def first_page(rows: Sequence[Row], cursor: Callable[[Row], str], *, limit: int) -> tuple[list[Row], str | None]:
    """The first `limit` rows, and the cursor of the last of them if more follow."""
    page = list(rows[:limit])
    return page, cursor(page[-1]) if len(rows) > limit else None


def page_by_id(
    rows: Iterable[Row], id: Callable[[Row], UUID], *, limit: int, after: str | None
) -> tuple[list[Row], str | None]:
    """A page in the order of the ids, and the cursor of the next one. Raise CursorInvalid."""
    start = None if after is None else id_of(after)
    following = sorted((row for row in rows if start is None or id(row) > start), key=id)
    return first_page(following, lambda row: str(id(row)), limit=limit)


def sweep(rows: dict[Key, Row], is_over: Callable[[Row], bool], *, limit: int) -> int:
    """Remove at most `limit` rows that are over; return how many."""
    over = list(islice((key for key, row in rows.items() if is_over(row)), limit))
    for key in over:
        del rows[key]
    return len(over)
