from typing import Any
from uuid import uuid4

import pytest

from domain.permissions import Catalogue
from tests.http.service import Bearer, Service, SignedIn, pointers, refusal

ORGANIZATIONS = "/v1/organizations"
READ, MANAGE = "roles:read", "roles:manage"
INVOICES = Catalogue.declare(
    {"invoices:read": "See invoices", "invoices:send": "Send them"},
    of_admin=["invoices:*"],
    of_member=["invoices:read"],
)


def roles(service: Service, organization: str, *, by: Bearer) -> dict[str, dict[str, Any]]:
    page = service.get(f"{ORGANIZATIONS}/{organization}/roles", by=by).json()
    return {item["name"]: item for item in page["items"]}


def test_everybody_sees_the_whole_catalogue(service: Service) -> None:
    service.container.apply_catalogue()(INVOICES)
    ada = service.ada()
    listed = service.get("/v1/permissions", by=ada)
    assert listed.status_code == 200
    items = {item["name"]: item["description"] for item in listed.json()["items"]}
    assert items == dict(INVOICES.permissions)
    assert items["invoices:send"] == "Send them"
    assert list(items) == sorted(items)

    acme = service.organization(ada)
    backend = service.service_account(acme, "member", by=ada)
    for key in (service.personal_key(ada), service.service_key(acme, backend, READ, by=ada)):
        assert service.get("/v1/permissions", by=key).json() == listed.json()
    assert refusal(service.get("/v1/permissions")) == (401, "authentication_required")


def test_three_roles_are_built_in_and_the_catalogue_says_what_they_grant(service: Service) -> None:
    service.container.apply_catalogue()(INVOICES)
    ada = service.ada()
    listed = roles(service, service.organization(ada), by=ada)
    assert list(listed) == ["owner", "admin", "member"]
    assert all(role["is_built_in"] for role in listed.values())
    assert listed["owner"]["permissions"] == sorted(INVOICES.permissions)
    assert listed["admin"]["permissions"] == sorted(INVOICES.of_admin)
    assert listed["member"]["permissions"] == sorted(INVOICES.of_member)


def test_an_organization_makes_roles_of_its_own(service: Service) -> None:
    ada = service.ada()
    acme, initech = service.organization(ada, "Acme"), service.organization(ada, "Initech")
    made = service.post(
        f"{ORGANIZATIONS}/{acme}/roles",
        {"name": "porter", "description": " Lets people in ", "permissions": ["members:read", READ, READ]},
        by=ada,
    )
    expected = {
        "name": "porter",
        "description": "Lets people in",
        "permissions": ["members:read", READ],
        "is_built_in": False,
    }
    assert (made.status_code, made.json()) == (201, expected)
    service.role(acme, "clerk", [READ], by=ada)
    assert list(roles(service, acme, by=ada)) == ["owner", "admin", "member", "clerk", "porter"]
    assert roles(service, acme, by=ada)["porter"] == expected
    assert list(roles(service, initech, by=ada)) == ["owner", "admin", "member"]
    service.role(initech, "porter", [], by=ada)


@pytest.mark.parametrize(
    ("body", "expected", "pointer"),
    [
        ({"name": "", "permissions": []}, "role_invalid", "/body/name"),
        ({"name": "Porter", "permissions": []}, "role_invalid", "/body/name"),
        ({"name": "po\0rter", "permissions": []}, "role_invalid", "/body/name"),
        ({"name": "x" * 41, "permissions": []}, "role_invalid", "/body/name"),
        ({"name": "porter", "description": "x" * 201, "permissions": []}, "role_invalid", "/body/description"),
        ({"name": "porter", "description": "\0", "permissions": []}, "role_invalid", "/body/description"),
        ({"name": "porter", "permissions": ["doors:open"]}, "permission_unknown", "/body/permissions"),
        ({"name": "porter", "permissions": ["\0"]}, "permission_unknown", "/body/permissions"),
        ({"name": "porter", "permissions": ["roles:*"]}, "permission_unknown", "/body/permissions"),
        ({"name": "porter", "permissions": READ}, "validation_failed", "/body/permissions"),
        ({"name": "porter", "permissions": [READ] * 1001}, "validation_failed", "/body/permissions"),
        ({"name": "porter"}, "validation_failed", "/body/permissions"),
        ({"name": "porter", "permissions": [], "is_built_in": True}, "validation_failed", "/body/is_built_in"),
    ],
)
def test_a_role_is_checked(service: Service, body: object, expected: str, pointer: str) -> None:
    ada = service.ada()
    refused = service.post(f"{ORGANIZATIONS}/{service.organization(ada)}/roles", body, by=ada)
    assert (*refusal(refused), pointers(refused)) == (422, expected, [pointer])


