"""What the service does by itself, or `portico relay` in its stead."""

import random
import threading
from collections.abc import Callable

import structlog

from application.sequencing import Sequenced
from entrypoints.container import Container

_MAIL_SECONDS = 1.0
_SEQUENCER_SECONDS = 0.25
_SWEEP_SECONDS = 600.0


class Background:
    """A thread for each kind of work, so that none waits for another. Several processes may run them at once."""

    def __init__(self, container: Container) -> None:
        send, sweep, sequence = container.send_queued_mail(), container.sweep(), container.sequencer()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(work, seconds), name=name, daemon=True)
            for name, work, seconds in (
                ("mail", send, _MAIL_SECONDS),
                ("sequencer", lambda: _sequenced(sequence()), _SEQUENCER_SECONDS),
                ("sweep", lambda: any(self._stopping.is_set() for _ in sweep()), _SWEEP_SECONDS),
            )
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return once what is under way is done."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, work: Callable[[], bool], seconds: float) -> None:
        """`work` tells whether there may be more at once."""
        log = structlog.get_logger()
        wait = seconds * random.random()  # noqa: S311 (so that processes started together do not work together)
        while not self._stopping.wait(wait):
            try:
                wait = 0 if work() else seconds
            except Exception:
                log.exception("background.failed", work=threading.current_thread().name)
                wait = seconds * 5


def _sequenced(batch: Sequenced | None) -> bool:
    """Heads go to the log: whoever keeps that elsewhere can prove later that no end of a chain was cut off."""
    if batch is None:
        return False
    heads = [f"{chain.id}:{chain.position}:{chain.mac}" for chain in batch.heads]
    structlog.get_logger().info("audit.sealed", epoch=batch.epoch, position=batch.position, heads=heads)
    return batch.is_more
