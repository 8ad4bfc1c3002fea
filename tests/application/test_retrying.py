"""Running again what the database asks to run again."""

from dataclasses import dataclass, field

import pytest

from application.ports.unit_of_work import TransactionFailed, Unavailable
from application.retrying import Retrying
from domain.accounts import EmailTaken
from domain.kernel import ChangedMeanwhile, Conflict, Stale
from domain.sessions import InvalidCredentials


@dataclass
class Failing:
    """A use case that fails in these ways, one after the other, and then succeeds."""

    failures: list[Exception]
    calls: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, name: str, *, number: int) -> str:
        self.calls.append((name, number))
        if self.failures:
            raise self.failures.pop(0)
        return f"{name} {number}"


def stale() -> Stale:
    return Stale("It changed meanwhile.")


def test_what_succeeds_runs_once() -> None:
    use_case = Failing([])
    assert Retrying(use_case)("ada", number=1) == "ada 1"
    assert use_case.calls == [("ada", 1)]


@pytest.mark.parametrize("failure", [stale(), TransactionFailed("40001")])
def test_it_may_fail_twice(failure: Exception) -> None:
    use_case = Failing([failure, failure])
    assert Retrying(use_case)("ada", number=1) == "ada 1"
    assert use_case.calls == [("ada", 1)] * 3


@pytest.mark.parametrize("failure", [stale(), TransactionFailed("40P01")])
def test_after_the_third_failure_the_caller_is_told_that_it_changed_meanwhile(failure: Exception) -> None:
    use_case = Failing([failure] * 3)
    with pytest.raises(ChangedMeanwhile):
        Retrying(use_case)("ada", number=1)
    assert len(use_case.calls) == 3


@pytest.mark.parametrize(
    "refusal", [EmailTaken("It is taken."), Conflict("No."), InvalidCredentials(), Unavailable(), ValueError()]
)
def test_a_refusal_is_an_answer_and_not_run_again(refusal: Exception) -> None:
    use_case = Failing([refusal])
    with pytest.raises(type(refusal)):
        Retrying(use_case)("ada", number=1)
    assert len(use_case.calls) == 1