@pytest.mark.parametrize("name", ["owner", "admin", "member", "porter"])
def test_no_two_roles_share_a_name(service: Service, name: str) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "porter", [], by=ada)
    again = service.post(f"{ORGANIZATIONS}/{acme}/roles", {"name": name, "permissions": []}, by=ada)
    assert refusal(again) == (409, "role_taken")


def test_an_organization_has_at_most_100_roles_of_its_own(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    for n in range(100):
        service.role(acme, f"role-{n}", [], by=ada)
    one_more = service.post(f"{ORGANIZATIONS}/{acme}/roles", {"name": "one-more", "permissions": []}, by=ada)
    assert refusal(one_more) == (409, "too_many_roles")


def test_a_changed_role_counts_from_the_next_request_of_whoever_has_it(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "porter", ["members:read"], by=ada)
    bob = service.member(acme, "bob", "porter", by=ada)
    key = service.personal_key(bob, acme, "members:read")
    path = f"{ORGANIZATIONS}/{acme}/roles/porter"
    changed = service.patch(path, {"permissions": [READ]}, by=ada)
    assert (changed.status_code, changed.json()["permissions"]) == (200, [READ])
    assert list(roles(service, acme, by=bob)) == ["owner", "admin", "member", "porter"]
    for holder in (bob, key):
        refused = service.get(f"{ORGANIZATIONS}/{acme}/members", by=holder)
        assert refusal(refused) == (403, "permission_denied")

    service.patch(path, {"permissions": ["members:read"]}, by=ada)
    assert service.get(f"{ORGANIZATIONS}/{acme}/members", by=key).status_code == 200


def test_what_a_change_leaves_out_stays(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "porter", [READ], by=ada)
    path = f"{ORGANIZATIONS}/{acme}/roles/porter"

    def changed(**what: object) -> tuple[str, list[str]]:
        response = service.patch(path, what, by=ada)
        assert response.status_code == 200
        assert response.json() == roles(service, acme, by=ada)["porter"]
        return response.json()["description"], response.json()["permissions"]

    assert changed(description="Lets people in") == ("Lets people in", [READ])
    assert changed(permissions=[]) == ("Lets people in", [])
    assert changed() == ("Lets people in", [])
    assert changed(description="") == ("", [])


@pytest.mark.parametrize(
    ("body", "expected", "pointer"),
    [
        ({"permissions": ["doors:open"]}, "permission_unknown", "/body/permissions"),
        ({"description": "\u200b"}, "role_invalid", "/body/description"),
        ({"name": "doorman"}, "validation_failed", "/body/name"),
    ],
)
def test_a_change_is_checked(service: Service, body: object, expected: str, pointer: str) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "porter", [], by=ada)
    refused = service.patch(f"{ORGANIZATIONS}/{acme}/roles/porter", body, by=ada)
    assert (*refusal(refused), pointers(refused)) == (422, expected, [pointer])


@pytest.mark.parametrize("name", ["owner", "admin", "member"])
def test_what_is_built_in_stays_as_it_is(service: Service, name: str) -> None:
    ada = service.ada()
    path = f"{ORGANIZATIONS}/{service.organization(ada)}/roles/{name}"
    assert refusal(service.patch(path, {"permissions": []}, by=ada)) == (409, "role_built_in")
    assert refusal(service.delete(path, by=ada)) == (409, "role_built_in")


@pytest.mark.parametrize("name", ["porter", "Owner", "%00", "%F0%9F%A6%89", "x" * 41])
def test_a_role_that_does_not_exist_is_not_found(service: Service, name: str) -> None:
    ada = service.ada()
    path = f"{ORGANIZATIONS}/{service.organization(ada)}/roles/{name}"
    assert refusal(service.patch(path, {"permissions": []}, by=ada)) == (404, "role_not_found")
    assert refusal(service.delete(path, by=ada)) == (404, "role_not_found")


