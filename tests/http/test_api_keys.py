from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.builders import DAY, MINUTE
from tests.http.log import Log
from tests.http.service import ADA, PASSWORD, Service, SignedIn, pointers, refusal

MINE = "/v1/me/api-keys"


@pytest.fixture
def ada(service: Service) -> SignedIn:
    return service.ada()


@pytest.fixture
def acme(service: Service, ada: SignedIn) -> str:
    return service.organization(ada)


@pytest.fixture
def robots_keys(service: Service, ada: SignedIn, acme: str) -> str:
    return f"/v1/organizations/{acme}/service-accounts/{service.service_account(acme, 'admin', by=ada)}/api-keys"


def with_key(service: Service, secret: str, path: str, method: str = "GET", body: object = None) -> httpx.Response:
    return service.call(method, path, body, headers={"Authorization": f"Bearer {secret}"})


def without_secret(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name != "secret"}


def test_a_secret_is_shown_once(service: Service, ada: SignedIn, acme: str) -> None:
    wanted = {
        "name": " Backup ",
        "organization_id": acme,
        "scopes": ["organization:read", "members:read"],
        "expires_at": "2026-04-20T14:00:00+02:00",
    }
    made = service.post(MINE, wanted, by=ada)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    key = made.json()
    secret = key["secret"]
    assert key == {
        "id": key["id"],
        "name": "Backup",
        "prefix": secret[:18],
        "organization_id": acme,
        "service_account_id": None,
        "scopes": ["members:read", "organization:read"],
        "created_at": "2026-03-20T12:00:00.000Z",
        "expires_at": "2026-04-20T12:00:00.000Z",
        "last_used_at": None,
        "previous_secret_expires_at": None,
        "secret": secret,
    }
    listed = service.get(MINE, by=ada)
    assert listed.json() == {"items": [without_secret(key)], "next_cursor": None}
    assert secret[18:] not in listed.text


def test_a_key_opens_what_its_scopes_name(service: Service, ada: SignedIn, acme: str) -> None:
    secret = service.post(MINE, {"name": "K", "organization_id": acme, "scopes": ["organization:read"]}, by=ada).json()
    organization = f"/v1/organizations/{acme}"
    assert with_key(service, secret["secret"], organization).json()["id"] == acme
    refused = with_key(service, secret["secret"], f"{organization}/members")
    assert refusal(refused) == (403, "permission_denied")
    assert refused.json()["because"] == ["membership", "role_grants", "scope_lacks"]


def test_a_key_of_no_organization_tells_who_one_is(service: Service, ada: SignedIn, acme: str) -> None:
    secret = service.post(MINE, {"name": "CI"}, by=ada).json()["secret"]
    assert with_key(service, secret, "/v1/me").json()["email"] == ADA
    assert [each["id"] for each in with_key(service, secret, "/v1/organizations").json()["items"]] == [acme]
    assert refusal(with_key(service, secret, f"/v1/organizations/{acme}")) == (404, "organization_not_found")


def test_a_rotation_shows_a_new_secret_and_until_when_the_old_one_works(service: Service, ada: SignedIn) -> None:
    made = service.post(MINE, {"name": "CI"}, by=ada).json()
    response = service.post(f"{MINE}/{made['id']}/rotate", by=ada)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    rotated = response.json()
    assert (rotated["id"], rotated["previous_secret_expires_at"]) == (made["id"], "2026-03-21T12:00:00.000Z")
    assert rotated["secret"] != made["secret"]
    for expected in (200, 401):
        assert with_key(service, made["secret"], "/v1/me").status_code == expected
        assert with_key(service, rotated["secret"], "/v1/me").status_code == 200
        service.clock.advance(DAY)


def test_a_revoked_key_is_worth_nothing(service: Service, ada: SignedIn) -> None:
    made = service.post(MINE, {"name": "CI"}, by=ada).json()
    revoked = service.delete(f"{MINE}/{made['id']}", by=ada)
    assert (revoked.status_code, revoked.content) == (204, b"")
    refused = with_key(service, made["secret"], "/v1/me")
    assert refusal(refused) == (401, "api_key_invalid")
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert refusal(service.delete(f"{MINE}/{made['id']}", by=ada)) == (404, "api_key_not_found")


