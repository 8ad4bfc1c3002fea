"""The server process: `portico serve` becomes this, so that workers carry neither its CLI nor the migrations."""

import uvicorn

from entrypoints.settings import Settings


def main() -> None:
    settings = Settings.load()
    uvicorn.run(
        "entrypoints.asgi:create",
        factory=True,
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


if __name__ == "__main__":
    main()