def test_a_role_that_somebody_has_or_is_invited_to_is_not_deleted(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    path = f"{ORGANIZATIONS}/{acme}/roles"
    for name in ("porter", "clerk", "robot", "nobody"):
        service.role(acme, name, [], by=ada)
    bob = service.member(acme, "bob", "porter", by=ada)
    invitation = service.invite(acme, "carol@example.com", "clerk", by=ada)
    backend = service.service_account(acme, "robot", by=ada)
    for name in ("porter", "clerk", "robot"):
        assert refusal(service.delete(f"{path}/{name}", by=ada)) == (409, "role_in_use")
    assert service.delete(f"{path}/nobody", by=ada).status_code == 204

    service.patch(f"{ORGANIZATIONS}/{acme}/members/{service.id_of(bob)}", {"role": "member"}, by=ada)
    service.delete(f"{ORGANIZATIONS}/{acme}/invitations/{invitation['id']}", by=ada)
    service.delete(f"{ORGANIZATIONS}/{acme}/service-accounts/{backend}", by=ada)
    for name in ("porter", "clerk", "robot"):
        assert service.delete(f"{path}/{name}", by=ada).status_code == 204
    assert list(roles(service, acme, by=ada)) == ["owner", "admin", "member"]
    assert refusal(service.delete(f"{path}/porter", by=ada)) == (404, "role_not_found")


def test_nobody_grants_or_takes_what_they_may_not_do_themselves(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    path = f"{ORGANIZATIONS}/{acme}/roles"
    service.role(acme, "liquidator", ["organization:delete"], by=ada)
    bob = service.member(acme, "bob", "admin", by=ada)

    def refused(method: str, name: str = "", body: object = None, *, by: Bearer = bob) -> tuple[int, str]:
        return refusal(service.call(method, path + name, body, by=by))

    exceeds = (403, "exceeds_own_rights")
    assert refused("POST", body={"name": "boss", "permissions": ["organization:delete"]}) == exceeds
    assert refused("PATCH", "/liquidator", {"permissions": []}) == exceeds
    assert refused("DELETE", "/liquidator") == exceeds
    service.role(acme, "porter", [READ], by=bob)
    assert refused("PATCH", "/porter", {"permissions": ["organization:delete"]}) == exceeds

    key = service.personal_key(ada, acme, READ, MANAGE)
    assert refused("POST", body={"name": "boss", "permissions": ["members:manage"]}, by=key) == exceeds
    assert service.patch(f"{path}/porter", {"permissions": [READ, MANAGE]}, by=key).status_code == 200
    assert service.delete(f"{path}/porter", by=key).status_code == 204


def test_a_member_sees_the_roles_and_changes_none(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "porter", [], by=ada)
    service.role(acme, "guest", [], by=ada)
    bob, carol = (service.member(acme, name, role, by=ada) for name, role in (("bob", "member"), ("carol", "guest")))
    assert roles(service, acme, by=bob) == roles(service, acme, by=ada)
    path = f"{ORGANIZATIONS}/{acme}/roles"
    for refused, permission in (
        (service.post(path, {"name": "mine", "permissions": []}, by=bob), MANAGE),
        (service.patch(f"{path}/porter", {"permissions": []}, by=bob), MANAGE),
        (service.delete(f"{path}/porter", by=bob), MANAGE),
        (service.get(path, by=carol), READ),
    ):
        assert refusal(refused) == (403, "permission_denied")
        assert refused.json()["permission"] == permission


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "", {"name": "spy", "permissions": []}),
        ("PATCH", "/porter", {"permissions": []}),
        ("DELETE", "/porter", None),
    ],
)
def test_across_organizations_nothing_exists(service: Service, method: str, path: str, body: object) -> None:
    ada, eve = service.ada(), service.person("eve")
    acme = service.organization(ada)
    service.role(acme, "porter", [READ], by=ada)
    service.organization(eve)

    def called(organization: object, by: SignedIn | None) -> tuple[int, str]:
        return refusal(service.call(method, f"{ORGANIZATIONS}/{organization}/roles{path}", body, by=by))

    assert called(acme, eve) == called(uuid4(), eve) == (404, "organization_not_found")
    assert called(acme, None) == (401, "authentication_required")
    assert list(roles(service, acme, by=ada)) == ["owner", "admin", "member", "porter"]
