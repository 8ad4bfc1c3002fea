from uuid import uuid4

import pytest

from tests.http.service import ADA, PASSWORD, Service, code, refusal

ACCOUNTS = "/v1/admin/accounts"
CALLS = [
    ("GET", "", None),
    ("GET", "/{id}", None),
    ("PATCH", "/{id}", {"display_name": "Ada L."}),
    ("POST", "/{id}/suspend", None),
    ("POST", "/{id}/reactivate", None),
    ("POST", "/{id}/end-sessions", None),
    ("POST", "/{id}/send-password-reset", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_operators_only(service: Service, method: str, path: str, body: object) -> None:
    account = service.sign_up()
    path = ACCOUNTS + path.format(id=account["id"])
    assert refusal(service.call(method, path, body)) == (401, "authentication_required")
    assert refusal(service.call(method, path, body, by=service.sign_in())) == (403, "operator_required")
    service.sign_in()


@pytest.mark.parametrize(("method", "path", "body"), CALLS[1:])
def test_an_account_that_does_not_exist_is_not_found(service: Service, method: str, path: str, body: object) -> None:
    response = service.call(method, ACCOUNTS + path.format(id=uuid4()), body, by=service.operator())
    assert refusal(response) == (404, "account_not_found")


@pytest.mark.parametrize("id", ["1", "ada", "%00", "%F0%9F%A6%89", "0" * 33, "null", "..%2f"])
@pytest.mark.parametrize(("method", "path", "body"), CALLS[1:])
def test_what_is_no_id_is_refused_as_such(service: Service, method: str, path: str, body: object, id: str) -> None:
    response = service.call(method, ACCOUNTS + path.format(id=id), body, by=service.operator())
    assert refusal(response) in [(422, "validation_failed"), (404, "route_not_found")]


def test_accounts_are_found_by_id_address_and_state(service: Service) -> None:
    olga = service.operator()
    ada, bob = service.sign_up(), service.sign_up("bob@example.com")
    service.post(f"{ACCOUNTS}/{bob['id']}/suspend", by=olga)

    def found(**query: str) -> list[str]:
        page = service.get(ACCOUNTS, by=olga, params=query).json()
        assert page["next_cursor"] is None
        return [item["email"] for item in page["items"]]

    assert found() == ["olga@example.com", ADA, "bob@example.com"]
    assert found(query=ada["id"]) == [ADA]
    assert found(query=" ADA@") == [ADA]
    assert found(query="nobody") == found(query="ü\0") == found(query=str(uuid4())) == []
    assert found(status="suspended") == found(query=bob["id"], status="suspended") == ["bob@example.com"]
    assert found(query=ada["id"], status="suspended") == found(query="a", status="suspended") == []


@pytest.mark.parametrize("query", ["", "a"])
def test_a_long_list_of_accounts_comes_in_pages(service: Service, query: str) -> None:
    olga = service.operator()
    for n in range(4):
        service.sign_up(f"a{n}@example.com")
    seen: list[str] = []
    parameters = {"limit": "2", "query": query}
    while True:
        page = service.get(ACCOUNTS, by=olga, params=parameters).json()
        seen += [item["email"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert seen == ([] if query else ["olga@example.com"]) + [f"a{n}@example.com" for n in range(4)]


@pytest.mark.parametrize("parameters", [{"cursor": "bm90IGFuIGlk"}, {"cursor": "eA", "query": "ada"}, {"cursor": "\0"}])
def test_a_cursor_of_another_query_is_refused(service: Service, parameters: dict[str, str]) -> None:
    refused = service.get(ACCOUNTS, by=service.operator(), params=parameters)
    assert refusal(refused) == (422, "cursor_invalid")


@pytest.mark.parametrize("parameters", [{"status": "asleep"}, {"limit": "0"}, {"query": "x" * 255}])
def test_a_query_is_checked(service: Service, parameters: dict[str, str]) -> None:
    refused = service.get(ACCOUNTS, by=service.operator(), params=parameters)
    assert refusal(refused) == (422, "validation_failed")


def test_an_operator_sees_since_when_an_account_is_in_its_state(service: Service) -> None:
    account = service.sign_up()
    shown = service.get(f"{ACCOUNTS}/{account['id']}", by=service.operator())
    assert (shown.status_code, shown.json()) == (200, {**account, "state_since": "2026-03-20T12:00:00.000Z"})


def test_an_operator_corrects_a_display_name_and_nothing_else(service: Service) -> None:
    olga, account = service.operator(), service.sign_up()
    path = f"{ACCOUNTS}/{account['id']}"
    corrected = service.patch(path, {"display_name": "Ada Lovelace"}, by=olga)
    assert (corrected.status_code, corrected.json()["display_name"]) == (200, "Ada Lovelace")
    assert code(service.patch(path, {"display_name": "\0"}, by=olga)) == "display_name_invalid"
    for field in ("email", "password", "is_operator", "state"):
        refused = service.patch(path, {"display_name": "Ada", field: "x"}, by=olga)
        assert refusal(refused) == (422, "validation_failed")


def test_a_suspended_account_is_out_at_once_and_may_return(service: Service) -> None:
    olga, account = service.operator(), service.sign_up()
    ada, path = service.sign_in(), f"{ACCOUNTS}/{account['id']}"
    suspended = service.post(f"{path}/suspend", by=olga)
    assert (suspended.status_code, suspended.json()["state"]) == (200, "suspended")
    assert refusal(service.get("/v1/me", by=ada)) == (401, "session_ended")
    assert service.post("/v1/sessions", {"email": ADA, "password": PASSWORD}).status_code == 401
    assert refusal(service.post(f"{path}/suspend", by=olga)) == (409, "account_not_active")

    reactivated = service.post(f"{path}/reactivate", by=olga)
    assert (reactivated.status_code, reactivated.json()["state"]) == (200, "active")
    service.sign_in()
    assert refusal(service.post(f"{path}/reactivate", by=olga)) == (409, "account_not_suspended")
    assert len(service.mail_to(ADA)) == 3


def test_a_closed_account_stays_as_it_is(service: Service) -> None:
    olga, account = service.operator(), service.sign_up()
    service.post("/v1/me/close", {"password": PASSWORD}, by=service.sign_in())
    path = f"{ACCOUNTS}/{account['id']}"
    for method, call, body in [
        ("PATCH", "", {"display_name": "Ada"}),
        ("POST", "/suspend", None),
        ("POST", "/reactivate", None),
    ]:
        assert refusal(service.call(method, path + call, body, by=olga)) == (409, "account_closed")
    assert refusal(service.post(f"{path}/send-password-reset", by=olga)) == (409, "account_not_active")


def test_the_last_operator_cannot_be_suspended(service: Service) -> None:
    olga = service.operator()
    me = service.get("/v1/me", by=olga).json()["id"]
    assert refusal(service.post(f"{ACCOUNTS}/{me}/suspend", by=olga)) == (409, "last_operator")


def test_an_operator_signs_an_account_out_everywhere(service: Service) -> None:
    olga, account = service.operator(), service.sign_up()
    ada = service.sign_in()
    response = service.post(f"{ACCOUNTS}/{account['id']}/end-sessions", by=olga)
    assert (response.status_code, response.content) == (204, b"")
    assert refusal(service.get("/v1/me", by=ada)) == (401, "session_ended")


def test_an_operator_has_the_owner_sent_a_reset(service: Service) -> None:
    olga, account = service.operator(), service.sign_up()
    response = service.post(f"{ACCOUNTS}/{account['id']}/send-password-reset", by=olga)
    assert (response.status_code, response.json()) == (202, {"status": "reset_sent"})
    confirmed = {"token": service.token_to(ADA), "new_password": "a new and quite different one"}
    assert service.post("/v1/password-resets/confirm", confirmed).status_code == 200
