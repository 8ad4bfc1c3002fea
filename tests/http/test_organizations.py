from uuid import uuid4

import pytest

from tests.builders import MINUTE
from tests.http.conftest import Serve
from tests.http.service import ADA, PASSWORD, Service, SignedIn, pointers, refusal

ORGANIZATIONS = "/v1/organizations"
READ, UPDATE, DELETE = "organization:read", "organization:update", "organization:delete"


def test_whoever_makes_an_organization_owns_it(service: Service) -> None:
    ada = service.ada()
    made = service.post(ORGANIZATIONS, {"name": " Acme ", "slug": "acme"}, by=ada)
    assert made.status_code == 201
    organization = made.json()
    assert organization == {
        "id": organization["id"],
        "name": "Acme",
        "slug": "acme",
        "requires_second_factor": False,
        "created_at": "2026-03-20T12:00:00.000Z",
        "role": "owner",
    }
    shown = service.get(f"{ORGANIZATIONS}/{organization['id']}", by=ada)
    assert (shown.status_code, shown.json()) == (200, organization)


def test_a_slug_that_was_left_out_is_made_of_the_name(service: Service) -> None:
    made = service.post(ORGANIZATIONS, {"name": "Café & Söhne"}, by=service.ada()).json()
    assert made["slug"] == f"cafe-sohne-{made['id'][-12:]}"


@pytest.mark.parametrize(
    ("body", "expected", "pointer"),
    [
        ({"name": ""}, "organization_name_invalid", "/body/name"),
        ({"name": "x" * 101}, "organization_name_invalid", "/body/name"),
        ({"name": "Ac\0me"}, "organization_name_invalid", "/body/name"),
        ({"name": "x" * 401}, "validation_failed", "/body/name"),
        ({"name": None}, "validation_failed", "/body/name"),
        ({}, "validation_failed", "/body/name"),
        ({"name": "Acme", "slug": "ac"}, "slug_invalid", "/body/slug"),
        ({"name": "Acme", "slug": "Acme"}, "slug_invalid", "/body/slug"),
        ({"name": "Acme", "slug": "acme-"}, "slug_invalid", "/body/slug"),
        ({"name": "Acme", "slug": "ac\0me"}, "slug_invalid", "/body/slug"),
        ({"name": "Acme", "role": "owner"}, "validation_failed", "/body/role"),
    ],
)
def test_an_organization_is_called_something_sensible(
    service: Service, body: object, expected: str, pointer: str
) -> None:
    refused = service.post(ORGANIZATIONS, body, by=service.ada())
    assert (*refusal(refused), pointers(refused)) == (422, expected, [pointer])


def test_no_two_organizations_share_a_slug(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada, slug="acme")
    refused = service.post(ORGANIZATIONS, {"name": "Another", "slug": "acme"}, by=service.person("eve"))
    assert refusal(refused) == (409, "slug_taken")
    other = service.organization(ada, slug="other")
    assert refusal(service.patch(f"{ORGANIZATIONS}/{other}", {"slug": "acme"}, by=ada)) == (409, "slug_taken")

    service.patch(f"{ORGANIZATIONS}/{acme}", {"slug": "renamed"}, by=ada)
    assert service.patch(f"{ORGANIZATIONS}/{other}", {"slug": "acme"}, by=ada).status_code == 200


def test_whoever_makes_an_organization_has_proved_their_address(serve: Serve) -> None:
    service = serve(REGISTRATION_REQUIRES_VERIFICATION="false")
    assert service.post("/v1/accounts", {"email": ADA, "password": PASSWORD}).status_code == 201
    refused = service.post(ORGANIZATIONS, {"name": "Acme"}, by=service.sign_in())
    assert refusal(refused) == (409, "email_unverified")


def test_a_member_sees_an_organization_with_the_role_that_they_have(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "member", by=ada)
    assert service.get(f"{ORGANIZATIONS}/{acme}", by=bob).json()["role"] == "member"


def test_my_organizations_are_those_i_am_in_oldest_first(service: Service) -> None:
    ada, bob = service.ada(), service.person("bob")
    acme, _, initech = (service.organization(ada, name) for name in ("Acme", "Umbrella", "Initech"))
    for organization, role in ((acme, "member"), (initech, "admin")):
        service.join(organization, bob, role, by=ada)
        service.clock.advance(MINUTE)
    page = service.get(ORGANIZATIONS, by=bob).json()
    assert [(item["id"], item["role"]) for item in page["items"]] == [(acme, "member"), (initech, "admin")]
    assert page["next_cursor"] is None
    assert service.get(ORGANIZATIONS, by=service.person("eve")).json() == {"items": [], "next_cursor": None}


