"""The process of `portico relay`: what a service does in the background, and nothing else."""

import signal
import sys

import structlog

from entrypoints import logs
from entrypoints.background import Background
from entrypoints.opening import CannotOpen, opened
from entrypoints.settings import Settings, SettingsInvalid

_ENDS = {signal.SIGTERM, signal.SIGINT}


def main() -> None:
    # Blocked in every thread, and waited for by this one: no handler runs in the middle of anything.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        settings = Settings.load()
        logs.configure(settings)
        work(settings)
    except SettingsInvalid as invalid:
        sys.exit(f"These settings are wrong (see .env.example):\n{invalid}")
    except CannotOpen as refused:
        sys.exit(str(refused))


def work(settings: Settings) -> None:
    """Until a signal ends it. Raise CannotOpen."""
    if settings.is_sqlite or settings.is_memory:
        raise CannotOpen(
            "A relay of its own needs PostgreSQL. On SQLite the service itself does this work: BACKGROUND_WORK=true"
        )
    with opened(settings) as container:
        background = Background(container)
        background.start()
        log = structlog.get_logger()
        log.info("relay.started")
        ended_by = signal.sigwait(_ENDS)
        log.info("relay.stopping", signal=signal.Signals(ended_by).name)
        background.stop()


if __name__ == "__main__":
    main()
