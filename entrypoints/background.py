"""What the service does by itself, or `portico relay` in its stead."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from application.sequencing import Sequenced
from entrypoints.container import Container
from entrypoints.counts import Counts

_SEQUENCER_SECONDS = 0.25
_WEBHOOK_SECONDS = 0.25
_MAIL_SECONDS = 1.0
_SWEEP_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Work:
    """`step` tells whether there may be more at once. `finish` ends what a step may have left under way."""

    name: str
    step: Callable[[], bool]
    seconds: float
    finish: Callable[[], None] = lambda: None

    def repeat(self, stopping: threading.Event) -> None:
        wait = self.seconds * random.random()  # noqa: S311 (so that processes started together do not work together)
        while not stopping.wait(wait):
            try:
                wait = 0 if self.step() else self.seconds
            except Exception:
                self._tell_of_failure()
                wait = self.seconds * 5
        try:
            self.finish()
        except Exception:
            self._tell_of_failure()

    def _tell_of_failure(self) -> None:
        structlog.get_logger().exception("background.failed", work=self.name)


class Background:
    """A thread for each kind of work, so that none waits for another. Several processes may run them at once."""

    def __init__(self, container: Container) -> None:
        sequence, relay = container.sequencer(), container.relay_webhooks()
        send, sweep = container.send_queued_mail(), container.sweep()
        self._courier, counts = container.courier(), container.counts()
        self._stopping = stopping = threading.Event()
        self._threads = [
            threading.Thread(target=work.repeat, args=(stopping,), name=work.name, daemon=True)
            for work in (
                Work("sequencer", lambda: _sequenced(sequence(), counts), _SEQUENCER_SECONDS),
                Work("webhooks", relay, _WEBHOOK_SECONDS, relay.finish),
                Work("mail", send, _MAIL_SECONDS),
                Work("sweep", lambda: any(stopping.is_set() for _ in sweep()), _SWEEP_SECONDS),
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
        self._courier.close()


def _sequenced(batch: Sequenced | None, counts: Counts) -> bool:
    """Heads go to the log: whoever keeps that elsewhere can prove later that no end of a chain was cut off."""
    if batch is None:
        return False
    counts.batches += 1
    heads = [str(chain.head) for chain in batch.heads]
    structlog.get_logger().info("audit.sealed", epoch=batch.epoch, position=batch.position, heads=heads)
    return batch.is_more
