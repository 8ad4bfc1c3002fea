"""A route's annotation is what its provider gives, and a use case's field takes what it says: to mypy both are Any, so
that a test has to look."""

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import pytest
from fastapi.params import Depends
from fastapi.routing import APIRoute, APIRouter
from starlette.requests import Request

import entrypoints.http
from application.retrying import Retrying
from entrypoints.container import build
from entrypoints.http.app import create_app
from tests.http.service import settings

container = build(settings())
app = create_app(container)


def itself(given: Any) -> Any:
    """The use case, which may stand in what runs it again."""
    return given.use_case if isinstance(given, Retrying) else given


def routes() -> Iterator[APIRoute]:
    for module in pkgutil.iter_modules(entrypoints.http.__path__, "entrypoints.http."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, APIRouter):
                yield from (route for route in value.routes if isinstance(route, APIRoute))


def dependencies() -> Iterator[Any]:
    for route in routes():
        for name, hint in get_type_hints(route.endpoint, include_extras=True).items():
            for marker in getattr(hint, "__metadata__", ()):
                if isinstance(marker, Depends) and marker.dependency:
                    yield pytest.param(hint.__origin__, marker.dependency, id=f"{route.name}({name})")


@pytest.mark.parametrize(("annotated", "dependency"), list(dependencies()))
def test_a_route_is_given_what_it_says_it_takes(annotated: type, dependency: Any) -> None:
    request = Request({"type": "http", "app": app, "headers": [], "state": {}})
    given = asyncio.run(dependency(request))
    assert annotated in type(itself(given)).__mro__


def test_every_route_is_looked_at() -> None:
    documented = {operation["operationId"] for path in app.openapi()["paths"].values() for operation in path.values()}
    assert documented <= {route.name for route in routes()}


def test_no_dependency_costs_a_worker_thread() -> None:
    for parameter in dependencies():
        _, dependency = parameter.values
        assert asyncio.iscoroutinefunction(type(dependency).__call__)


def use_cases() -> Iterator[Any]:
    """What the container provides of the application, parts of use cases too."""
    for name, provider in container.providers.items():
        provided = itself(provider())
        if is_dataclass(provided) and type(provided).__module__.startswith("application."):
            yield pytest.param(provided, id=name)


@pytest.mark.parametrize("use_case", list(use_cases()))
def test_a_use_case_is_given_what_its_fields_say(use_case: Any) -> None:
    hints = get_type_hints(type(use_case))
    for field in fields(use_case):
        if field.init and isinstance(hints[field.name], type):
            assert hints[field.name] in type(itself(getattr(use_case, field.name))).__mro__, field.name
