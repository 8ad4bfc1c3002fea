"""What is around every request: its id, its log line, the headers of its answer, and who may call from a browser."""

import re

import pytest

from tests.http.conftest import Serve
from tests.http.log import Log
from tests.http.service import Service, refusal


@pytest.mark.parametrize("id", ["a", "01a20522-6fdc-759e-8186-b631204f3984", "Trace_1.2-3", "x" * 64])
def test_a_sane_request_id_is_taken_over(service: Service, id: str) -> None:
    for path in ("/health/live", "/v1/me", "/nowhere"):
        assert service.get(path, headers={"x-request-id": id}).headers["x-request-id"] == id


@pytest.mark.parametrize("id", ["", "x" * 65, "a b", "a\tb", "ü", "{}", "${jndi}", "a,b", '"', "a\x00b"])
def test_any_other_is_replaced(service: Service, id: str) -> None:
    response = service.get("/health/live", headers={b"x-request-id": id.encode()})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


def test_each_request_gets_an_id_of_its_own(service: Service) -> None:
    assert len({service.get("/health/live").headers["x-request-id"] for _ in range(10)}) == 10


def test_every_request_leaves_one_line_with_its_id(log: Log, serve: Serve) -> None:
    service = serve()
    ada = service.operator()
    log.text()
    service.get("/v1/me", by=ada, headers={"x-request-id": "first"})
    service.get("/nowhere/token-in-a-path?token=s3cr3t", headers={"x-request-id": "second"})
    id = "01a20522-6fdc-759e-8186-b631204f3984"
    service.get(f"/v1/admin/accounts/{id}", headers={"x-request-id": "third"})
    lines = log.lines()
    assert [(line["request_id"], line["method"], line["route"], line["status"]) for line in lines] == [
        ("first", "GET", "/v1/me", 200),
        ("second", "GET", None, 404),
        ("third", "GET", "/v1/admin/accounts/{id}", 401),
    ]
    assert [bool(line["principal"]) for line in lines] == [True, False, False]
    for line in lines:
        assert set(line) == {
            "event", "level", "timestamp", "request_id", "method", "route", "status", "ms", "principal",
        }  # fmt: skip
        assert "s3cr3t" not in str(line)


@pytest.mark.parametrize("path", ["/health/live", "/v1/me", "/nowhere", "/docs", "/v1/accounts"])
def test_no_answer_is_sniffed_framed_or_referred_to(service: Service, path: str) -> None:
    headers = service.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_no_refusal_is_kept_in_a_cache(service: Service) -> None:
    for path in ("/v1/me", "/nowhere", "/v1/accounts"):
        assert service.get(path).headers["cache-control"] == "no-store"


def test_no_cache_keeps_what_is_told_about_a_person(service: Service) -> None:
    ada = service.ada()
    renamed = service.patch("/v1/me", {"display_name": "Ada L."}, by=ada)
    for told in (service.get("/v1/me", by=ada), renamed, service.get("/v1/me/sessions", by=ada)):
        assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")


def test_the_page_that_tries_calls_out_loads_nothing_from_elsewhere(service: Service) -> None:
    policy = service.get("/docs").headers["content-security-policy"].split("; ")
    assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert not any("http" in directive or "*" in directive for directive in policy)


APP = "https://app.example.com"
ASKING = {"origin": APP, "access-control-request-method": "PATCH", "access-control-request-headers": "authorization"}


def test_a_named_origin_may_call_from_a_browser(serve: Serve) -> None:
    service = serve(CORS_ORIGINS=f"{APP} https://other.example.com")
    allowed = service.call("OPTIONS", "/v1/me", headers=ASKING)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == APP
    assert "PATCH" in allowed.headers["access-control-allow-methods"]
    assert "Authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers

    answered = service.get("/v1/me", headers={"origin": APP})
    assert refusal(answered) == (401, "authentication_required")
    assert answered.headers["access-control-allow-origin"] == APP
    assert "Origin" in answered.headers["vary"]
    for shown in ("X-Request-ID", "Retry-After"):
        assert shown in answered.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "http://app.example.com", f"{APP}.evil.example", "null"]
)
def test_no_other_origin_may(serve: Serve, origin: str) -> None:
    service = serve(CORS_ORIGINS=APP)
    for method, headers in (("OPTIONS", {**ASKING, "origin": origin}), ("GET", {"origin": origin})):
        response = service.call(method, "/v1/me", headers=headers)
        assert "access-control-allow-origin" not in response.headers
    assert service.call("OPTIONS", "/v1/me", headers={**ASKING, "origin": origin}).status_code == 400


def test_without_the_setting_no_origin_may(service: Service) -> None:
    assert "access-control-allow-origin" not in service.get("/v1/me", headers={"origin": APP}).headers
    assert refusal(service.call("OPTIONS", "/v1/me", headers=ASKING)) == (405, "method_not_allowed")
