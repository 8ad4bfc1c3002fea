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
from tests.security.authenticator import Authenticator

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

documented = schemathesis.openapi.from_dict(
    create_app(build(settings())).openapi(), config=SchemathesisConfig.from_dict(CONFIG)
)


@pytest.fixture(scope="module")
def service(portal: BlockingPortal) -> Iterator[Service]:
    # What is made up proves nothing, and is tried often: it must not lock the operator out.
    with Service.of(portal, FACTOR_FAILURES="1000000") as service:
        yield service


@pytest.fixture(scope="module")
def olga(service: Service) -> Authenticator:
    """The device of an operator, who signs in anew each time: what was tried before may have ended the session."""
    return service.device_of_operator()


@pytest.fixture(scope="module")
def organization(service: Service, olga: Authenticator) -> str:
    return service.organization(service.enter(olga))


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
def test_an_operator_is_answered_as_documented(case: Case[Any], service: Service, olga: Authenticator) -> None:
    check(service, case, by=service.enter(olga))


@documented.include(path_regex=r"^/v1/organizations/\{id\}").parametrize()
def test_an_owner_is_answered_as_documented(
    case: Case[Any], service: Service, olga: Authenticator, organization: str
) -> None:
    if is_id(case.path_parameters["id"]):  # else it is made up in order to be refused
        case.path_parameters["id"] = organization
    check(service, case, by=service.enter(olga))


def is_id(made_up: object) -> bool:
    try:
        return bool(UUID(str(made_up)))
    except ValueError:
        return False
