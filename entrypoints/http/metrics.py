"""For Prometheus. No part of the API, and so not in its document: docs/metrics.md has it."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.access import AuthenticationRequired
from entrypoints.container import Container

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def routes(container: Container) -> APIRouter:
    """Served only where the settings ask for it."""
    routes = APIRouter()
    token = container.settings().metrics_token.get_secret_value()
    # A thread of its own: the others all wait for the database just when this is looked at most.
    scraping = ThreadPoolExecutor(1, thread_name_prefix="metrics")

    @routes.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if token and not _is_bearer(request, token):
            raise AuthenticationRequired("This call needs the METRICS_TOKEN as its bearer token.")
        text = await asyncio.get_running_loop().run_in_executor(scraping, lambda: container.metrics().text())
        return Response(text, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    return routes


def _is_bearer(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), token.encode())
