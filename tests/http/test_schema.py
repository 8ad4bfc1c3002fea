"""What the OpenAPI document says is what the service does: schemathesis tries each operation with data it makes up."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from entrypoints.container import build
from entrypoints.http.app import create_app
from tests.http.service import Service, SignedIn, settings

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
]
CONFIG = {
    "seed": 1,
    "generation": {"max-examples": 5, "deterministic": True, "database": "none"},
    "phases": {"coverage": {"unexpected-methods": ["put"]}, "stateful": {"enabled": False}},
}
OLGA = {"email": "olga@example.com", "password": "an operator has a long one too"}

documented = schemathesis.openapi.from_dict(
    create_app(build(settings())).openapi(), config=SchemathesisConfig.from_dict(CONFIG)
)


@pytest.fixture(scope="module")
def service(portal: BlockingPortal) -> Iterator[Service]:
    with Service.of(portal) as service:
        service.operator()
        yield service


@pytest.fixture(scope="module")
def organization(service: Service) -> str:
    return service.organization(service.sign_in(OLGA["email"], password=OLGA["password"]))


def check(service: Service, case: Case[Any], by: SignedIn | None = None) -> None:
    request = requests.Request(**case.as_transport_kwargs("http://portico.test")).prepare()
    response = service.call(
        request.method or "", request.url or "", by=by, headers=dict(request.headers), content=request.body
    )
    case.validate_response(response, checks=CHECKS)
    if case.method == case.operation.method.upper():
        # schemathesis does not ask this of its odder probes, like a body of another content type.
        assert str(response.status_code) in case.operation.definition.raw["responses"]


@documented.parametrize()
def test_a_stranger_is_answered_as_documented(case: Case[Any], service: Service) -> None:
    check(service, case)


@documented.parametrize()
def test_an_operator_is_answered_as_documented(case: Case[Any], service: Service) -> None:
    # Signed in anew: what was tried before may have ended the session.
    check(service, case, by=service.sign_in(OLGA["email"], password=OLGA["password"]))


@documented.include(path_regex=r"^/v1/organizations/\{id\}").parametrize()
def test_an_owner_is_answered_as_documented(case: Case[Any], service: Service, organization: str) -> None:
    if is_id(case.path_parameters["id"]):  # else it is made up in order to be refused
        case.path_parameters["id"] = organization
    check(service, case, by=service.sign_in(OLGA["email"], password=OLGA["password"]))


def is_id(made_up: object) -> bool:
    try:
        return bool(UUID(str(made_up)))
    except ValueError:
        return False
