"""Whatever comes in, a problem document with a code goes out, and nothing of what came in goes with it."""

from collections.abc import AsyncIterator

import pytest

from entrypoints.http.middleware import MOST_BODY_BYTES
from tests.http.service import ADA, PASSWORD, Service, code, pointers, refusal

JSON = {"content-type": "application/json"}
SECRET = "s3cr3t-that-nobody-repeats"

MALFORMED = (400, "request_malformed")
INVALID = (422, "validation_failed")


def sent(service: Service, body: bytes, path: str = "/v1/sessions") -> tuple[int, str]:
    response = service.post(path, content=body, headers=JSON)
    assert SECRET not in response.text
    return refusal(response)


@pytest.mark.parametrize(
    "body",
    [
        b'{"email": "%s' % SECRET.encode(),
        b'{"email": "\xff\xfe", "password": "x"}',
        b"[" * 100_000,
        b'{"email":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"email": %s}' % (b"9" * 5_000),
        b'{"email": "a@example.com", "password": "a raw \x00 in it"}',
    ],
    ids=["cut short", "not UTF-8", "deep array", "deep object", "huge number", "raw NUL"],
)
def test_what_is_not_json_is_malformed(service: Service, body: bytes) -> None:
    assert sent(service, body) == MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'"%s"' % SECRET.encode(),
        b'["%s"]' % SECRET.encode(),
        b'{"email": "%s"}' % SECRET.encode(),
        b'{"email": 1, "password": ["%s"]}' % SECRET.encode(),
        b'{"email": NaN, "password": Infinity}',
        b'{"email": %s, "password": "x"}' % (b"9" * 4_000),
        b'{"email": "a@example.com", "password": "\\ud800"}',
        b'{"email": "\\udc00@example.com", "password": "x"}',
        b'{"\\ud800": 1, "email": "a@example.com", "password": "x"}',
        b'{"email": "a@example.com", "password": "%s"}' % (b"x" * 4_097),
        b'{"email": "%s@example.com", "password": "x"}' % (b"x" * 400),
        b'{"email": {"a": {"b": {"c": "%s"}}}, "password": "x"}' % SECRET.encode(),
    ],
)
def test_json_of_another_shape_is_invalid(service: Service, body: bytes) -> None:
    assert sent(service, body) == INVALID


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/accounts", {"email": ADA, "password": PASSWORD}),
        ("POST", "/v1/accounts/verify", {"token": "t", "password": PASSWORD}),
        ("POST", "/v1/accounts/resend-verification", {"email": ADA}),
        ("POST", "/v1/sessions", {"email": ADA, "password": PASSWORD}),
        ("POST", "/v1/sessions/refresh", {"refresh_token": "t"}),
        ("PATCH", "/v1/me", {"display_name": "Ada"}),
        ("POST", "/v1/me/password", {"current_password": PASSWORD, "new_password": PASSWORD}),
        ("POST", "/v1/me/email", {"new_email": ADA, "password": PASSWORD}),
        ("POST", "/v1/me/email/confirm", {"token": "t"}),
        ("POST", "/v1/me/close", {"password": PASSWORD}),
        ("POST", "/v1/password-resets", {"email": ADA}),
        ("POST", "/v1/password-resets/confirm", {"token": "t", "new_password": PASSWORD}),
    ],
)
def test_each_call_takes_its_own_fields_and_no_other(
    service: Service, method: str, path: str, body: dict[str, str]
) -> None:
    unknown = service.call(method, path, {**body, "is_operator": SECRET})
    assert (refusal(unknown), pointers(unknown)) == (INVALID, ["/body/is_operator"])
    assert SECRET not in unknown.text
    for field in body:
        missing = service.call(method, path, {name: value for name, value in body.items() if name != field})
        assert (refusal(missing), pointers(missing)) == (INVALID, [f"/body/{field}"])
        for other in (1, None, [SECRET], {"value": SECRET}, True):
            wrong = service.call(method, path, {**body, field: other})
            assert (refusal(wrong), pointers(wrong)) == (INVALID, [f"/body/{field}"])
            assert SECRET not in wrong.text


def test_the_name_of_an_unknown_field_is_cut_and_escaped(service: Service) -> None:
    response = service.post("/v1/password-resets", {"email": ADA, "~/ü" + "x" * 1_000: 1})
    assert pointers(response) == ["/body/~0~1?" + "x" * 61]


def test_of_many_errors_the_first_are_told(service: Service) -> None:
    response = service.post("/v1/password-resets", {"email": ADA, **{f"f{i}": 1 for i in range(60)}})
    assert refusal(response) == INVALID
    assert pointers(response) == [f"/body/f{i}" for i in range(20)]


def test_an_object_with_countless_members_is_one_error(service: Service) -> None:
    for body in ({f"f{i}": 1 for i in range(80_000)}, {"email": ADA, **{f"f{i}": 1 for i in range(64)}}):
        response = service.post("/v1/password-resets", body)
        assert (refusal(response), pointers(response)) == (INVALID, ["/body"])
        assert len(response.content) < 1_000


