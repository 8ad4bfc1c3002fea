from uuid import uuid4

import pytest

from tests.http.service import ADA, Bearer, Service, SignedIn, pointers, refusal

ORGANIZATIONS = "/v1/organizations"
READ, MANAGE = "members:read", "members:manage"


def members(service: Service, organization: str, *, by: Bearer) -> dict[str, str]:
    """Their roles by address."""
    page = service.get(f"{ORGANIZATIONS}/{organization}/members", by=by).json()
    return {item["email"]: item["role"] for item in page["items"]}


def path_to(service: Service, organization: str, person: SignedIn) -> str:
    return f"{ORGANIZATIONS}/{organization}/members/{service.id_of(person)}"


def test_members_see_who_is_a_member_and_as_what(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "member", by=ada)
    page = service.get(f"{ORGANIZATIONS}/{acme}/members", by=bob)
    assert page.status_code == 200
    assert page.json() == {
        "items": [
            {
                "account_id": service.id_of(person),
                "email": email,
                "display_name": name,
                "role": role,
                "created_at": "2026-03-20T12:00:00.000Z",
            }
            for person, email, name, role in (
                (ada, ADA, "Ada", "owner"),
                (bob, "bob@example.com", "Bob", "member"),
            )
        ],
        "next_cursor": None,
    }


