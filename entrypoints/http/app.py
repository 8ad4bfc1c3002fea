"""The FastAPI application of a container."""

import asyncio
import gc
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp

from entrypoints.background import Background
from entrypoints.container import Container
from entrypoints.http import (
    access,
    account_exports,
    accounts,
    api_keys,
    development,
    email_changes,
    email_codes,
    events,
    global_webhooks,
    health,
    invitations,
    memberships,
    operators,
    organizations,
    passkeys,
    passwords,
    problems,
    roles,
    second_factors,
    service_accounts,
    sessions,
    signing_keys,
    webhooks,
)
from entrypoints.http.clients import ClientAddresses
from entrypoints.http.head import Head
from entrypoints.http.middleware import RequestMiddleware
from entrypoints.protocol import ON_SHUTDOWN
from entrypoints.settings import Settings

_DOCS_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",  # Swagger UI is started by a script in the page
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


class Application(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's own, without what RequestMiddleware does: answer every failure, and limit bodies. Each layer wraps
        each request and each of its messages once more; the three cost it 8 microseconds."""
        app: ASGIApp = AsyncExitStackMiddleware(self.router)
        app = ExceptionMiddleware(app, handlers=self.exception_handlers)
        for middleware, args, options in reversed(self.user_middleware):
            app = middleware(app, *args, **options)
        return app


def create_app(container: Container) -> FastAPI:
    """An application with a container of its own: several live beside one another, as in tests."""
    settings: Settings = container.settings()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        workers = ThreadPoolExecutor(settings.worker_threads, thread_name_prefix="worker")
        asyncio.get_running_loop().set_default_executor(workers)
        container.prepare_keys()()
        background = Background(container) if settings.background_work else None
        if background:
            background.start()
        # What has been loaded by now stays: looking through it for garbage again and again would only stop requests.
        gc.collect()
        gc.freeze()
        yield {ON_SHUTDOWN: head.close}
        head.close()
        if background:
            await asyncio.to_thread(background.stop)
        await asyncio.to_thread(container.hashing_executor().close)
        container.persistence().close()

    app = Application(
        title=settings.product_name,
        summary="Accounts and access for your backends.",
        description="Try [passkeys and second factors](/dev/passkeys)." if settings.is_development else "",
        version=version("portico"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # A trace of FastAPI's own would hold request bodies, and so passwords.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.container = container
    app.state.head = head = Head(lambda after: container.look_for_news()(after=after))
    app.state.client_addresses = ClientAddresses(settings.trusted_proxies)
    problems.install(app)
    # One flat list, what is called most first: routers inside the router, as include_router makes them, cost every
    # request 40 microseconds, a third of what the framework takes in all.
    for router in (
        accounts.me,
        access.routes,
        sessions.routes,
        second_factors.routes,
        passkeys.signing_in,
        passkeys.mine,
        email_codes.routes,
        accounts.routes,
        account_exports.routes,
        passwords.routes,
        organizations.routes,
        memberships.routes,
        invitations.received,
        invitations.routes,
        roles.routes,
        roles.permissions,
        service_accounts.routes,
        api_keys.routes,
        api_keys.personal,
        events.routes,
        webhooks.routes,
        email_changes.routes,
        operators.routes,
        global_webhooks.routes,
        signing_keys.routes,
        health.routes,
        *([development.token] if settings.is_development else []),
        *([development.pages] if settings.is_development else []),
        *([development.mailbox] if settings.is_development and settings.mail == "console" else []),
    ):
        app.router.routes.extend(router.routes)
    _serve_docs(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
            max_age=600,
        )
    app.add_middleware(RequestMiddleware)  # the outermost: a preflight is a request as well
    app.openapi = lambda: _openapi(app, settings)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _openapi(app: FastAPI, settings: Settings) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schemas["Problem"].pop("$defs"))
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        components["securitySchemes"] = {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "The access token from POST /v1/sessions; or an API key, where a call takes one.",
            }
        }
        operations = [operation for path in document["paths"].values() for operation in path.values()]
        for operation in operations:
            if not operation.keys() & {"parameters", "requestBody"}:
                operation["responses"].pop("422", None)  # nothing comes in that could be wrong
        if settings.is_development:
            components["securitySchemes"]["password"] = {
                "type": "oauth2",
                "description": "Sign in here: the address is the username.",
                "flows": {"password": {"tokenUrl": "/v1/token", "scopes": {}}},
            }
            for operation in operations:
                if "security" in operation:
                    operation["security"].append({"password": []})
        app.openapi_schema = document
    return app.openapi_schema


def _serve_docs(app: FastAPI) -> None:
    static = Path(fastapi_offline.__file__).parent / "static"
    app.mount("/docs/static", StaticFiles(directory=static))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{app.title}: try it",
            swagger_js_url="/docs/static/swagger-ui-bundle.js",
            swagger_css_url="/docs/static/swagger-ui.css",
            swagger_favicon_url="/docs/static/favicon.png",
            swagger_ui_parameters={"persistAuthorization": False, "docExpansion": "list"},
        )
        page.headers["Content-Security-Policy"] = _DOCS_POLICY
        return page

    explanations = problems.explanations()

    @app.get("/problems/{code}", include_in_schema=False)
    async def explain_problem(code: str) -> PlainTextResponse:
        """Where the `type` of a problem leads."""
        if code not in explanations:
            return PlainTextResponse("There is no such code.\n", 404)
        return PlainTextResponse(explanations[code])
