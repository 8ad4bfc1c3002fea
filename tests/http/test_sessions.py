from datetime import timedelta

import pytest

from tests.builders import DAY, HOUR, MINUTE, NOON
from tests.http.conftest import Serve
from tests.http.service import ADA, PASSWORD, Service, SignedIn, refusal

SECOND = timedelta(seconds=1)
WRONG = "not " + PASSWORD


def attempt(service: Service, password: str = WRONG, **more: str) -> tuple[int, str]:
    response = service.post("/v1/sessions", {"email": ADA, "password": password, **more})
    return (201, "") if response.status_code == 201 else refusal(response)


def test_a_sign_in_is_answered_with_a_session_and_its_tokens(service: Service) -> None:
    account = service.sign_up()
    body = {"email": " ADA@example.com", "password": PASSWORD}
    response = service.post("/v1/sessions", body, headers={"user-agent": "Engine/1"})
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    tokens = response.json()
    session = tokens.pop("session")
    assert session.pop("id")
    assert session == {
        "created_at": "2026-03-20T12:00:00.000Z",
        "last_seen_at": "2026-03-20T12:00:00.000Z",
        "authenticated_at": "2026-03-20T12:00:00.000Z",
        "idle_expires_at": "2026-03-27T12:00:00.000Z",
        "expires_at": "2026-04-19T12:00:00.000Z",
        "amr": ["pwd"],
        "aal": 1,
        "user_agent": "Engine/1",
        "network": "192.0.2.1/32",
        "current": True,
    }
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token", "device_token"}
    assert service.get("/v1/me", by=SignedIn(tokens)).json() == account


def test_nobody_is_told_why_they_cannot_sign_in(service: Service) -> None:
    olga = service.operator()
    suspended = service.sign_up("suspended@example.com")["id"]
    service.post(f"/v1/admin/accounts/{suspended}/suspend", by=olga)
    service.sign_up("closed@example.com")
    service.post("/v1/me/close", {"password": PASSWORD}, by=service.sign_in("closed@example.com"))
    service.post("/v1/accounts", {"email": "claimed@example.com", "password": PASSWORD})
    service.sign_up()

    def answer(email: str, password: str = PASSWORD) -> tuple[int, bytes]:
        response = service.post("/v1/sessions", {"email": email, "password": password})
        assert response.headers["www-authenticate"] == "Bearer"
        return response.status_code, response.content

    refused = answer("nobody@example.com")
    assert refused[0] == 401
    assert refused == answer(ADA, WRONG)
    assert {refused} == {answer(f"{state}@example.com") for state in ("suspended", "closed", "claimed")}


def test_from_the_fifth_failure_each_attempt_must_wait(service: Service) -> None:
    service.sign_up()
    assert {attempt(service) for _ in range(5)} == {(401, "invalid_credentials")}
    refused = service.post("/v1/sessions", {"email": ADA, "password": PASSWORD})
    assert refusal(refused) == (429, "too_many_attempts")
    assert refused.headers["retry-after"] == "1"
    service.clock.advance(SECOND)
    assert attempt(service, PASSWORD) == (201, "")


def test_an_address_without_account_is_slowed_down_alike(service: Service) -> None:
    assert [attempt(service)[0] for _ in range(6)] == [401] * 5 + [429]


def test_a_known_device_is_not_slowed_down_by_strangers(service: Service) -> None:
    device_token = service.ada().device_token
    for _ in range(6):
        attempt(service)
    assert attempt(service, PASSWORD) == (429, "too_many_attempts")
    assert attempt(service, PASSWORD, device_token=device_token) == (201, "")


def test_a_device_token_may_be_anything(service: Service) -> None:
    service.sign_up()
    for device_token in ("", "ptd_nonsense", "\0", "ü" * 1000):
        assert attempt(service, PASSWORD, device_token=device_token) == (201, "")