def test_a_long_list_of_members_comes_in_pages(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    for n in range(4):
        service.member(acme, f"bob-{n}", "member", by=ada)
    seen: list[str] = []
    parameters = {"limit": "2"}
    while True:
        page = service.get(f"{ORGANIZATIONS}/{acme}/members", by=ada, params=parameters).json()
        seen += [item["email"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert seen == [ADA, *(f"bob-{n}@example.com" for n in range(4))]


@pytest.mark.parametrize("parameters", [{"cursor": "x"}, {"cursor": "bm90IGFuIGlk"}, {"cursor": "\0"}])
def test_a_cursor_that_was_not_given_out_is_refused(service: Service, parameters: dict[str, str]) -> None:
    ada = service.ada()
    refused = service.get(f"{ORGANIZATIONS}/{service.organization(ada)}/members", by=ada, params=parameters)
    assert refusal(refused) == (422, "cursor_invalid")


def test_a_new_role_counts_from_the_next_request(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "admin", by=ada)
    path = path_to(service, acme, bob)
    assert service.patch(f"{ORGANIZATIONS}/{acme}", {"name": "Bob's"}, by=bob).status_code == 200
    changed = service.patch(path, {"role": "member"}, by=ada)
    assert changed.status_code == 200
    assert changed.json() == {
        "account_id": service.id_of(bob),
        "email": "bob@example.com",
        "display_name": "Bob",
        "role": "member",
        "created_at": "2026-03-20T12:00:00.000Z",
    }
    assert refusal(service.patch(f"{ORGANIZATIONS}/{acme}", {"name": "Bob's"}, by=bob)) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("body", "expected", "pointer"),
    [
        ({"role": "boss"}, "role_unknown", "/body/role"),
        ({"role": "Owner"}, "role_unknown", "/body/role"),
        ({"role": ""}, "role_unknown", "/body/role"),
        ({"role": "a\0b"}, "role_unknown", "/body/role"),
        ({"role": "x" * 401}, "validation_failed", "/body/role"),
        ({"role": None}, "validation_failed", "/body/role"),
        ({}, "validation_failed", "/body/role"),
        ({"role": "admin", "email": ADA}, "validation_failed", "/body/email"),
    ],
)
def test_only_a_role_that_exists_is_given(service: Service, body: object, expected: str, pointer: str) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "member", by=ada)
    refused = service.patch(path_to(service, acme, bob), body, by=ada)
    assert (*refusal(refused), pointers(refused)) == (422, expected, [pointer])
    assert members(service, acme, by=ada)["bob@example.com"] == "member"


def test_an_admin_makes_admins_and_touches_no_owner(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob, carol = (service.member(acme, name, role, by=ada) for name, role in (("bob", "admin"), ("carol", "member")))
    assert service.patch(path_to(service, acme, carol), {"role": "admin"}, by=bob).status_code == 200
    for path, role in ((path_to(service, acme, carol), "owner"), (path_to(service, acme, ada), "member")):
        assert refusal(service.patch(path, {"role": role}, by=bob)) == (403, "exceeds_own_rights")
    assert refusal(service.delete(path_to(service, acme, ada), by=bob)) == (403, "exceeds_own_rights")
    assert members(service, acme, by=ada) == {ADA: "owner", "bob@example.com": "admin", "carol@example.com": "admin"}


def test_nobody_deals_with_members_who_may_do_more_than_they(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "porter", [READ, MANAGE], by=ada)
    bob = service.member(acme, "bob", "porter", by=ada)
    carol, dan = (service.member(acme, name, role, by=ada) for name, role in (("carol", "admin"), ("dan", "porter")))
    assert refusal(service.patch(path_to(service, acme, dan), {"role": "admin"}, by=bob)) == (403, "exceeds_own_rights")
    assert refusal(service.patch(path_to(service, acme, carol), {"role": "porter"}, by=bob)) == (
        403,
        "exceeds_own_rights",
    )
    assert refusal(service.delete(path_to(service, acme, carol), by=bob)) == (403, "exceeds_own_rights")
    assert service.delete(path_to(service, acme, dan), by=bob).status_code == 204


def test_a_member_changes_and_removes_nobody(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob, carol = (service.member(acme, name, "member", by=ada) for name in ("bob", "carol"))
    for refused in (
        service.patch(path_to(service, acme, carol), {"role": "member"}, by=bob),
        service.delete(path_to(service, acme, carol), by=bob),
    ):
        assert refusal(refused) == (403, "permission_denied")
        assert refused.json()["permission"] == MANAGE


def test_a_removed_member_and_their_keys_are_out_at_once(service: Service) -> None:
    ada = service.ada()
    acme, initech = service.organization(ada, "Acme"), service.organization(ada, "Initech")
    bob = service.member(acme, "bob", "member", by=ada)
    service.join(initech, bob, "member", by=ada)
    key, elsewhere = (service.personal_key(bob, id, READ) for id in (acme, initech))
    path = path_to(service, acme, bob)
    assert service.delete(path, by=ada).status_code == 204
    assert refusal(service.get(f"{ORGANIZATIONS}/{acme}", by=bob)) == (404, "organization_not_found")
    assert refusal(service.get(f"{ORGANIZATIONS}/{acme}/members", by=key)) == (401, "api_key_invalid")
    assert members(service, initech, by=elsewhere)["bob@example.com"] == "member"
    assert refusal(service.delete(path, by=ada)) == (404, "member_not_found")
    assert refusal(service.patch(path, {"role": "admin"}, by=ada)) == (404, "member_not_found")


def test_the_last_owner_neither_leaves_nor_is_demoted_nor_removed(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "admin", by=ada)
    path, me = path_to(service, acme, ada), f"{ORGANIZATIONS}/{acme}/members/me"
    for refused in (
        service.delete(me, by=ada),
        service.delete(path, by=ada),
        service.patch(path, {"role": "admin"}, by=ada),
    ):
        assert refusal(refused) == (409, "last_owner")
    assert service.patch(path, {"role": "owner"}, by=ada).status_code == 200

    assert service.patch(path_to(service, acme, bob), {"role": "owner"}, by=ada).status_code == 200
    assert service.delete(me, by=ada).status_code == 204
    assert members(service, acme, by=bob) == {"bob@example.com": "owner"}


def test_anybody_else_leaves_as_they_please(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "member", by=ada)
    key = service.personal_key(bob, acme, READ)
    assert refusal(service.delete(f"{ORGANIZATIONS}/{acme}/members/me", by=key)) == (403, "session_required")
    assert service.delete(f"{ORGANIZATIONS}/{acme}/members/me", by=bob).status_code == 204
    assert members(service, acme, by=ada) == {ADA: "owner"}
    for gone in (bob, key):
        assert service.get(f"{ORGANIZATIONS}/{acme}/members", by=gone).status_code in {401, 404}
    service.join(acme, bob, "admin", by=ada)
    assert refusal(service.get(f"{ORGANIZATIONS}/{acme}/members", by=key)) == (401, "api_key_invalid")


def test_a_program_manages_members_as_far_as_role_and_scopes_go(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "porter", [READ, MANAGE], by=ada)
    bob, carol = (service.member(acme, name, role, by=ada) for name, role in (("bob", "porter"), ("carol", "admin")))
    backend = service.service_account(acme, "porter", by=ada)
    program = service.service_key(acme, backend, READ, MANAGE, by=ada)
    onlooker = service.service_key(acme, backend, READ, by=ada)
    assert members(service, acme, by=onlooker) == members(service, acme, by=ada)
    assert refusal(service.delete(path_to(service, acme, bob), by=onlooker)) == (403, "permission_denied")
    assert refusal(service.delete(path_to(service, acme, carol), by=program)) == (403, "exceeds_own_rights")
    assert service.patch(path_to(service, acme, bob), {"role": "porter"}, by=program).status_code == 200
    assert service.delete(path_to(service, acme, bob), by=program).status_code == 204


def test_an_owner_deals_with_owners_in_person_only(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "member", by=ada)
    everything = [item["name"] for item in service.get("/v1/permissions", by=ada).json()["items"]]
    key = service.personal_key(ada, acme, *everything)
    assert refusal(service.patch(path_to(service, acme, bob), {"role": "owner"}, by=key)) == (403, "exceeds_own_rights")
    assert service.patch(path_to(service, acme, bob), {"role": "owner"}, by=ada).status_code == 200
    assert refusal(service.delete(path_to(service, acme, bob), by=key)) == (403, "exceeds_own_rights")
    assert service.delete(path_to(service, acme, bob), by=ada).status_code == 204


CALLS = [
    ("GET", "", None),
    ("DELETE", "/me", None),
    ("PATCH", "/{account_id}", {"role": "member"}),
    ("DELETE", "/{account_id}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_across_organizations_nothing_exists(service: Service, method: str, path: str, body: object) -> None:
    ada, eve = service.ada(), service.person("eve")
    acme = service.organization(ada)
    service.organization(eve)
    path = f"/members{path}".format(account_id=service.id_of(ada))
    theirs, nowhere = (service.call(method, f"{ORGANIZATIONS}/{id}{path}", body, by=eve) for id in (acme, uuid4()))
    assert refusal(theirs) == refusal(nowhere) == (404, "organization_not_found")
    assert refusal(service.call(method, f"{ORGANIZATIONS}/{acme}{path}", body)) == (401, "authentication_required")


def test_members_of_another_organization_are_not_found_in_this(service: Service) -> None:
    ada, eve = service.ada(), service.person("eve")
    service.organization(ada)
    path = path_to(service, service.organization(eve), ada)
    assert refusal(service.patch(path, {"role": "member"}, by=eve)) == (404, "member_not_found")
    assert refusal(service.delete(path, by=eve)) == (404, "member_not_found")


@pytest.mark.parametrize("id", ["1", "ada", "%00", "0" * 33])
def test_what_is_no_id_is_refused_as_such(service: Service, id: str) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    for path in (f"{ORGANIZATIONS}/{id}/members", f"{ORGANIZATIONS}/{acme}/members/{id}"):
        assert refusal(service.delete(path + "/me" if path.endswith("members") else path, by=ada)) == (
            422,
            "validation_failed",
        )
