import base64
import json
from typing import Any
from uuid import uuid4

import pytest

from domain.permissions import OWN
from tests.http.conftest import Serve
from tests.http.service import Service, pointers, refusal

ENTER, REFRESH = "/v1/me/organization", "/v1/sessions/refresh"
INVOICES, LEDGER = "https://invoices.example.org", "https://ledger.example.org"


@pytest.fixture
def backed(serve: Serve) -> Service:
    """With two backends that take its tokens."""
    return serve(BACKEND_AUDIENCES=f"{INVOICES} {LEDGER}")


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return said


def test_a_member_gets_a_token_that_says_what_they_may_do_there(backed: Service) -> None:
    ada = backed.ada()
    acme = backed.organization(ada)
    bob = backed.member(acme, "bob", "member", by=ada)
    response = backed.post(ENTER, {"organization_id": acme}, by=bob)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    entered = response.json()
    permissions = ["members:read", "organization:read", "roles:read"]
    assert entered == {
        "access_token": entered["access_token"],
        "token_type": "Bearer",
        "expires_in": 600,
        "organization_id": acme,
        "role": "member",
        "permissions": permissions,
    }
    said = claims(entered["access_token"])
    assert (said["org"], said["roles"], said["permissions"]) == (acme, ["member"], permissions)
    assert (said["aud"], said["sub"], said["sid"]) == (INVOICES, backed.id_of(bob), bob.session_id)
    assert said["exp"] - said["iat"] == 600


def test_an_owner_may_everything_there_is(backed: Service) -> None:
    ada = backed.ada()
    entered = backed.post(ENTER, {"organization_id": backed.organization(ada)}, by=ada).json()
    assert entered["permissions"] == sorted(OWN)


def test_the_token_of_a_backend_opens_nothing_here(backed: Service) -> None:
    ada = backed.ada()
    acme = backed.organization(ada)
    for audience in (None, INVOICES, LEDGER):
        entered = backed.post(ENTER, {"organization_id": acme, "audience": audience}, by=ada).json()
        assert claims(entered["access_token"])["aud"] == (audience or INVOICES)
        refused = backed.get("/v1/me", headers={"Authorization": f"Bearer {entered['access_token']}"})
        assert refusal(refused) == (401, "access_token_invalid")


def test_where_no_backend_was_named_it_is_not_for_portico_either(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    entered = service.post(ENTER, {"organization_id": acme}, by=ada).json()
    refreshed = service.post(REFRESH, {"refresh_token": ada.refresh_token, "organization_id": acme}).json()
    for token in (entered["access_token"], refreshed["access_token"]):
        assert claims(token)["aud"] == "backend"
        for path in ("/v1/me", f"/v1/organizations/{acme}"):
            refused = service.get(path, headers={"Authorization": f"Bearer {token}"})
            assert refusal(refused) == (401, "access_token_invalid")


@pytest.mark.parametrize("audience", ["", "portico", "https://evil.example.org", LEDGER + "/"])
def test_a_backend_that_is_not_configured_gets_none(backed: Service, audience: str) -> None:
    ada = backed.ada()
    body = {"organization_id": backed.organization(ada), "audience": audience}
    for path, more in ((ENTER, {}), (REFRESH, {"refresh_token": ada.refresh_token})):
        refused = backed.post(path, body | more, by=ada)
        assert (refusal(refused), pointers(refused)) == ((422, "audience_unknown"), ["/body/audience"])


def test_a_key_gets_none(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    key = service.personal_key(ada, acme, "organization:read")
    refused = service.post(ENTER, {"organization_id": acme}, headers=key.bearer)
    assert refusal(refused) == (403, "session_required")


def test_no_stranger_enters(service: Service) -> None:
    acme, eve = service.organization(service.ada()), service.person("eve")
    for id in (acme, str(uuid4())):
        assert refusal(service.post(ENTER, {"organization_id": id}, by=eve)) == (404, "organization_not_found")
        body = {"organization_id": id, "refresh_token": eve.refresh_token}
        assert refusal(service.post(REFRESH, body)) == (404, "organization_not_found")
    refreshed = service.post(REFRESH, {"refresh_token": eve.refresh_token})
    assert refreshed.status_code == 200, "what was refused exchanged nothing"


def test_a_refresh_may_be_for_an_organization_and_a_backend(backed: Service) -> None:
    ada = backed.ada()
    acme = backed.organization(ada)
    body = {"refresh_token": ada.refresh_token, "organization_id": acme, "audience": LEDGER}
    response = backed.post(REFRESH, body)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    refreshed = response.json()
    said = claims(refreshed["access_token"])
    assert (said["org"], said["roles"], said["aud"]) == (acme, ["owner"], LEDGER)
    plain = backed.post(REFRESH, {"refresh_token": refreshed["refresh_token"]}).json()
    assert claims(plain["access_token"]).keys().isdisjoint({"org", "roles", "permissions"})
    assert backed.get("/v1/me", headers={"Authorization": f"Bearer {plain['access_token']}"}).status_code == 200


def test_a_backend_without_an_organization_is_a_mistake(backed: Service) -> None:
    ada = backed.ada()
    refused = backed.post(REFRESH, {"refresh_token": ada.refresh_token, "audience": LEDGER})
    assert refusal(refused) == (422, "validation_failed")
    assert ada.refresh_token not in refused.text
    assert backed.post(REFRESH, {"refresh_token": ada.refresh_token}).status_code == 200


def test_whoever_was_removed_gets_no_more_of_them(backed: Service) -> None:
    ada = backed.ada()
    acme = backed.organization(ada)
    bob = backed.member(acme, "bob", "member", by=ada)
    backed.delete(f"/v1/organizations/{acme}/members/{backed.id_of(bob)}", by=ada)
    assert refusal(backed.post(ENTER, {"organization_id": acme}, by=bob)) == (404, "organization_not_found")
