from typing import Any
from uuid import uuid4

import pytest

from tests.http.service import Bearer, Service, SignedIn, pointers, refusal

CHECK, CHECK_MANY = "/v1/access/check", "/v1/access/check-many"


@pytest.fixture
def ada(service: Service) -> SignedIn:
    return service.ada()


@pytest.fixture
def acme(service: Service, ada: SignedIn) -> str:
    return service.organization(ada)


def reasons(service: Service, by: Bearer, **question: Any) -> tuple[bool, list[str]]:
    response = service.post(CHECK, question, headers=by.bearer)
    assert response.status_code == 200
    return response.json()["allowed"], [reason["code"] for reason in response.json()["because"]]


def test_an_answer_says_whether_and_why_and_repeats_the_question(service: Service, ada: SignedIn, acme: str) -> None:
    question = {"permission": "organization:delete", "organization_id": acme, "resource": "größe/7"}
    response = service.post(CHECK, question, by=ada)
    assert (response.status_code, response.json()) == (
        200,
        {
            "allowed": True,
            "because": [
                {"code": "membership", "detail": "The role in this organization is owner."},
                {"code": "role_grants", "detail": "The role owner grants it."},
            ],
            **question,
            "principal_id": None,
        },
    )


def test_a_backend_asks_about_people_and_programs_with_its_key(service: Service, ada: SignedIn, acme: str) -> None:
    bob = service.id_of(service.member(acme, "bob", "member", by=ada))
    robot = service.service_account(acme, "admin", by=ada)
    key = service.service_key(acme, robot, "access:check", by=ada)
    about = {"organization_id": acme, "permission": "members:manage"}
    granted, lacking = ["membership", "role_grants"], ["membership", "role_lacks"]
    assert reasons(service, key, principal_id=bob, **about) == (False, lacking)
    assert reasons(service, key, principal_id=service.id_of(ada), **about) == (True, granted)
    assert reasons(service, key, principal_id=str(uuid4()), **about) == (False, ["no_membership"])
    assert reasons(service, key, **about) == (False, [*granted, "scope_lacks"])
    assert reasons(service, key, principal_id=robot, **about) == (False, [*granted, "scope_lacks"])


def test_a_demotion_counts_from_the_next_question(service: Service, ada: SignedIn, acme: str) -> None:
    bob = service.member(acme, "bob", "admin", by=ada)
    about = {"organization_id": acme, "permission": "members:manage"}
    assert reasons(service, bob, **about)[0]
    member = f"/v1/organizations/{acme}/members/{service.id_of(bob)}"
    service.patch(member, {"role": "member"}, by=ada)
    assert reasons(service, bob, **about) == (False, ["membership", "role_lacks"])
    service.delete(member, by=ada)
    assert reasons(service, bob, **about) == (False, ["no_membership"])


def test_members_may_not_ask_about_each_other(service: Service, ada: SignedIn, acme: str) -> None:
    bob = service.member(acme, "bob", "member", by=ada)
    question = {"permission": "members:read", "organization_id": acme, "principal_id": service.id_of(ada)}
    for path, body in ((CHECK, question), (CHECK_MANY, {"checks": [question]})):
        refused = service.post(path, body, by=bob)
        assert refusal(refused) == (403, "permission_denied")
        assert refused.json()["permission"] == "access:check"


def test_nobody_asks_about_the_members_of_an_organization_that_is_not_theirs(
    service: Service, ada: SignedIn, acme: str
) -> None:
    eve = service.person("eve")
    service.organization(eve, "Other")
    for principal_id in (service.id_of(ada), str(uuid4())):
        question = {"permission": "members:read", "organization_id": acme, "principal_id": principal_id}
        for path, body in ((CHECK, question), (CHECK_MANY, {"checks": [question]})):
            assert refusal(service.post(path, body, by=eve)) == (404, "organization_not_found")


def test_a_foreign_organization_cannot_be_told_from_none(service: Service, acme: str) -> None:
    eve = service.person("eve")
    answers = [
        service.post(CHECK, {"permission": "members:read", "organization_id": id}, by=eve).json()
        for id in (acme, str(uuid4()))
    ]
    for each in answers:
        del each["organization_id"]
    assert answers[0] == answers[1]
    assert answers[0]["allowed"] is False


def test_many_are_answered_in_their_order(service: Service, ada: SignedIn, acme: str) -> None:
    bob = service.id_of(service.member(acme, "bob", "member", by=ada))
    checks: list[dict[str, str]] = [
        {"permission": "organization:delete", "organization_id": acme},
        {"permission": "organization:delete", "organization_id": acme, "principal_id": bob},
        {"permission": "members:read", "organization_id": acme, "principal_id": bob, "resource": "7"},
        {"permission": "members:read", "organization_id": str(uuid4())},
    ]
    response = service.post(CHECK_MANY, {"checks": checks}, by=ada)
    results = response.json()["results"]
    assert [result["allowed"] for result in results] == [True, False, True, False]
    assert results == [service.post(CHECK, check, by=ada).json() for check in checks]


def test_a_hundred_at_once_and_no_more(service: Service, ada: SignedIn, acme: str) -> None:
    check = {"permission": "members:read", "organization_id": acme}
    assert len(service.post(CHECK_MANY, {"checks": [check] * 100}, by=ada).json()["results"]) == 100
    for number in (0, 101):
        refused = service.post(CHECK_MANY, {"checks": [check] * number}, by=ada)
        assert (refusal(refused), pointers(refused)) == ((422, "validation_failed"), ["/body/checks"])


@pytest.mark.parametrize(
    ("changes", "expected", "pointer"),
    [
        ({"permission": "everything"}, "permission_invalid", "/body/permission"),
        ({"permission": "*:*"}, "permission_invalid", "/body/permission"),
        ({"permission": "a:b\0"}, "permission_invalid", "/body/permission"),
        ({"permission": "x" * 101}, "validation_failed", "/body/permission"),
        ({"permission": None}, "validation_failed", "/body/permission"),
        ({"organization_id": "acme"}, "validation_failed", "/body/organization_id"),
        ({"principal_id": "ada"}, "validation_failed", "/body/principal_id"),
        ({"resource": "x" * 257}, "validation_failed", "/body/resource"),
        ({"resource": 7}, "validation_failed", "/body/resource"),
        ({"action": "read"}, "validation_failed", "/body/action"),
    ],
)
def test_what_is_no_question(
    service: Service, ada: SignedIn, acme: str, changes: dict[str, object], expected: str, pointer: str
) -> None:
    refused = service.post(CHECK, {"permission": "members:read", "organization_id": acme, **changes}, by=ada)
    assert (refusal(refused), pointers(refused)) == ((422, expected), [pointer])


def test_a_resource_may_be_any_text_that_json_knows(service: Service, ada: SignedIn, acme: str) -> None:
    for resource in ("", "\0", "🦉" * 256, "</script>"):
        question = {"permission": "members:read", "organization_id": acme, "resource": resource}
        assert service.post(CHECK, question, by=ada).json()["resource"] == resource
    lone = b'{"permission": "members:read", "organization_id": "%s", "resource": "\\ud800"}' % acme.encode()
    refused = service.post(CHECK, content=lone, by=ada, headers={"content-type": "application/json"})
    assert refusal(refused) == (422, "validation_failed")
