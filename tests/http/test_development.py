"""What only development serves: the form by which `/docs` signs in, and a mailbox."""

import re

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from dependency_injector import providers

from adapters.memory import MemoryDatabase
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.http.service import ADA, PASSWORD, Service, SignedIn, refusal

PAGE = ("/dev/passkeys", "/dev/passkeys.js", "/dev/passkeys.css")


def by_form(service: Service, **fields: str) -> httpx.Response:
    return service.post("/v1/token", data={"username": ADA, "password": PASSWORD, **fields})


def test_the_form_signs_in(service: Service) -> None:
    account = service.sign_up()
    response = by_form(service, grant_type="password")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert service.get("/v1/me", by=SignedIn(response.json())).json() == account


@pytest.mark.parametrize("fields", [{"password": "not " + PASSWORD}, {"username": "ada"}, {"password": "x" * 5_000}])
def test_a_refusal_is_what_an_oauth_client_expects(service: Service, fields: dict[str, str]) -> None:
    service.sign_up()
    response = by_form(service, **fields)
    assert (response.status_code, response.headers["cache-control"]) == (400, "no-store")
    assert response.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "body", [{}, {"username": ADA}, {"username": ADA, "password": PASSWORD, "grant_type": "magic"}]
)
def test_an_incomplete_form_is_refused(service: Service, body: dict[str, str]) -> None:
    assert refusal(service.post("/v1/token", data=body)) == (422, "validation_failed")


def test_the_form_is_slowed_down_like_every_sign_in(service: Service) -> None:
    assert [by_form(service).status_code for _ in range(6)] == [400] * 5 + [429]


def test_the_mailbox_shows_what_would_have_been_sent(service: Service) -> None:
    assert service.get("/dev/mailbox.json").json() == {"items": []}
    assert "No mail yet" in service.get("/dev/mailbox").text
    service.post("/v1/accounts", {"email": ADA, "password": PASSWORD, "display_name": "<script>"})
    service.mail()
    response = service.get("/dev/mailbox.json")
    [mail] = response.json()["items"]
    assert (mail["to"], mail["token"], mail["at"]) == (ADA, service.token_to(ADA), "2026-03-20T12:00:00.000Z")
    assert response.headers["cache-control"] == "no-store"
    page = service.get("/dev/mailbox").text
    assert mail["token"] in page
    assert "<script>" not in page


@pytest.mark.parametrize("path", PAGE)
def test_the_page_of_passkeys_loads_nothing_from_elsewhere_and_cannot_be_embedded(service: Service, path: str) -> None:
    response = service.get(path)
    policy = response.headers["content-security-policy"].split("; ")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in response.headers["content-security-policy"]
    assert not re.search(r"https?://(?!localhost)", response.text)


def test_the_page_of_passkeys_is_led_to_from_the_mailbox_and_the_documentation(service: Service) -> None:
    assert 'href="/dev/passkeys"' in service.get("/dev/mailbox").text
    assert "(/dev/passkeys)" in service.get("/openapi.json").json()["info"]["description"]


@pytest.mark.parametrize(
    ("origin", "belongs"), [("http://localhost:8000", True), ("http://127.0.0.1:8000", False), ("http://else", False)]
)
def test_the_page_of_passkeys_says_where_it_belongs(service: Service, origin: str, belongs: bool) -> None:
    page = service.get(f"{origin}/dev/passkeys").text
    assert ("belong to" not in page) is belongs
    assert "{" not in page


@pytest.fixture
def production(portal: BlockingPortal) -> Service:
    environ = {"SECRET_KEY": "0123456789abcdef" * 2, "SMTP_HOST": "localhost", "BACKGROUND_WORK": "false"}
    container = Container(settings=providers.Object(Settings.load(environ)))
    container.persistence.override(MemoryDatabase(ids=container.ids()))
    return Service(portal, container)


@pytest.mark.parametrize("path", ["/v1/token", "/dev/mailbox.json", "/dev/mailbox", *PAGE])
def test_production_serves_none_of_it(production: Service, path: str) -> None:
    with production:
        for method in ("GET", "POST"):
            assert refusal(production.call(method, path)) == (404, "route_not_found")


def test_production_serves_its_documentation(production: Service) -> None:
    with production:
        assert production.get("/docs").status_code == 200
        document = production.get("/openapi.json").json()
        assert "/v1/token" not in document["paths"]
        assert "/dev/" not in str(document)
