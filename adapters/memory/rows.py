"""What the repositories do alike."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

Key = TypeVar("Key")
Row = TypeVar("Row")


def first_page(rows: Sequence[Row], cursor: Callable[[Row], str], *, limit: int) -> tuple[list[Row], str | None]:
    """The first `limit` rows, and the cursor of the last of them if more follow."""
    page = list(rows[:limit])
    return page, cursor(page[-1]) if len(rows) > limit else None


def sweep(rows: dict[Key, Row], is_over: Callable[[Row], bool], *, limit: int) -> int:
    """Remove at most `limit` rows that are over; return how many."""
    over = list(islice((key for key, row in rows.items() if is_over(row)), limit))
    for key in over:
        del rows[key]
    return len(over)