def test_a_long_list_of_organizations_comes_in_pages(service: Service) -> None:
    ada = service.ada()
    made = [service.organization(ada, f"Number {n}") for n in range(5)]
    seen: list[str] = []
    parameters = {"limit": "2"}
    while True:
        page = service.get(ORGANIZATIONS, by=ada, params=parameters).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert seen == made


@pytest.mark.parametrize("cursor", ["", "x", "\0", "AAAA", "bm90IGFuIGlk"])
def test_a_cursor_that_was_not_given_out_is_refused(service: Service, cursor: str) -> None:
    refused = service.get(ORGANIZATIONS, by=service.ada(), params={"cursor": cursor})
    assert refusal(refused) == (422, "cursor_invalid")


def test_name_and_slug_are_changed_each_alone(service: Service) -> None:
    ada = service.ada()
    path = f"{ORGANIZATIONS}/{service.organization(ada, slug='acme')}"

    def changed(**what: str | None) -> tuple[str, str]:
        response = service.patch(path, what, by=ada)
        assert response.status_code == 200
        assert response.json() == service.get(path, by=ada).json()
        return response.json()["name"], response.json()["slug"]

    assert changed(name="Acme Inc.") == ("Acme Inc.", "acme")
    assert changed(slug="acme-inc") == ("Acme Inc.", "acme-inc")
    assert changed() == changed(name=None, slug=None) == ("Acme Inc.", "acme-inc")


@pytest.mark.parametrize(
    ("body", "expected", "pointer"),
    [
        ({"name": "\u202e"}, "organization_name_invalid", "/body/name"),
        ({"slug": "-acme"}, "slug_invalid", "/body/slug"),
        ({"created_at": "now"}, "validation_failed", "/body/created_at"),
    ],
)
def test_a_change_is_checked(service: Service, body: object, expected: str, pointer: str) -> None:
    ada = service.ada()
    refused = service.patch(f"{ORGANIZATIONS}/{service.organization(ada)}", body, by=ada)
    assert (*refusal(refused), pointers(refused)) == (422, expected, [pointer])


def test_a_member_changes_and_deletes_nothing_and_an_admin_deletes_nothing(service: Service) -> None:
    ada = service.ada()
    path = f"{ORGANIZATIONS}/{service.organization(ada, slug='acme')}"
    acme = service.get(path, by=ada).json()["id"]
    bob, carol = (service.member(acme, name, role, by=ada) for name, role in (("bob", "member"), ("carol", "admin")))
    refused = service.patch(path, {"name": "Bob's"}, by=bob)
    assert refusal(refused) == (403, "permission_denied")
    assert refused.json()["permission"] == UPDATE
    assert refused.json()["because"] == ["membership", "role_lacks"]
    assert service.patch(path, {"name": "Carol's"}, by=carol).status_code == 200
    for person in (bob, carol):
        assert refusal(service.delete(f"{path}?confirm=acme", by=person)) == (403, "permission_denied")


@pytest.mark.parametrize("confirm", ["", "?confirm=", "?confirm=acme-2", "?confirm=Acme", "?confirm=%00"])
def test_deleting_asks_for_the_slug(service: Service, confirm: str) -> None:
    ada = service.ada()
    path = f"{ORGANIZATIONS}/{service.organization(ada, slug='acme')}"
    refused = service.delete(path + confirm, by=ada)
    assert (*refusal(refused), pointers(refused)) == (422, "deletion_unconfirmed", ["/query/confirm"])
    assert service.get(path, by=ada).status_code == 200


def test_a_deleted_organization_is_gone_at_once_for_everybody(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada, slug="acme")
    bob = service.member(acme, "bob", "admin", by=ada)
    key = service.personal_key(bob, acme, READ)
    service.invite(acme, "carol@example.com", "member", by=ada)
    carol = service.person("carol")
    token = service.get("/v1/me/invitations", by=carol).json()["items"][0]["token"]

    assert service.delete(f"{ORGANIZATIONS}/{acme}?confirm=acme", by=ada).status_code == 204
    for person in (ada, bob):
        assert refusal(service.get(f"{ORGANIZATIONS}/{acme}", by=person)) == (404, "organization_not_found")
        assert service.get(ORGANIZATIONS, by=person).json()["items"] == []
    assert refusal(service.get(f"{ORGANIZATIONS}/{acme}", by=key)) == (401, "api_key_invalid")
    assert service.get("/v1/me/invitations", by=carol).json()["items"] == []
    assert refusal(service.post("/v1/invitations/accept", {"token": token}, by=carol)) == (422, "token_invalid")
    service.organization(carol, slug="acme")


