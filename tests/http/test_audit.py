from typing import Any
from uuid import UUID, uuid4

import pytest

from application.sequencing import Sequencer
from domain.kernel import AccountId
from tests.builders import MINUTE, NOON
from tests.http.service import Service, SignedIn, code, pointers, refusal

ALL = "/v1/admin/audit"


def of(organization: str) -> str:
    return f"/v1/organizations/{organization}/audit"


@pytest.fixture
def acme(service: Service) -> str:
    """Ada's, in which Bob has been a member for a minute."""
    ada = service.ada()
    organization = service.organization(ada)
    service.clock.advance(MINUTE)
    service.member(organization, "bob", "member", by=ada)
    return organization


def entries(service: Service, path: str, by: Any, **query: Any) -> list[dict[str, Any]]:
    response = service.get(path, by=by, params={"limit": 100, **query})
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def actions(service: Service, path: str, by: Any, **query: Any) -> list[str]:
    return [entry["action"] for entry in entries(service, path, by, **query)]


def sealed(service: Service) -> None:
    sequencer: Sequencer = service.container.sequencer()
    while sequencer():
        pass


def test_an_entry_says_who_did_what_from_where(service: Service, acme: str) -> None:
    ada = service.sign_in()
    service.clock.advance(MINUTE)
    service.patch(
        f"/v1/organizations/{acme}",
        {"name": "Acme Ltd"},
        by=ada,
        headers={"User-Agent": "Firefox", "X-Request-ID": "r-7"},
    )
    sealed(service)
    entry = entries(service, of(acme), ada)[0]
    assert entry == {
        "id": entry["id"],
        "at": "2026-03-20T12:02:00.000Z",
        "action": "organization.changed",
        "outcome": "succeeded",
        "code": None,
        "actor_id": service.id_of(ada),
        "principal_id": service.id_of(ada),
        "key_id": None,
        "target_id": acme,
        "organization_id": acme,
        "request_id": "r-7",
        "details": entry["details"],
        "network": entry["network"],
        "user_agent": "Firefox",
        "position": len(entries(service, of(acme), ada)),
        "sealed": True,
    }
    assert UUID(entry["id"]).version == 7
    assert entry["network"]


def test_an_entry_that_waits_for_its_seal_is_shown(service: Service, acme: str) -> None:
    newest = entries(service, of(acme), service.sign_in())[0]
    assert (newest["sealed"], newest["position"]) == (False, None)


def test_what_is_erased_is_null(service: Service, acme: str) -> None:
    ada = service.sign_in()
    service.container.erase_from_audit()(account_id=AccountId(UUID(service.id_of(ada))))
    own = entries(service, of(acme), ada, actor=service.id_of(ada))
    assert {(entry["network"], entry["user_agent"]) for entry in own} == {(None, None)}


def test_the_newest_come_first_in_pages(service: Service, acme: str) -> None:
    ada = service.sign_in()
    whole = entries(service, of(acme), ada)
    assert len(whole) > 3
    assert [entry["at"] for entry in whole] == sorted((entry["at"] for entry in whole), reverse=True)
    found, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = service.get(of(acme), by=ada, params=query).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == whole


def test_each_filter_leaves_its_own(service: Service, acme: str) -> None:
    ada, olga = service.sign_in(), service.operator()
    by_ada = entries(service, of(acme), ada, actor=service.id_of(ada))
    assert by_ada
    assert {entry["actor_id"] for entry in by_ada} == {service.id_of(ada)}
    assert set(actions(service, of(acme), ada, action="member.added")) == {"member.added"}
    assert {entry["target_id"] for entry in entries(service, of(acme), ada, target=acme)} == {acme}
    later = entries(service, of(acme), ada, since="2026-03-20T12:01:00Z")
    earlier = entries(service, of(acme), ada, until="2026-03-20T17:31:00+05:30")
    assert later + earlier == entries(service, of(acme), ada)
    assert later != [] != earlier
    assert entries(service, of(acme), ada, actor=str(uuid4())) == []
    assert entries(service, ALL, olga, target=acme) == entries(service, of(acme), ada, target=acme)


def test_operators_read_of_accounts_and_all_organizations(service: Service, acme: str) -> None:
    found = actions(service, ALL, service.operator())
    assert {"organization.created", "session.started"} <= set(found)
    assert "session.started" not in actions(service, of(acme), service.sign_in()), "that is about the account alone"


def test_another_organization_has_another_trail(service: Service, acme: str) -> None:
    globex = service.organization(service.sign_in(), "Globex")
    assert {entry["organization_id"] for entry in entries(service, of(globex), service.sign_in())} == {globex}
    assert refusal(service.get(of(acme), by=service.person("eve"))) == (404, "organization_not_found")


def test_who_may_read_and_who_may_not(service: Service, acme: str) -> None:
    ada, bob = service.sign_in(), service.sign_in("bob@example.com")
    assert refusal(service.get(of(acme), by=bob)) == (403, "permission_denied")
    assert refusal(service.get(ALL, by=ada)) == (403, "operator_required")
    assert service.get(of(acme), by=service.personal_key(ada, acme, "audit:read")).status_code == 200
    assert code(service.get(of(acme), by=service.personal_key(ada, acme, "members:read"))) == "permission_denied"


BAD = [
    ("actor", "ada"),
    ("actor", ""),
    ("action", "Member.Added"),
    ("action", "a" * 65),
    ("action", "\0"),
    ("action", ""),
    ("target", "1"),
    ("since", "yesterday"),
    ("since", "2026-03-20T12:00:00"),
    ("since", "0001-01-01T00:00:00+14:00"),
    ("until", "9999-12-31T23:59:59-14:00"),
    ("until", "1e400"),
    ("until", "1774008000"),
    ("until", "2026-03-20"),
    ("until", "2026-02-30T12:00:00Z"),
    ("limit", "0"),
    ("limit", "101"),
]


@pytest.mark.parametrize(("parameter", "value"), BAD)
def test_a_bad_filter_is_named(service: Service, acme: str, parameter: str, value: str) -> None:
    for path, by in ((of(acme), service.sign_in()), (ALL, service.operator())):
        response = service.get(path, by=by, params={parameter: value})
        assert refusal(response) == (422, "validation_failed"), value
        assert pointers(response) == [f"/query/{parameter}"]


@pytest.mark.parametrize("cursor", ["garbage", "AA", "%00"])
def test_a_bad_cursor_is_refused(service: Service, acme: str, cursor: str) -> None:
    assert refusal(service.get(of(acme), by=service.sign_in(), params={"cursor": cursor})) == (422, "cursor_invalid")


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_any_time_may_be_asked_for(service: Service, acme: str, edge: str) -> None:
    ada: SignedIn = service.sign_in()
    found = [entries(service, of(acme), ada, **{name: edge}) for name in ("since", "until")]
    assert sorted(map(len, found)) == [0, len(entries(service, of(acme), ada))]
    assert service.clock.now() > NOON
