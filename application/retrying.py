"""Running a use case again when the database asks for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

from application.ports.unit_of_work import TransactionFailed
from domain.kernel import ChangedMeanwhile, Stale

P = ParamSpec("P")
R = TypeVar("R")

_TIMES = 3


@dataclass(frozen=True, slots=True)
class Retrying(Generic[P, R]):
    """Runs a use case, or a step of it that is one transaction, again if nothing of it was committed: three times in
    all, then raises ChangedMeanwhile."""

    use_case: Callable[P, R]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(_TIMES):
            try:
                return self.use_case(*args, **kwargs)
            except (Stale, TransactionFailed):
                continue
        raise ChangedMeanwhile
