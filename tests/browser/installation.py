"""The server that `make run` starts, at an address that passkeys can belong to."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.installation import ROOT, Installation, Server, free_port


@contextmanager
def serving_at_localhost(directory: Path) -> Iterator[str]:
    """Its address. By the module, not by the command: that may belong to another checkout."""
    port = free_port()
    url = f"http://localhost:{port}"
    installation = Installation.for_development(directory, PORT=str(port), PUBLIC_URL=url)
    log = directory / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "entrypoints.server"],
            cwd=directory,
            env={**installation.environment, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(installation, process, port, log)
    try:
        server.wait_until_ready()
        yield url
        server.terminate()
        assert "request.failed" not in log.read_text(), log.read_text()
    finally:
        server.kill()
