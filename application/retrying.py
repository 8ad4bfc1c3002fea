"""Running a use case again when the database asks for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

from application.ports.unit_of_work import TransactionFailed
from domain.kernel import Stale

P = ParamSpec("P")
R = TypeVar("R")

_TIMES = 3


@dataclass(frozen=True, slots=True)
class Retrying(Generic[P, R]):
    """Runs the whole use case again, at most three times, if nothing was committed; then raises Stale."""

    use_case: Callable[P, R]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(_TIMES - 1):
            try:
                return self.use_case(*args, **kwargs)
            except (Stale, TransactionFailed):
                continue
        try:
            return self.use_case(*args, **kwargs)
        except TransactionFailed:
            raise Stale("Others changed the same data at the same moment. Try again.") from None