def test_last_used_is_told_to_the_minute(service: Service, ada: SignedIn) -> None:
    secret = service.post(MINE, {"name": "CI"}, by=ada).json()["secret"]
    seen = []
    for _ in range(3):
        with_key(service, secret, "/v1/me")
        seen.append(service.get(MINE, by=ada).json()["items"][0]["last_used_at"])
        service.clock.advance(MINUTE / 2)
    assert seen == ["2026-03-20T12:00:00.000Z", "2026-03-20T12:00:00.000Z", "2026-03-20T12:01:00.000Z"]


def test_a_damaged_key_is_told_from_a_wrong_one(service: Service, ada: SignedIn) -> None:
    secret = service.post(MINE, {"name": "CI"}, by=ada).json()["secret"]
    for damaged in (secret[:-1], secret[:-1] + "!", "ptc_", secret.replace("_u_", "_x_")):
        assert refusal(with_key(service, damaged, "/v1/me")) == (401, "api_key_damaged")


def test_a_password_reset_ends_personal_keys(service: Service, ada: SignedIn) -> None:
    secret = service.post(MINE, {"name": "CI"}, by=ada).json()["secret"]
    service.post("/v1/password-resets", {"email": ADA})
    reset = {"token": service.token_to(ADA), "new_password": PASSWORD + "!"}
    assert service.post("/v1/password-resets/confirm", reset).status_code == 200
    assert refusal(with_key(service, secret, "/v1/me")) == (401, "api_key_invalid")


@pytest.mark.parametrize(
    ("changes", "expected", "pointer"),
    [
        ({"name": ""}, "api_key_not_possible", "/body/name"),
        ({"name": "a\nb"}, "api_key_not_possible", "/body/name"),
        ({"name": None}, "validation_failed", "/body/name"),
        ({"scopes": []}, "api_key_not_possible", "/body/scopes"),
        ({"organization_id": None}, "api_key_not_possible", "/body/scopes"),
        ({"scopes": ["organization:burn"]}, "permission_unknown", "/body/scopes"),
        ({"scopes": ["\0"]}, "permission_unknown", "/body/scopes"),
        ({"scopes": ["x" * 101]}, "validation_failed", "/body/scopes/0"),
        ({"scopes": ["a:b"] * 201}, "validation_failed", "/body/scopes"),
        ({"scopes": "organization:read"}, "validation_failed", "/body/scopes"),
        ({"expires_at": "2026-03-20T12:00:00Z"}, "api_key_not_possible", "/body/expires_at"),
        ({"expires_at": "1999-12-31T23:59:59Z"}, "api_key_not_possible", "/body/expires_at"),
        ({"expires_at": "2026-04-20T12:00:00"}, "validation_failed", "/body/expires_at"),
        ({"expires_at": "2026-04-20"}, "validation_failed", "/body/expires_at"),
        ({"expires_at": "2026-02-30T12:00:00Z"}, "validation_failed", "/body/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:00"}, "validation_failed", "/body/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+23:00"}, "validation_failed", "/body/expires_at"),
        ({"expires_at": "1900000000"}, "validation_failed", "/body/expires_at"),
        ({"expires_at": 1_900_000_000}, "validation_failed", "/body/expires_at"),
        ({"expires_at": "never"}, "validation_failed", "/body/expires_at"),
        ({"secret": "mine"}, "validation_failed", "/body/secret"),
    ],
)
def test_what_a_key_cannot_be(
    service: Service, ada: SignedIn, acme: str, changes: dict[str, Any], expected: str, pointer: str
) -> None:
    body = {"name": "Key", "organization_id": acme, "scopes": ["organization:read"], **changes}
    refused = service.post(MINE, body, by=ada)
    assert (refusal(refused), pointers(refused)) == ((422, expected), [pointer])


def test_a_time_may_be_anywhere_on_earth_and_far_ahead(service: Service, ada: SignedIn) -> None:
    for written, shown in (
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
        ("2026-03-20t08:00:01-05:30", "2026-03-20T13:30:01.000Z"),
    ):
        made = service.post(MINE, {"name": "CI", "expires_at": written}, by=ada)
        assert (made.status_code, made.json()["expires_at"]) == (201, shown)


def test_nobody_makes_a_key_for_an_organization_that_they_are_not_in(service: Service, acme: str) -> None:
    body = {"name": "Key", "organization_id": acme, "scopes": ["organization:read"]}
    eve = service.person("eve")
    assert refusal(service.post(MINE, body, by=eve)) == (404, "organization_not_found")
    unknown = service.post(MINE, body | {"organization_id": str(uuid4())}, by=eve)
    assert refusal(unknown) == (404, "organization_not_found")


