"""The server process: `portico serve` becomes this, so that workers carry neither its CLI nor the migrations."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import uvicorn

from entrypoints.container import build
from entrypoints.opening import CannotOpen, opened
from entrypoints.settings import Settings, SettingsInvalid
from entrypoints.siblings import DIRECTORY


def main() -> None:
    try:
        settings = Settings.load()
        prepare(settings)
    except SettingsInvalid as invalid:
        sys.exit(f"These settings are wrong (see .env.example):\n{invalid}")
    except CannotOpen as refused:
        sys.exit(str(refused))
    with _directory_for_workers(settings):
        _serve(settings)


def _serve(settings: Settings) -> None:
    uvicorn.run(
        "entrypoints.asgi:create",
        factory=True,
        http="entrypoints.protocol:BoundedHeads",  # by name: only workers load it
        ws="none",
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        # On SIGTERM a worker takes no new connection, finishes what it has accepted, and ends.
        timeout_graceful_shutdown=int(settings.shutdown_timeout.total_seconds()),
        proxy_headers=False,  # TRUSTED_PROXIES decides, see http/clients.py
        server_header=False,
        access_log=False,  # one line a request comes from http/middleware.py
        log_config=None,
    )


@contextmanager
def _directory_for_workers(settings: Settings) -> Iterator[None]:
    """Where several find one another's numbers."""
    if settings.workers == 1 or not settings.serves_metrics:
        yield
        return
    with TemporaryDirectory(prefix="portico-") as directory:
        os.environ[DIRECTORY] = directory
        yield


def prepare(settings: Settings) -> None:
    """See to it that the first request will be answered. Raise CannotOpen if it would not."""
    if settings.is_memory:
        return
    if settings.is_sqlite:
        bring_up(settings)
    with opened(settings) as container:
        container.prepare_keys()()
        container.key_ring().active()  # a SECRET_KEY that does not fit is refused here, not at the first sign-in


def bring_up(settings: Settings) -> None:
    """Migrate, in a process of its own: what that imports would stay in this one."""
    persistence = build(settings).persistence()
    is_at_head = persistence.problem() is None
    persistence.close()
    if not is_at_head:
        migrating = subprocess.run([sys.executable, "-m", "entrypoints.cli", "migrate", "up"], check=False)
        if migrating.returncode:
            raise CannotOpen("The schema of the SQLite file could not be brought up.")


if __name__ == "__main__":
    main()
