from uuid import uuid4

import pytest

from tests.http.service import Service, SignedIn, pointers, refusal


@pytest.fixture
def ada(service: Service) -> SignedIn:
    return service.ada()


@pytest.fixture
def path(service: Service, ada: SignedIn) -> str:
    return f"/v1/organizations/{service.organization(ada)}/service-accounts"


def test_a_service_account_is_made_changed_and_deleted(service: Service, ada: SignedIn, path: str) -> None:
    made = service.post(path, {"name": " Nightly export ", "role": "member"}, by=ada)
    assert made.status_code == 201
    account = made.json()
    assert account == {
        "id": account["id"],
        "organization_id": path.split("/")[3],
        "name": "Nightly export",
        "role": "member",
        "created_at": "2026-03-20T12:00:00.000Z",
    }
    assert service.get(path, by=ada).json() == {"items": [account], "next_cursor": None}

    for change in ({"name": "Export"}, {"role": "admin"}, {}):
        changed = service.patch(f"{path}/{account['id']}", change, by=ada)
        account |= change
        assert (changed.status_code, changed.json()) == (200, account)

    deleted = service.delete(f"{path}/{account['id']}", by=ada)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert service.get(path, by=ada).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "expected", "pointer"),
    [
        ({"name": "", "role": "member"}, "service_account_invalid", "/body/name"),
        ({"name": "x" * 101, "role": "member"}, "service_account_invalid", "/body/name"),
        ({"name": "x" * 401, "role": "member"}, "validation_failed", "/body/name"),
        ({"name": "Export", "role": "owner"}, "service_account_invalid", "/body/role"),
        ({"name": "Export", "role": "nobody"}, "role_unknown", "/body/role"),
        ({"name": "Export", "role": "\0"}, "role_unknown", "/body/role"),
        ({"name": "Export"}, "validation_failed", "/body/role"),
        ({"name": "Export", "role": "member", "id": str(uuid4())}, "validation_failed", "/body/id"),
    ],
)
def test_what_a_service_account_cannot_be(
    service: Service, ada: SignedIn, path: str, body: dict[str, str], expected: str, pointer: str
) -> None:
    refused = service.post(path, body, by=ada)
    assert (refusal(refused), pointers(refused)) == ((422, expected), [pointer])


def test_nobody_makes_one_that_may_do_more_than_they(service: Service, ada: SignedIn, path: str) -> None:
    organization = path.split("/")[3]
    service.role(organization, "robots", ["service_accounts:manage"], by=ada)
    bob = service.member(organization, "bob", "robots", by=ada)
    refused = service.post(path, {"name": "Export", "role": "member"}, by=bob)
    assert refusal(refused) == (403, "exceeds_own_rights")
    assert service.post(path, {"name": "Export", "role": "robots"}, by=bob).status_code == 201


def test_whoever_lacks_the_permission_is_told_which_and_why(service: Service, ada: SignedIn, path: str) -> None:
    bob = service.member(path.split("/")[3], "bob", "member", by=ada)
    refused = service.get(path, by=bob)
    assert refusal(refused) == (403, "permission_denied")
    assert refused.json()["permission"] == "service_accounts:read"
    assert refused.json()["because"] == ["membership", "role_lacks"]


def test_an_unknown_one_is_not_found(service: Service, ada: SignedIn, path: str) -> None:
    unknown = f"{path}/{uuid4()}"
    for method, call, body in (
        ("PATCH", "", {"name": "Export"}),
        ("DELETE", "", None),
        ("GET", "/api-keys", None),
        ("POST", "/api-keys", {"name": "Key", "scopes": ["members:read"]}),
    ):
        assert refusal(service.call(method, unknown + call, body, by=ada)) == (404, "service_account_not_found")


def test_a_long_list_comes_in_pages(service: Service, ada: SignedIn, path: str) -> None:
    made = [service.post(path, {"name": f"n{n}", "role": "member"}, by=ada).json()["id"] for n in range(3)]
    first = service.get(path, by=ada, params={"limit": 2}).json()
    rest = service.get(path, by=ada, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == made
    assert rest["next_cursor"] is None
    assert refusal(service.get(path, by=ada, params={"cursor": "eA"})) == (422, "cursor_invalid")


def test_a_deleted_one_is_out_at_once(service: Service, ada: SignedIn, path: str) -> None:
    organization = path.split("/")[3]
    robot = service.service_account(organization, "admin", by=ada)
    key = service.service_key(organization, robot, "organization:read", by=ada)
    assert service.get(f"/v1/organizations/{organization}", headers=key.bearer).status_code == 200
    service.delete(f"{path}/{robot}", by=ada)
    refused = service.get(f"/v1/organizations/{organization}", headers=key.bearer)
    assert refusal(refused) == (401, "api_key_invalid")