@pytest.mark.parametrize(
    "password", ["with\0NUL in the middle", "x" * 4_096, "\u0301" * 4_096, "👩‍👩‍👧‍👦" * 500, " ", ""]
)
def test_a_password_may_be_anything_that_is_text(service: Service, password: str) -> None:
    service.sign_up()
    credentials = {"email": ADA, "password": password}
    assert refusal(service.post("/v1/sessions", credentials)) == (401, "invalid_credentials")
    assert refusal(service.post("/v1/accounts", credentials)) == (422, "password_too_weak")
    refused = service.post("/v1/me/password", {"current_password": password, "new_password": PASSWORD})
    assert refusal(refused) == (401, "authentication_required")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "nonsense", "multipart/form-data", ""])
def test_a_body_that_does_not_say_that_it_is_json_is_refused(service: Service, content_type: str) -> None:
    body = b'{"email": "ada@example.com", "password": "%s"}' % SECRET.encode()
    response = service.post("/v1/sessions", content=body, headers={"content-type": content_type})
    assert refusal(response) == (415, "media_type_unsupported")
    assert SECRET not in response.text


def test_a_form_is_refused(service: Service) -> None:
    response = service.post("/v1/sessions", data={"email": ADA, "password": SECRET})
    assert refusal(response) == (415, "media_type_unsupported")
    assert SECRET not in response.text


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/problem+json", "APPLICATION/JSON"]
)
def test_json_may_be_called_by_its_other_names(service: Service, content_type: str) -> None:
    body = b'{"email": "ada@example.com"}'
    response = service.post("/v1/password-resets", content=body, headers={"content-type": content_type})
    assert response.status_code == 202


def test_a_body_may_have_one_mebibyte(service: Service) -> None:
    body = b'{"email": "ada@example.com"}'
    padded = body + b" " * (MOST_BODY_BYTES - len(body))
    assert service.post("/v1/password-resets", content=padded, headers=JSON).status_code == 202
    assert sent(service, padded + b" ", "/v1/password-resets") == (413, "body_too_large")


def test_a_body_that_comes_in_chunks_is_counted(service: Service) -> None:
    async def chunks(number: int) -> AsyncIterator[bytes]:
        yield b'{"email": "ada@example.com"}'
        for _ in range(number):
            yield b" " * 65_536

    response = service.post("/v1/password-resets", content=chunks(15), headers=JSON)
    assert response.status_code == 202
    response = service.post("/v1/password-resets", content=chunks(16), headers=JSON)
    assert refusal(response) == (413, "body_too_large")
    lying = {**JSON, "transfer-encoding": "chunked", "content-length": "1"}
    response = service.post("/v1/password-resets", content=chunks(16), headers=lying)
    assert refusal(response) == (413, "body_too_large")


@pytest.mark.parametrize("length", ["", "abc", "-1", "1e3", "９", "9" * 30, "9" * 10_000])
def test_a_senseless_length_is_not_believed(service: Service, length: str) -> None:
    headers = {**JSON, "content-length": length.encode()}
    response = service.post("/v1/password-resets", content=b'{"email": "ada@example.com"}', headers=headers)
    assert response.status_code in (202, 413)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/me", "GET, PATCH"),
        ("PUT", "/v1/accounts", "POST"),
        ("GET", "/v1/sessions", "POST"),
        ("POST", "/v1/me/sessions", "GET, DELETE"),
        ("TRACE", "/v1/admin/accounts/00000000-0000-0000-0000-000000000000", "GET, PATCH"),
        ("OPTIONS", "/health/live", "GET"),
        ("NONSENSE", "/.well-known/jwks.json", "GET"),
        ("PUT", "/openapi.json", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(service: Service, method: str, path: str, allow: str) -> None:
    response = service.call(method, path)
    assert refusal(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == allow


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/me/", "/v1//me", "/V1/me", "/%00", "/%ff", "/v1/%ed%a0%80", "/docs/static/x"]
)
def test_an_unknown_path_is_not_found(service: Service, path: str) -> None:
    assert code(service.get(path)) == "route_not_found"


@pytest.mark.parametrize(
    "id", ["s3cr3t", "%00", "0" * 31, "%F0%9F%A6%89", "{}", "zzzzzzzz-0000-0000-0000-000000000000"]
)
def test_what_is_no_id_is_refused_as_such(service: Service, id: str) -> None:
    response = service.delete(f"/v1/me/sessions/{id}", by=service.ada())
    assert refusal(response) == INVALID
    assert response.json()["errors"] == [{"pointer": "/path/id", "detail": response.json()["errors"][0]["detail"]}]
    assert "`" not in response.json()["errors"][0]["detail"]


@pytest.mark.parametrize("host", ["[", "evil.example/x?", "\xff", "", "a:b:c"])
def test_the_host_that_is_asked_for_changes_nothing(service: Service, host: str) -> None:
    response = service.get("/v1/me", headers={b"host": host.encode("latin-1")})
    assert refusal(response) == (401, "authentication_required")
    assert "evil" not in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {b"user-agent": b"\xff\x00\x1b[31m"},
        {b"x-forwarded-for": b"\xff, , ::1%eth0"},
        {b"accept": b"\xff"},
        {b"cookie": b"\xff=\xfe"},
    ],
)
def test_odd_headers_do_no_harm(service: Service, headers: dict[bytes, bytes]) -> None:
    service.sign_up()
    body = {"email": ADA, "password": PASSWORD}
    assert service.post("/v1/sessions", body, headers=headers).status_code == 201
