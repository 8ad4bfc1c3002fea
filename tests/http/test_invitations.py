from typing import Any
from uuid import uuid4

import pytest

from tests.builders import DAY, HOUR, MINUTE
from tests.http.conftest import Serve
from tests.http.service import ADA, PASSWORD, Service, SignedIn, pointers, refusal

ORGANIZATIONS = "/v1/organizations"
BOB = "bob@example.com"
READ, MANAGE = "invitations:read", "invitations:manage"


def received(service: Service, person: SignedIn) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = service.get("/v1/me/invitations", by=person).json()["items"]
    return items


def accept(service: Service, token: str, *, by: SignedIn) -> tuple[int, str] | int:
    response = service.post("/v1/invitations/accept", {"token": token}, by=by)
    return response.status_code if response.is_success else refusal(response)


def waiting(service: Service, organization: str, *, by: SignedIn) -> list[str]:
    page = service.get(f"{ORGANIZATIONS}/{organization}/invitations", by=by).json()
    return [item["email"] for item in page["items"]]


def test_an_invitation_goes_by_mail_and_its_token_nowhere_else(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    invited = service.post(
        f"{ORGANIZATIONS}/{acme}/invitations", {"email": "Bob@EXAMPLE.com", "role": "member"}, by=ada
    )
    assert invited.status_code == 201
    invitation = invited.json()
    assert invitation == {
        "id": invitation["id"],
        "email": BOB,
        "role": "member",
        "invited_by": service.id_of(ada),
        "created_at": "2026-03-20T12:00:00.000Z",
        "expires_at": "2026-03-22T12:00:00.000Z",
    }
    page = service.get(f"{ORGANIZATIONS}/{acme}/invitations", by=ada).json()
    assert page == {"items": [invitation], "next_cursor": None}
    [mail] = service.mail_to(BOB)
    assert mail.token
    assert f"http://localhost:8000/accept-invitation#token={mail.token}\n" in mail.text


def test_whoever_has_proved_the_address_sees_and_accepts(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada, slug="acme")
    bob = service.person("bob")
    invitation = service.invite(acme, BOB, "admin", by=ada)
    listed = service.get("/v1/me/invitations", by=bob)
    assert listed.headers["cache-control"] == "no-store"
    token = service.token_to(BOB)
    assert listed.json() == {
        "items": [
            {
                "id": invitation["id"],
                "organization": {"id": acme, "name": "Acme", "slug": "acme"},
                "role": "admin",
                "expires_at": "2026-03-22T12:00:00.000Z",
                "token": token,
            }
        ]
    }
    joined = service.post("/v1/invitations/accept", {"token": token}, by=bob)
    assert joined.status_code == 200
    assert joined.json() == service.get(f"{ORGANIZATIONS}/{acme}", by=bob).json()
    assert joined.json()["role"] == "admin"
    assert not received(service, bob)
    assert not waiting(service, acme, by=ada)


def test_a_token_is_used_once(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.person("bob")
    service.invite(acme, BOB, "member", by=ada)
    token = service.token_to(BOB)
    assert accept(service, token, by=bob) == 200
    assert accept(service, token, by=bob) == (422, "token_invalid")
    assert refusal(service.post("/v1/invitations/decline", {"token": token})) == (422, "token_invalid")


def test_only_the_account_that_has_proved_the_address_accepts(service: Service) -> None:
    ada = service.ada()
    acme, eve = service.organization(ada), service.person("eve")
    service.invite(acme, BOB, "member", by=ada)
    token = service.token_to(BOB)
    assert accept(service, token, by=eve) == (403, "invitation_for_another")
    assert received(service, eve) == []
    assert accept(service, token, by=service.person("bob")) == 200


def test_an_address_that_was_never_proved_gets_no_invitation(serve: Serve) -> None:
    service = serve(REGISTRATION_REQUIRES_VERIFICATION="false")
    olga = service.operator()
    acme = service.organization(olga)
    service.invite(acme, BOB, "member", by=olga)
    token = service.token_to(BOB)
    service.post("/v1/accounts", {"email": BOB, "password": PASSWORD})
    bob = service.sign_in(BOB)
    assert received(service, bob) == []
    assert accept(service, token, by=bob) == (403, "invitation_for_another")


def test_an_invitation_lives_48_hours(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.person("bob")
    invitation = service.invite(acme, BOB, "member", by=ada)
    token = service.token_to(BOB)
    service.clock.advance(2 * DAY)
    bob, ada = service.sign_in(BOB), service.sign_in()
    assert accept(service, token, by=bob) == (422, "token_invalid")
    assert not received(service, bob)
    assert not waiting(service, acme, by=ada)
    path = f"{ORGANIZATIONS}/{acme}/invitations/{invitation['id']}"
    assert refusal(service.delete(path, by=ada)) == (404, "invitation_not_found")


def test_an_address_has_one_invitation_at_a_time(service: Service) -> None:
    ada = service.ada()
    acme, bob = service.organization(ada), service.person("bob")
    service.invite(acme, BOB, "member", by=ada)
    before = service.token_to(BOB)
    service.wait_for_the_mail_cap()
    service.invite(acme, BOB, "admin", by=ada)
    assert waiting(service, acme, by=ada) == [BOB]
    assert accept(service, before, by=bob) == (422, "token_invalid")
    assert accept(service, service.token_to(BOB), by=bob) == 200
    assert service.get(f"{ORGANIZATIONS}/{acme}", by=bob).json()["role"] == "admin"


def test_invitations_of_several_organizations_wait_beside_each_other(service: Service) -> None:
    ada, bob = service.ada(), service.person("bob")
    for name in ("Acme", "Initech"):
        service.invite(service.organization(ada, name), BOB, "member", by=ada)
        service.clock.advance(MINUTE)
    assert [item["organization"]["name"] for item in received(service, bob)] == ["Initech", "Acme"]


def test_an_invitation_is_taken_back(service: Service) -> None:
    ada = service.ada()
    acme, bob = service.organization(ada), service.person("bob")
    path = f"{ORGANIZATIONS}/{acme}/invitations/{service.invite(acme, BOB, 'member', by=ada)['id']}"
    token = service.token_to(BOB)
    assert service.delete(path, by=ada).status_code == 204
    assert refusal(service.delete(path, by=ada)) == (404, "invitation_not_found")
    assert received(service, bob) == []
    assert accept(service, token, by=bob) == (422, "token_invalid")


def test_whoever_reads_the_mail_declines_without_an_account(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.invite(acme, BOB, "member", by=ada)
    token = {"token": service.token_to(BOB)}
    assert service.post("/v1/invitations/decline", token).status_code == 204
    assert refusal(service.post("/v1/invitations/decline", token)) == (422, "token_invalid")
    assert waiting(service, acme, by=ada) == []


@pytest.mark.parametrize("token", ["", "x", "\0", "x" * 4096, "AAAA.BBBB"])
def test_a_token_that_was_never_given_out_is_refused(service: Service, token: str) -> None:
    ada = service.ada()
    for refused in (
        service.post("/v1/invitations/accept", {"token": token}, by=ada),
        service.post("/v1/invitations/decline", {"token": token}),
    ):
        assert (*refusal(refused), pointers(refused)) == (422, "token_invalid", ["/body/token"])


def test_a_token_for_something_else_is_no_invitation(service: Service) -> None:
    ada = service.ada()
    service.post("/v1/password-resets", {"email": ADA})
    assert accept(service, service.token_to(ADA), by=ada) == (422, "token_invalid")


@pytest.mark.parametrize(
    ("body", "expected", "pointer"),
    [
        ({"email": "nobody", "role": "member"}, "email_invalid", "/body/email"),
        ({"email": "bob\0@example.com", "role": "member"}, "email_invalid", "/body/email"),
        ({"email": BOB, "role": "boss"}, "role_unknown", "/body/role"),
        ({"email": BOB, "role": "\0"}, "role_unknown", "/body/role"),
        ({"email": BOB}, "validation_failed", "/body/role"),
        ({"role": "member"}, "validation_failed", "/body/email"),
        ({"email": BOB, "role": "member", "token": "x"}, "validation_failed", "/body/token"),
    ],
)
def test_an_invitation_is_checked(service: Service, body: object, expected: str, pointer: str) -> None:
    ada = service.ada()
    refused = service.post(f"{ORGANIZATIONS}/{service.organization(ada)}/invitations", body, by=ada)
    assert (*refusal(refused), pointers(refused)) == (422, expected, [pointer])


def test_a_member_is_not_invited_again(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.member(acme, "bob", "member", by=ada)
    again = service.post(f"{ORGANIZATIONS}/{acme}/invitations", {"email": BOB, "role": "admin"}, by=ada)
    assert refusal(again) == (409, "already_member")


def test_nobody_invites_above_their_own_role(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "recruiter", [READ, MANAGE], by=ada)
    bob, carol, dan = (
        service.member(acme, name, role, by=ada)
        for name, role in (("bob", "admin"), ("carol", "member"), ("dan", "recruiter"))
    )
    path = f"{ORGANIZATIONS}/{acme}/invitations"

    def invite(role: str, by: SignedIn) -> tuple[int, str] | int:
        response = service.post(path, {"email": "eve@example.com", "role": role}, by=by)
        return response.status_code if response.is_success else refusal(response)

    assert invite("owner", bob) == invite("admin", dan) == invite("member", dan) == (403, "exceeds_own_rights")
    assert invite("member", carol) == (403, "permission_denied")
    assert invite("recruiter", dan) == invite("admin", bob) == invite("owner", ada) == 201
    for by in (dan, bob):
        assert invite("recruiter", by) == (403, "exceeds_own_rights"), "it would replace that of an owner"


def test_a_member_neither_sees_nor_takes_back_invitations(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    carol = service.member(acme, "carol", "member", by=ada)
    path = f"{ORGANIZATIONS}/{acme}/invitations"
    invitation = service.invite(acme, BOB, "member", by=ada)
    for refused, permission in (
        (service.get(path, by=carol), READ),
        (service.delete(f"{path}/{invitation['id']}", by=carol), MANAGE),
    ):
        assert refusal(refused) == (403, "permission_denied")
        assert refused.json()["permission"] == permission


def test_a_long_list_of_invitations_comes_in_pages_oldest_first(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    invited = [f"bob-{n}@example.com" for n in (3, 1, 4, 2, 5)]
    for email in invited:
        service.invite(acme, email, "member", by=ada)
        service.clock.advance(MINUTE)
    seen: list[str] = []
    parameters = {"limit": "2"}
    while True:
        page = service.get(f"{ORGANIZATIONS}/{acme}/invitations", by=ada, params=parameters).json()
        seen += [item["email"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert seen == invited


@pytest.mark.parametrize("cursor", ["", "x", "\0", "AAAA", "bm90IGFuIGlk"])
def test_a_cursor_that_was_not_given_out_is_refused(service: Service, cursor: str) -> None:
    ada = service.ada()
    path = f"{ORGANIZATIONS}/{service.organization(ada)}/invitations"
    assert refusal(service.get(path, by=ada, params={"cursor": cursor})) == (422, "cursor_invalid")


def test_a_program_invites_and_no_program_accepts(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    service.role(acme, "recruiter", [READ, MANAGE], by=ada)
    backend = service.service_account(acme, "recruiter", by=ada)
    program = service.service_key(acme, backend, READ, MANAGE, by=ada)
    invitation = service.invite(acme, BOB, "recruiter", by=program)
    assert invitation["invited_by"] == backend
    assert refusal(
        service.post(f"{ORGANIZATIONS}/{acme}/invitations", {"email": BOB, "role": "admin"}, by=program)
    ) == (403, "exceeds_own_rights")

    bob = service.person("bob")
    key = service.personal_key(bob)
    assert refusal(service.get("/v1/me/invitations", by=key)) == (403, "session_required")
    token = received(service, bob)[0]["token"]
    refused = service.post("/v1/invitations/accept", {"token": token}, by=key)
    assert refusal(refused) == (403, "session_required")
    assert service.delete(f"{ORGANIZATIONS}/{acme}/invitations/{invitation['id']}", by=program).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "", {"email": BOB, "role": "member"}),
        ("DELETE", "/{invitation_id}", None),
    ],
)
def test_across_organizations_nothing_exists(service: Service, method: str, path: str, body: object) -> None:
    ada, eve = service.ada(), service.person("eve")
    acme, hers = service.organization(ada), service.organization(eve)
    invitation = service.invite(acme, "carol@example.com", "member", by=ada)
    path = f"/invitations{path}".format(invitation_id=invitation["id"])
    theirs, nowhere = (service.call(method, f"{ORGANIZATIONS}/{id}{path}", body, by=eve) for id in (acme, uuid4()))
    assert refusal(theirs) == refusal(nowhere) == (404, "organization_not_found")
    assert refusal(service.call(method, f"{ORGANIZATIONS}/{acme}{path}", body)) == (401, "authentication_required")
    if method == "DELETE":
        assert refusal(service.delete(f"{ORGANIZATIONS}/{hers}{path}", by=eve)) == (404, "invitation_not_found")
    assert waiting(service, acme, by=ada) == ["carol@example.com"]


def test_where_accounts_are_by_invitation_one_opens_the_door(serve: Serve) -> None:
    service = serve(REGISTRATION="invited")
    olga = service.operator()
    service.invite(service.organization(olga), BOB, "member", by=olga)
    wanted = {"email": BOB, "password": PASSWORD}
    assert refusal(service.post("/v1/accounts", wanted)) == (403, "registration_by_invitation")
    token = service.token_to(BOB)
    assert service.post("/v1/accounts", wanted | {"invitation_token": token}).status_code == 202
    service.clock.advance(HOUR)
    proof = {"token": service.token_to(BOB), "password": PASSWORD}
    assert service.post("/v1/accounts/verify", proof).status_code == 201
    assert accept(service, token, by=service.sign_in(BOB)) == 200
