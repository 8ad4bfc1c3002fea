"""For Prometheus. No part of the API, and so not in its document: docs/metrics.md has it."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.access import AuthenticationRequired
from entrypoints.container import Container

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PATIENCE = 5.0
"""Seconds. Prometheus itself gives a scrape up after 10, and would have nothing."""


def routes(container: Container, *, patience: float = _PATIENCE) -> APIRouter:
    """Served only where the settings ask for it. The database has `patience` seconds to answer."""
    routes = APIRouter()
    token = container.settings().metrics_token.get_secret_value()
    # Threads of their own: the others all wait for the database just when this is looked at most, and one may itself.
    counting = ThreadPoolExecutor(1, thread_name_prefix="metrics")
    asking = ThreadPoolExecutor(1, thread_name_prefix="metrics-database")

    @routes.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if token and not _is_bearer(request, token):
            raise AuthenticationRequired("This call needs the METRICS_TOKEN as its bearer token.")
        from entrypoints.metrics import AWAY, rendered  # a worker that nobody asks does without

        loop = asyncio.get_running_loop()
        told = await loop.run_in_executor(counting, lambda: container.metrics().of_workers())
        asked = loop.run_in_executor(asking, lambda: container.metrics().of_the_database())
        try:
            told += await asyncio.wait_for(asked, patience)
        except TimeoutError:
            told += AWAY
        return Response(rendered(told), media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    return routes


def _is_bearer(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), token.encode())
