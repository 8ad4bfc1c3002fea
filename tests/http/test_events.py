import asyncio
import time
from typing import Any

import httpx
import pytest

from entrypoints.http.head import Head
from tests.http.service import Bearer, Service, SignedIn, refusal

FEED = "/v1/events"
NOW = 2.0
"""Seconds within which whoever waits is told: the head is looked at five times a second."""


def placed(service: Service) -> None:
    while service.container.sequencer()():
        pass


def follow(service: Service, by: Bearer, **query: Any) -> dict[str, Any]:
    """What has been committed by now has its place."""
    placed(service)
    response = service.get(FEED, by=by, params=query)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def types(page: dict[str, Any]) -> list[str]:
    return [event["type"] for event in page["items"]]


def key_for(service: Service, organization: str, owner: SignedIn, *scopes: str) -> Bearer:
    program = service.service_account(organization, "admin", by=owner)
    return service.service_key(organization, program, *scopes, by=owner)


def test_an_event_says_what_happened_to_what_and_whose_it_is(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    made, _ = follow(service, ada, organization_id=acme)["items"]
    assert made == {
        "id": made["id"],
        "type": "organization.created",
        "schema_version": 1,
        "at": made["at"],
        "aggregate_id": acme,
        "aggregate_version": 0,
        "organization_id": acme,
        "data": {"organization_id": acme, "by": service.id_of(ada)},
    }
    assert made["at"].endswith("Z")


def test_what_belongs_to_no_organization_says_so(service: Service) -> None:
    olga = service.operator()
    page = follow(service, olga)
    assert types(page).count("account.registered") == 1
    assert {event["organization_id"] for event in page["items"]} == {None}


def test_a_personal_key_for_an_organization_is_not_the_organizations_event(service: Service) -> None:
    olga, ada = service.operator(), service.ada()
    acme = service.organization(ada)
    service.personal_key(ada, acme, "members:read")
    key_for(service, acme, ada, "events:read")
    made = [event for event in follow(service, olga, limit=100)["items"] if event["type"] == "api_key.created"]
    assert [event["organization_id"] for event in made] == [None, acme]


def test_a_key_of_an_organization_reads_what_is_that_organizations(service: Service) -> None:
    ada, eve = service.ada(), service.person("eve")
    acme, other = service.organization(ada), service.organization(eve, "Eve's")
    key = key_for(service, acme, ada, "events:read")
    page = follow(service, key)
    assert {event["organization_id"] for event in page["items"]} == {acme}
    assert page == follow(service, key, organization_id=acme)
    refused = service.get(FEED, by=key, params={"organization_id": other})
    assert refusal(refused) == (404, "organization_not_found")


def test_a_key_needs_the_scope(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    assert refusal(service.get(FEED, by=key_for(service, acme, ada, "members:read"))) == (403, "permission_denied")


def test_a_key_for_no_organization_reads_nothing(service: Service) -> None:
    assert refusal(service.get(FEED, by=service.personal_key(service.ada()))) == (403, "session_required")


def test_whoever_is_no_operator_names_an_organization(service: Service) -> None:
    assert refusal(service.get(FEED, by=service.ada())) == (403, "operator_required")


def test_each_answer_says_where_to_go_on_and_so_nothing_is_missed_or_repeated(service: Service) -> None:
    olga, ada = service.operator(), service.ada()
    service.organization(ada)
    whole = follow(service, olga, limit=100)
    seen: list[dict[str, Any]] = []
    query: dict[str, str] = {}
    while page := follow(service, olga, limit=3, **query):
        seen += page["items"]
        query = {"after": page["next_cursor"]}
        if not page["items"]:
            break
    assert seen == whole["items"]
    assert page["next_cursor"] == whole["next_cursor"]
    service.organization(ada, "Second")
    assert types(follow(service, olga, **query)) == ["organization.created", "member.added"]


@pytest.mark.parametrize("cursor", ["", "nonsense", "-", "OTk5OTk5", "é", "MDE", "x" * 512])
def test_a_cursor_that_was_never_given_is_refused(service: Service, cursor: str) -> None:
    """Two of them would be 999999 and 01."""
    olga = service.operator()
    placed(service)
    assert refusal(service.get(FEED, by=olga, params={"after": cursor})) == (422, "cursor_invalid")


def test_a_cursor_from_before_all_that_is_kept_has_expired(service: Service) -> None:
    olga = service.operator()
    cursor = follow(service, olga, limit=1)["next_cursor"]
    with service.container.unit_of_work()() as uow:
        uow.sequence.forget(2)
    assert refusal(service.get(FEED, by=olga, params={"after": cursor})) == (410, "cursor_expired")


@pytest.mark.parametrize("wrong", [{"wait": 31}, {"wait": -1}, {"wait": "soon"}, {"limit": 0}, {"limit": 101}])
def test_limits_hold(service: Service, wrong: dict[str, Any]) -> None:
    assert refusal(service.get(FEED, by=service.ada(), params=wrong)) == (422, "validation_failed")


# ---- waiting


def waiting(service: Service) -> int:
    head: Head = service.app.state.head
    return head.waiting


async def until(service: Service, number: int) -> None:
    async with asyncio.timeout(10):
        while waiting(service) != number:
            await asyncio.sleep(0.01)


async def asked(service: Service, by: Bearer, after: str, *, wait: int = 30, **query: str) -> httpx.Response:
    return await service.call_async("GET", FEED, by=by, params={"after": after, "wait": wait, **query})


def test_whoever_waits_is_told_as_soon_as_something_happens(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    key = key_for(service, acme, ada, "events:read")
    cursor = follow(service, key)["next_cursor"]

    async def story() -> tuple[httpx.Response, float]:
        answer = asyncio.create_task(asked(service, key, cursor))
        await until(service, 1)
        await service.call_async("PATCH", f"/v1/organizations/{acme}", {"name": "Acme Ltd"}, by=ada)
        await asyncio.to_thread(placed, service)
        happened = time.monotonic()
        return await answer, time.monotonic() - happened

    answer, seconds = service.portal.call(story)
    assert types(answer.json()) == ["organization.changed"]
    assert seconds < NOW
    assert waiting(service) == 0


def test_what_happens_to_others_wakes_nobody(service: Service) -> None:
    ada, eve = service.ada(), service.person("eve")
    acme, other = service.organization(ada), service.organization(eve, "Eve's")
    cursor = follow(service, ada, organization_id=acme)["next_cursor"]

    async def story() -> httpx.Response:
        answer = asyncio.create_task(asked(service, ada, cursor, wait=1, organization_id=acme))
        await until(service, 1)
        await service.call_async("PATCH", f"/v1/organizations/{other}", {"name": "Eve Ltd"}, by=eve)
        await asyncio.to_thread(placed, service)
        await asyncio.sleep(0.5)
        assert not answer.done()
        return await answer

    begun = time.monotonic()
    page = service.portal.call(story).json()
    assert time.monotonic() - begun >= 1
    assert (page["items"], page["next_cursor"]) == ([], cursor)


def test_what_is_there_already_is_not_waited_for(service: Service) -> None:
    olga = service.operator()
    begun = time.monotonic()
    assert follow(service, olga, wait=30)["items"]
    assert time.monotonic() - begun < NOW


def test_who_calls_is_asked_before_they_may_wait(service: Service) -> None:
    begun = time.monotonic()
    refused = service.get(FEED, params={"wait": 30})
    assert refusal(refused) == (401, "authentication_required")
    assert time.monotonic() - begun < NOW


def test_a_right_that_ends_while_one_waits_is_gone_when_something_happens(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "admin", by=ada)
    cursor = follow(service, bob, organization_id=acme)["next_cursor"]

    async def story() -> httpx.Response:
        answer = asyncio.create_task(asked(service, bob, cursor, organization_id=acme))
        await until(service, 1)
        path = f"/v1/organizations/{acme}/members/{bob_id}"
        assert (await service.call_async("DELETE", path, by=ada)).status_code == 204
        await asyncio.to_thread(placed, service)
        return await answer

    bob_id = service.id_of(bob)
    assert refusal(service.portal.call(story)) == (404, "organization_not_found")


def test_many_wait_without_a_thread_and_the_others_are_served(service: Service) -> None:
    olga = service.operator()
    cursor = follow(service, olga)["next_cursor"]
    many = 200

    async def story() -> float:
        answers = [asyncio.create_task(asked(service, olga, cursor)) for _ in range(many)]
        await until(service, many)
        begun = time.monotonic()
        assert (await service.call_async("GET", "/v1/me", by=olga)).status_code == 200
        served = time.monotonic() - begun
        service.app.state.head.close()
        assert [answer.status_code for answer in await asyncio.gather(*answers)] == [200] * many
        return served

    assert many > service.container.settings().worker_threads
    assert service.portal.call(story) < NOW


def test_a_client_that_hangs_up_leaves_nothing_behind(service: Service) -> None:
    olga = service.operator()
    cursor = follow(service, olga)["next_cursor"]
    scope = {
        "type": "http",
        "method": "GET",
        "path": FEED,
        "query_string": f"after={cursor}&wait=30".encode(),
        "headers": [(b"authorization", olga.bearer["Authorization"].encode())],
        "client": ("192.0.2.1", 50_000),
        "http_version": "1.1",
        "scheme": "http",
        "server": ("portico.test", 80),
    }

    async def story() -> None:
        messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})

        async def send(message: Any) -> None:
            """Nobody reads it."""

        call = asyncio.create_task(service.app(scope, messages.get, send))
        await until(service, 1)
        messages.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(call, NOW)
        await until(service, 0)

    service.portal.call(story)
