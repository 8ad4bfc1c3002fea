"""Workers share one port, so a scrape meets any of them: each leaves its numbers where that one finds them.

A directory that the server makes for its workers holds a file for each. A worker has the lowest number that is free,
and holds it by a lock, which the system takes back when the worker ends, however it ends.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any

DIRECTORY = "PORTICO_WORKERS"
"""Of the environment that workers inherit; no setting."""


_SECONDS = 1.0


class Siblings:
    """Alone where there is no directory."""

    def __init__(self, directory: str | None = None) -> None:
        directory = directory or os.environ.get(DIRECTORY)
        self._directory = Path(directory) if directory else None
        self._claim = _claimed(self._directory) if self._directory else None

    @property
    def is_alone(self) -> bool:
        return self._directory is None

    @property
    def worker(self) -> str:
        """A successor has it again: so there are no more series than workers."""
        return Path(self._claim.name).stem if self._claim else "0"

    def leave(self, numbers: Any) -> None:
        if self._directory:
            fresh = self._directory / f"{self.worker}.new"
            fresh.write_text(json.dumps(numbers))
            fresh.replace(self._directory / f"{self.worker}.json")

    def others(self) -> Iterator[Any]:
        """What each other one has left that still runs."""
        for left in sorted(self._directory.glob("*.json")) if self._directory else ():
            if left.stem != self.worker and _is_held(left.with_suffix(".lock")):
                yield json.loads(left.read_text())

    def close(self) -> None:
        if self._claim:
            self._claim.close()

    @contextmanager
    def shared(self, leave: Callable[[], None]) -> Iterator[None]:
        """Meanwhile `leave` is called each second, on a thread of its own."""
        over = threading.Event()

        def repeat() -> None:
            is_over = False
            while not is_over:
                with suppress(OSError):  # a full disk is somebody else's to tell
                    leave()
                is_over = over.wait(_SECONDS)

        sharing = threading.Thread(target=repeat, name="siblings", daemon=True)
        sharing.start()
        yield
        over.set()
        sharing.join()


def _claimed(directory: Path) -> TextIOWrapper:
    number = 0
    while not _locked(file := (directory / f"{number}.lock").open("a")):
        file.close()
        number += 1
    (directory / f"{number}.json").unlink(missing_ok=True)  # of whoever had the number before
    return file


def _is_held(path: Path) -> bool:
    with path.open("a") as file:
        return not _locked(file)


def _locked(file: TextIOWrapper) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
