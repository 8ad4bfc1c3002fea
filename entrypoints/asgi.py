"""What uvicorn's workers load: `uvicorn --factory entrypoints.asgi:create`."""

from fastapi import FastAPI

from entrypoints import logs
from entrypoints.container import build
from entrypoints.http.app import create_app
from entrypoints.settings import Settings


def create() -> FastAPI:
    settings = Settings.load()
    logs.configure(settings)
    return create_app(build(settings))