def test_a_key_sees_the_one_organization_that_it_was_made_for(service: Service) -> None:
    ada = service.ada()
    acme, initech = service.organization(ada, "Acme"), service.organization(ada, "Initech")
    backend = service.service_account(acme, "admin", by=ada)
    keys = service.personal_key(ada, acme, READ), service.service_key(acme, backend, READ, by=ada)
    for key, role in zip(keys, ("owner", "admin"), strict=True):
        page = service.get(ORGANIZATIONS, by=key).json()
        assert [(item["id"], item["role"]) for item in page["items"]] == [(acme, role)]
        assert service.get(f"{ORGANIZATIONS}/{acme}", by=key).json()["role"] == role
        assert refusal(service.get(f"{ORGANIZATIONS}/{initech}", by=key)) == (404, "organization_not_found")


def test_a_key_without_an_organization_lists_all_and_enters_none(service: Service) -> None:
    ada = service.ada()
    made = [service.organization(ada, name) for name in ("Acme", "Initech")]
    key = service.personal_key(ada)
    assert [item["id"] for item in service.get(ORGANIZATIONS, by=key).json()["items"]] == made
    for id in made:
        assert refusal(service.get(f"{ORGANIZATIONS}/{id}", by=key)) == (404, "organization_not_found")


def test_a_key_does_what_its_scopes_name_and_makes_and_deletes_no_organization(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada, slug="acme")
    path = f"{ORGANIZATIONS}/{acme}"
    reads = service.personal_key(ada, acme, READ)
    refused = service.patch(path, {"name": "A program's"}, by=reads)
    assert refusal(refused) == (403, "permission_denied")
    assert refused.json()["because"] == ["membership", "role_grants", "scope_lacks"]
    all_of_it = service.personal_key(ada, acme, READ, UPDATE, DELETE)
    assert service.patch(path, {"name": "A program's"}, by=all_of_it).status_code == 200
    assert refusal(service.delete(f"{path}?confirm=acme", by=all_of_it)) == (403, "session_required")
    assert refusal(service.post(ORGANIZATIONS, {"name": "Mine"}, by=all_of_it)) == (403, "session_required")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "", {"name": "Acme"}), ("GET", "", None), ("GET", "/{id}", None), ("DELETE", "/{id}", None)],
)
def test_a_stranger_is_asked_who_they_are(service: Service, method: str, path: str, body: object) -> None:
    refused = service.call(method, ORGANIZATIONS + path.format(id=uuid4()), body)
    assert refusal(refused) == (401, "authentication_required")


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"name": "Eve's"}), ("DELETE", None)])
def test_an_organization_of_others_is_as_one_that_does_not_exist(service: Service, method: str, body: object) -> None:
    acme, eve = service.organization(service.ada()), service.person("eve")
    service.organization(eve)
    theirs, nowhere = (service.call(method, f"{ORGANIZATIONS}/{id}", body, by=eve) for id in (acme, uuid4()))
    assert refusal(theirs) == refusal(nowhere) == (404, "organization_not_found")
    assert theirs.json()["detail"] == nowhere.json()["detail"]


def test_the_export_says_where_one_belongs_what_waits_and_which_keys_there_are(service: Service) -> None:
    ada = service.ada()
    acme, initech = service.organization(ada, "Acme"), service.organization(service.person("bob"), "Initech")
    key = service.personal_key(ada, acme, READ)
    bob = service.sign_in("bob@example.com")
    invitation = service.invite(initech, ADA, "member", by=bob)

    exported = service.get("/v1/me/export", by=ada)
    assert exported.json()["memberships"] == [
        {"organization_id": acme, "role": "owner", "created_at": "2026-03-20T12:00:00.000Z"}
    ]
    assert exported.json()["invitations"] == [
        {
            "id": invitation["id"],
            "organization_id": initech,
            "role": "member",
            "created_at": "2026-03-20T12:00:00.000Z",
            "expires_at": "2026-03-22T12:00:00.000Z",
        }
    ]
    assert exported.json()["api_keys"] == [
        {
            "id": key.key_id,
            "organization_id": acme,
            "name": "A key",
            "scopes": [READ],
            "prefix": key.made.key.prefix,
            "created_at": "2026-03-20T12:00:00.000Z",
            "expires_at": None,
            "last_used_at": None,
        }
    ]
    assert key.made.secret not in exported.text
    assert key.made.key.digest not in exported.text


def test_whoever_closes_their_account_leaves_no_organization_without_an_owner(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada, slug="acme")
    bob = service.member(acme, "bob", "member", by=ada)

    def close(person: SignedIn) -> tuple[int, str] | int:
        response = service.post("/v1/me/close", {"password": PASSWORD}, by=person)
        return response.status_code if response.is_success else refusal(response)

    assert close(ada) == (409, "last_owner")
    assert close(bob) == 204
    members = service.get(f"{ORGANIZATIONS}/{acme}/members", by=ada).json()["items"]
    assert [member["email"] for member in members] == [ADA]
    service.delete(f"{ORGANIZATIONS}/{acme}?confirm=acme", by=ada)
    assert close(ada) == 204