def test_an_access_token_lives_ten_minutes(service: Service) -> None:
    ada = service.ada()
    service.clock.advance(10 * MINUTE - SECOND)
    assert service.get("/v1/me", by=ada).status_code == 200
    service.clock.advance(SECOND)
    refused = service.get("/v1/me", by=ada)
    assert refusal(refused) == (401, "access_token_invalid")
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "ey.ey.ey"])
def test_without_a_bearer_token_the_caller_is_asked_to_sign_in(service: Service, authorization: str) -> None:
    refused = service.get("/v1/me", headers={"authorization": authorization})
    assert refusal(refused) == (401, "authentication_required")
    assert refused.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", [b"x", b"ey.ey.ey", b"\xff\xfe", b"a" * 50_000, b"a b", b"\xed\xa0\x80"])
def test_what_is_no_access_token_is_refused_as_such(service: Service, token: bytes) -> None:
    refused = service.get("/v1/me", headers={b"authorization": b"bearer " + token})
    assert refusal(refused) == (401, "access_token_invalid")


@pytest.mark.parametrize("key", [b"ptc_", b"ptc_u_x", b"ptc_\xff", b"ptc_u_" + b"A" * 93, b"ptc_" + b"a" * 50_000])
def test_what_only_looks_like_a_key_is_refused_as_damaged(service: Service, key: bytes) -> None:
    refused = service.get("/v1/me", headers={b"authorization": b"bearer " + key})
    assert refusal(refused) == (401, "api_key_damaged")
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_no_other_token_passes_for_an_access_token(service: Service) -> None:
    ada = service.ada()
    for token in (ada.refresh_token, ada.device_token):
        refused = service.get("/v1/me", headers={"authorization": f"Bearer {token}"})
        assert refusal(refused) == (401, "access_token_invalid")


def refreshed(service: Service, ada: SignedIn, **more: object) -> SignedIn:
    response = service.post("/v1/sessions/refresh", {"refresh_token": ada.refresh_token}, **more)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    return SignedIn(response.json())


def test_a_refresh_token_is_exchanged_for_the_next(service: Service) -> None:
    ada = service.ada()
    service.clock.advance(2 * HOUR)
    again = refreshed(service, ada)
    assert again.refresh_token != ada.refresh_token
    assert again.tokens["device_token"] is None
    assert again.tokens["session"]["last_seen_at"] == "2026-03-20T14:00:00.000Z"
    assert service.get("/v1/me", by=again).status_code == 200


def test_an_answer_that_was_lost_is_given_again(service: Service) -> None:
    ada = service.ada()
    assert refreshed(service, ada).refresh_token == refreshed(service, ada).refresh_token


def test_another_client_with_the_token_before_is_refused_and_the_session_goes_on(service: Service) -> None:
    ada = service.ada()
    current = refreshed(service, ada)
    stale = service.post("/v1/sessions/refresh", {"refresh_token": ada.refresh_token}, peer="198.51.100.9")
    assert refusal(stale) == (401, "refresh_superseded")
    refreshed(service, current)


def test_a_token_that_was_used_long_before_ends_the_session_and_the_owner_is_told(service: Service) -> None:
    ada = service.ada()
    current = refreshed(service, ada)
    service.clock.advance(31 * SECOND)
    body = {"refresh_token": ada.refresh_token}
    assert refusal(service.post("/v1/sessions/refresh", body)) == (401, "refresh_reused")
    assert refusal(service.post("/v1/sessions/refresh", body)) == (401, "session_ended")
    assert refusal(service.get("/v1/me", by=current)) == (401, "session_ended")
    assert "used" in service.mail_to(ADA)[0].text


@pytest.mark.parametrize("token", ["", "nonsense", "ptr_", "ptr_" + "A" * 100, "\0", "ü"])
def test_what_is_no_refresh_token_is_refused_as_such(service: Service, token: str) -> None:
    refused = service.post("/v1/sessions/refresh", {"refresh_token": token})
    assert refusal(refused) == (401, "refresh_token_invalid")


@pytest.mark.parametrize(("idle", "expected"), [(7 * DAY - SECOND, 200), (7 * DAY, 401)])
def test_an_idle_session_ends_after_a_week(service: Service, idle: timedelta, expected: int) -> None:
    ada = service.ada()
    service.clock.advance(idle)
    refresh = service.post("/v1/sessions/refresh", {"refresh_token": ada.refresh_token})
    assert refresh.status_code == expected


