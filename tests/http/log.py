"""What the service logs, line by line."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import structlog

from entrypoints import logs
from tests.http.service import settings


@dataclass(frozen=True, slots=True)
class Log:
    written: io.StringIO = field(default_factory=io.StringIO)

    def text(self) -> str:
        """What has come since the last look."""
        text = self.written.getvalue()
        self.written.seek(0)
        self.written.truncate()
        return text

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@contextmanager
def configured(**changes: str) -> Iterator[Log]:
    """The log of a process of its own, and afterwards that of the tests again."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn.error")
    before = root.handlers[:], root.level, uvicorn.level
    log = Log()
    with redirect_stdout(log.written):
        logs.configure(settings(**changes))
    try:
        yield log
    finally:
        structlog.reset_defaults()
        root.handlers[:], root.level, uvicorn.level = before
