import threading
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from entrypoints.background import Work


class Stopping(threading.Event):
    """After so many waits; it writes down how long each was to be, and waits for none."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        return len(self.waits) > self.after


def failing() -> bool:
    raise RuntimeError


def test_work_goes_on_at_once_while_there_is_more_and_rests_otherwise() -> None:
    more = iter([True, True, False, True])
    stopping = Stopping(after=4)
    Work("mail", lambda: next(more), 10).repeat(stopping)
    first, *others = stopping.waits
    assert first < 10
    assert others == [0, 0, 10, 0]


@pytest.mark.parametrize(("step", "finish"), [(failing, lambda: None), (lambda: False, failing)])
def test_what_fails_is_told_by_its_name_and_ends_nothing(step: Callable[[], bool], finish: Callable[[], None]) -> None:
    stopping = Stopping(after=1)
    with capture_logs() as lines:
        Work("mail", step, 1, finish).repeat(stopping)
    assert [(line["event"], line["work"]) for line in lines] == [("background.failed", "mail")]


def test_after_a_failure_it_rests_longer() -> None:
    stopping = Stopping(after=3)
    Work("mail", failing, 1).repeat(stopping)
    assert stopping.waits[1:] == [5, 5, 5]


def test_what_is_left_under_way_is_finished_once_at_the_end() -> None:
    done: list[str] = []

    def step() -> bool:
        done.append("step")
        return False

    Work("webhooks", step, 1, lambda: done.append("finish")).repeat(Stopping(after=2))
    assert done == ["step", "step", "finish"]