def test_however_it_is_used_a_session_ends_after_thirty_days(service: Service) -> None:
    ada = service.ada()
    for _ in range(5):
        service.clock.advance(6 * DAY - SECOND)
        ada = refreshed(service, ada)
    service.clock.time = NOON + 30 * DAY
    assert refusal(service.post("/v1/sessions/refresh", {"refresh_token": ada.refresh_token})) == (401, "session_ended")


def test_signing_out_ends_this_session_at_once(service: Service) -> None:
    ada = service.ada()
    other = service.sign_in()
    response = service.delete("/v1/sessions/current", by=ada)
    assert (response.status_code, response.content) == (204, b"")
    assert refusal(service.get("/v1/me", by=ada)) == (401, "session_ended")
    assert service.get("/v1/me", by=other).status_code == 200


def test_devices_are_listed_newest_first(service: Service) -> None:
    phone = service.ada()
    laptop = service.sign_in(headers={"user-agent": "Laptop"}, peer="2001:db8::7")
    listed = service.get("/v1/me/sessions", by=phone).json()
    assert [(item["id"], item["current"]) for item in listed["items"]] == [
        (laptop.session_id, False),
        (phone.session_id, True),
    ]
    assert (listed["items"][0]["user_agent"], listed["items"][0]["network"]) == ("Laptop", "2001:db8::/64")
    assert listed["next_cursor"] is None


def test_a_long_list_comes_in_pages(service: Service) -> None:
    ada = service.ada()
    expected = [*[service.sign_in().session_id for _ in range(4)][::-1], ada.session_id]
    seen: list[str] = []
    query = "?limit=2"
    while True:
        page = service.get(f"/v1/me/sessions{query}", by=ada).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query = f"?limit=2&cursor={page['next_cursor']}"
    assert seen == expected


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "many", "9" * 5000, ""])
def test_a_page_holds_one_to_a_hundred(service: Service, limit: str) -> None:
    refused = service.get("/v1/me/sessions", by=service.ada(), params={"limit": limit})
    assert refusal(refused) == (422, "validation_failed")
    assert refused.json()["errors"][0]["pointer"] == "/query/limit"


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "\0", "ü", "ZZZZ", "AAAA", "bm90IGFuIGlk", "A" * 512])
def test_a_cursor_that_was_not_given_out_is_refused(service: Service, cursor: str) -> None:
    refused = service.get("/v1/me/sessions", by=service.ada(), params={"cursor": cursor})
    assert refusal(refused) == (422, "cursor_invalid")


def test_one_device_is_signed_out(service: Service) -> None:
    ada = service.ada()
    lost = service.sign_in()
    assert service.delete(f"/v1/me/sessions/{lost.session_id}", by=ada).status_code == 204
    assert refusal(service.get("/v1/me", by=lost)) == (401, "session_ended")
    assert refusal(service.delete(f"/v1/me/sessions/{lost.session_id}", by=ada)) == (404, "session_not_found")


def test_nobody_ends_the_session_of_another(service: Service) -> None:
    ada = service.ada()
    service.sign_up("bob@example.com")
    bob = service.sign_in("bob@example.com")
    assert refusal(service.delete(f"/v1/me/sessions/{ada.session_id}", by=bob)) == (404, "session_not_found")
    assert service.get("/v1/me", by=ada).status_code == 200


def test_all_other_devices_are_signed_out_at_once(service: Service) -> None:
    ada = service.ada()
    others = [service.sign_in() for _ in range(3)]
    assert service.delete("/v1/me/sessions", by=ada).status_code == 204
    assert [service.get("/v1/me", by=device).status_code for device in (ada, *others)] == [200, 401, 401, 401]


def test_the_oldest_session_gives_way_to_one_too_many(serve: Serve) -> None:
    service = serve(SESSIONS_PER_ACCOUNT="2")
    oldest = service.ada()
    newer = [service.sign_in() for _ in range(2)]
    assert [service.get("/v1/me", by=device).status_code for device in (oldest, *newer)] == [401, 200, 200]


def test_last_seen_is_told_to_the_hour(service: Service) -> None:
    service.clock.advance(59 * MINUTE)
    assert service.ada().tokens["session"]["last_seen_at"] == "2026-03-20T12:00:00.000Z"
