"""`/metrics` of a server with several workers, as Prometheus meets it."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.installation import PATIENCE, Installation, Server

TOKEN = "a-token-of-the-tests-that-is-long-enough"
CALLS = 40


def scraped(server: Server) -> str:
    with server.client(TOKEN) as client:
        answer = client.get("/metrics")
        assert answer.status_code == 200, answer.text
        return answer.text


def told_of(told: str, route: str) -> float:
    """How often that was called, of any worker."""
    found = re.findall(rf'^portico_requests_total\{{.*route="{route}".*\}} (\S+)$', told, re.MULTILINE)
    return sum(map(float, found))


def by_worker(told: str, name: str) -> dict[str, float]:
    found = re.findall(rf'^portico_{name}\{{.*worker="(\d)"\}} (\S+)$', told, re.MULTILINE)
    return {worker: float(value) for worker, value in found}


def test_a_scrape_of_either_worker_tells_of_both(on_postgresql: Installation) -> None:
    with on_postgresql.serving("--workers", "2", METRICS_TOKEN=TOKEN) as server:

        def call() -> None:
            with server.client() as client:  # a connection each, many at once: so both workers are asked
                assert client.get("/v1/me").status_code == 401
                assert client.get("/metrics").status_code == 401

        until(lambda: set(by_worker(scraped(server), "pool_size")) == {"0", "1"})
        with ThreadPoolExecutor(8) as callers:
            for called in [callers.submit(call) for _ in range(CALLS)]:
                called.result()
            # What a worker knows of the other may be a second old.
            until(lambda: all(told_of(told, "/v1/me") == CALLS for told in callers.map(scraped, [server] * 16)))
            for told in callers.map(scraped, [server] * 16):
                assert set(by_worker(told, "pool_size")) == {"0", "1"}
                assert "portico_database_up 1.0" in told
        assert server.terminate() == 0


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