def test_nobody_makes_a_key_that_may_do_more_than_they(service: Service, ada: SignedIn, acme: str) -> None:
    bob = service.member(acme, "bob", "member", by=ada)
    body = {"name": "Key", "organization_id": acme, "scopes": ["organization:update"]}
    assert refusal(service.post(MINE, body, by=bob)) == (403, "exceeds_own_rights")


def test_nobody_sees_or_touches_the_keys_of_another(service: Service, ada: SignedIn) -> None:
    key = service.post(MINE, {"name": "CI"}, by=ada).json()
    eve = service.person("eve")
    assert service.get(MINE, by=eve).json()["items"] == []
    for method, call in (("POST", "/rotate"), ("DELETE", "")):
        assert refusal(service.call(method, f"{MINE}/{key['id']}{call}", by=eve)) == (404, "api_key_not_found")
    assert with_key(service, key["secret"], "/v1/me").status_code == 200


def test_a_service_account_gets_a_key(service: Service, ada: SignedIn, acme: str, robots_keys: str) -> None:
    made = service.post(robots_keys, {"name": "Nightly", "scopes": ["members:read"]}, by=ada)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    key = made.json()
    assert (key["organization_id"], key["service_account_id"]) == (acme, robots_keys.split("/")[5])
    assert service.get(robots_keys, by=ada).json()["items"] == [without_secret(key)]
    assert with_key(service, key["secret"], f"/v1/organizations/{acme}/members").status_code == 200
    assert refusal(with_key(service, key["secret"], "/v1/me")) == (403, "no_account")

    rotated = service.post(f"{robots_keys}/{key['id']}/rotate", by=ada)
    assert (rotated.status_code, rotated.headers["cache-control"]) == (200, "no-store")
    for secret in (key["secret"], rotated.json()["secret"]):
        assert with_key(service, secret, f"/v1/organizations/{acme}/members").status_code == 200
    assert service.delete(f"{robots_keys}/{key['id']}", by=ada).status_code == 204
    for secret in (key["secret"], rotated.json()["secret"]):
        assert refusal(with_key(service, secret, "/v1/organizations")) == (401, "api_key_invalid")


def test_no_key_deals_with_keys(service: Service, ada: SignedIn, acme: str, robots_keys: str) -> None:
    scopes = ["api_keys:read", "api_keys:manage"]
    key = service.post(robots_keys, {"name": "Nightly", "scopes": scopes}, by=ada).json()
    for method, path, body in (
        ("GET", MINE, None),
        ("POST", MINE, {"name": "Another"}),
        ("POST", f"{MINE}/{key['id']}/rotate", None),
        ("DELETE", f"{MINE}/{key['id']}", None),
        ("GET", robots_keys, None),
        ("POST", robots_keys, {"name": "Another", "scopes": scopes}),
        ("POST", f"{robots_keys}/{key['id']}/rotate", None),
        ("DELETE", f"{robots_keys}/{key['id']}", None),
    ):
        assert refusal(with_key(service, key["secret"], path, method, body)) == (403, "session_required")


def test_no_secret_is_logged_or_told_of(log: Log, service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    made = service.post(MINE, {"name": "K", "organization_id": acme, "scopes": ["members:read"]}, by=ada).json()
    rotated = service.post(f"{MINE}/{made['id']}/rotate", by=ada).json()
    token = service.post("/v1/me/organization", {"organization_id": acme}, by=ada).json()["access_token"]
    for secret in (made["secret"], rotated["secret"], made["secret"][:-1]):
        with_key(service, secret, f"/v1/organizations/{acme}/members")
        with_key(service, secret, f"/v1/organizations/{acme}")
        service.get(f"/v1/organizations/{secret}", by=ada)
        service.post(MINE, {"name": "K", "scopes": [secret]}, by=ada)
    lines = log.lines()
    assert {line.get("key") for line in lines} == {None, made["id"]}, "which key it was is told"
    told = str(lines) + service.get("/v1/me/export", by=ada).text + service.get(MINE, by=ada).text
    for secret in (made["secret"], rotated["secret"]):
        assert secret[18:40] not in told
        assert secret[-49:] not in told
    assert token not in told


def test_a_key_that_slept_a_year_works_as_on_the_first_day(service: Service, ada: SignedIn) -> None:
    secret = service.post(MINE, {"name": "CI"}, by=ada).json()["secret"]
    service.clock.advance(timedelta(days=365))
    assert with_key(service, secret, "/v1/me").status_code == 200
