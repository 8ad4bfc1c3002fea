from uuid import uuid4

import pytest

from tests.http.service import Service, SignedIn, pointers, refusal

URL = "https://hooks.example.com/portico"


@pytest.fixture
def ada(service: Service) -> SignedIn:
    return service.ada()


@pytest.fixture
def path(service: Service, ada: SignedIn) -> str:
    return f"/v1/organizations/{service.organization(ada)}/webhooks"


@pytest.fixture
def webhook(service: Service, ada: SignedIn, path: str) -> str:
    """The path of one."""
    return f"{path}/{service.post(path, {'url': URL}, by=ada).json()['id']}"


def test_a_webhook_is_made_changed_and_deleted(service: Service, ada: SignedIn, path: str) -> None:
    made = service.post(path, {"url": URL, "events": ["member.*"], "description": " Invoices "}, by=ada)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    webhook = made.json()
    assert webhook.pop("secret").startswith("whsec_")
    assert webhook == {
        "id": webhook["id"],
        "organization_id": path.split("/")[3],
        "url": URL,
        "description": "Invoices",
        "events": ["member.*"],
        "enabled": True,
        "disabled_because": None,
        "disabled_at": None,
        "failing_since": None,
        "previous_secret_expires_at": None,
        "created_by": service.id_of(ada),
        "created_at": "2026-03-20T12:00:00.000Z",
    }
    one = f"{path}/{webhook['id']}"
    assert service.get(path, by=ada).json() == {"items": [webhook], "next_cursor": None}

    off = {"enabled": False, "disabled_because": "switched_off", "disabled_at": "2026-03-20T12:00:00.000Z"}
    on = {"enabled": True, "disabled_because": None, "disabled_at": None}
    for change, outcome in (
        ({"url": "https://other.example.com/"}, {"url": "https://other.example.com/"}),
        ({"events": ["*"], "description": ""}, {"events": ["*"], "description": ""}),
        ({"enabled": False}, off),
        ({"enabled": True}, on),
        ({}, {}),
    ):
        webhook |= outcome
        changed = service.patch(one, change, by=ada)
        assert (changed.status_code, changed.json()) == (200, webhook)
        assert service.get(one, by=ada).json() == webhook

    deleted = service.delete(one, by=ada)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert refusal(service.get(one, by=ada)) == (404, "webhook_not_found")


@pytest.mark.parametrize(
    ("body", "expected", "pointer"),
    [
        ({}, "validation_failed", "/body/url"),
        ({"url": "http://hooks.example.com/"}, "webhook_invalid", "/body/url"),
        ({"url": "https://127.0.0.1/"}, "webhook_invalid", "/body/url"),
        ({"url": "https://localhost/"}, "webhook_invalid", "/body/url"),
        ({"url": URL + "x" * 2000}, "webhook_invalid", "/body/url"),
        ({"url": URL + "x" * 4000}, "validation_failed", "/body/url"),
        ({"url": URL, "events": []}, "webhook_invalid", "/body/events"),
        ({"url": URL, "events": ["member"]}, "webhook_invalid", "/body/events"),
        ({"url": URL, "events": [f"a.b{number}" for number in range(101)]}, "validation_failed", "/body/events"),
        ({"url": URL, "description": "x" * 201}, "webhook_invalid", "/body/description"),
        ({"url": URL, "secret": "whsec_mine"}, "validation_failed", "/body/secret"),
    ],
)
def test_what_cannot_be_a_webhook_is_told_by_its_field(
    service: Service, ada: SignedIn, path: str, body: dict[str, object], expected: str, pointer: str
) -> None:
    response = service.post(path, body, by=ada)
    assert refusal(response) == (422, expected)
    assert pointers(response) == [pointer]


def test_a_rotation_shows_a_new_secret(service: Service, ada: SignedIn, path: str) -> None:
    made = service.post(path, {"url": URL}, by=ada).json()
    rotated = service.post(f"{path}/{made['id']}/rotate", by=ada)
    assert (rotated.status_code, rotated.headers["cache-control"]) == (200, "no-store")
    assert rotated.json()["secret"] not in (made["secret"], None)
    assert rotated.json()["previous_secret_expires_at"] == "2026-03-21T12:00:00.000Z"


def test_a_test_waits_in_the_log(service: Service, ada: SignedIn, webhook: str) -> None:
    tried = service.post(f"{webhook}/test", by=ada)
    assert tried.status_code == 202
    delivery = tried.json()
    assert delivery == {
        "id": delivery["id"],
        "event_id": delivery["id"],
        "type": "webhook.test",
        "state": "pending",
        "tries": 0,
        "status": None,
        "error": None,
        "created_at": "2026-03-20T12:00:00.000Z",
        "tried_at": None,
        "settled_at": None,
    }
    log = service.get(f"{webhook}/deliveries", by=ada)
    assert (log.status_code, log.json()) == (200, {"items": [delivery], "next_cursor": None})
    again = service.post(f"{webhook}/deliveries/{delivery['id']}/redeliver", by=ada)
    assert refusal(again) == (409, "delivery_pending")


def test_the_log_is_read_page_by_page(service: Service, ada: SignedIn, webhook: str) -> None:
    tried = [service.post(f"{webhook}/test", by=ada).json()["id"] for _ in range(3)]
    newest = service.get(f"{webhook}/deliveries?limit=2", by=ada).json()
    oldest = service.get(f"{webhook}/deliveries?limit=2&cursor={newest['next_cursor']}", by=ada).json()
    assert [each["id"] for each in newest["items"] + oldest["items"]] == tried[::-1]
    assert oldest["next_cursor"] is None
    assert refusal(service.get(f"{webhook}/deliveries?cursor=x", by=ada)) == (422, "cursor_invalid")


def test_one_that_is_off_is_not_tried(service: Service, ada: SignedIn, webhook: str) -> None:
    service.patch(webhook, {"enabled": False}, by=ada)
    assert refusal(service.post(f"{webhook}/test", by=ada)) == (409, "webhook_disabled")


def test_what_is_not_there_is_not_found(service: Service, ada: SignedIn, path: str, webhook: str) -> None:
    nowhere = f"{path}/{uuid4()}"
    for refused in (
        service.get(nowhere, by=ada),
        service.patch(nowhere, {}, by=ada),
        service.delete(nowhere, by=ada),
        service.post(f"{nowhere}/rotate", by=ada),
        service.post(f"{nowhere}/test", by=ada),
        service.get(f"{nowhere}/deliveries", by=ada),
        service.post(f"{nowhere}/deliveries/{uuid4()}/redeliver", by=ada),
    ):
        assert refusal(refused) == (404, "webhook_not_found")
    unknown = service.post(f"{webhook}/deliveries/{uuid4()}/redeliver", by=ada)
    assert refusal(unknown) == (404, "delivery_not_found")


def test_there_are_at_most_twenty(service: Service, ada: SignedIn, path: str) -> None:
    for _ in range(20):
        assert service.post(path, {"url": URL}, by=ada).status_code == 201
    assert refusal(service.post(path, {"url": URL}, by=ada)) == (409, "too_many_webhooks")


def test_operators_keep_those_of_the_installation(service: Service, ada: SignedIn, webhook: str) -> None:
    operator, path = service.operator(), "/v1/admin/webhooks"
    made = service.post(path, {"url": URL, "events": ["account.*"]}, by=operator)
    assert made.status_code == 201
    webhook_of_all = made.json()
    assert webhook_of_all.pop("secret").startswith("whsec_")
    assert webhook_of_all["organization_id"] is None
    assert service.get(path, by=operator).json()["items"] == [webhook_of_all]

    one = f"{path}/{webhook_of_all['id']}"
    assert service.get(one, by=operator).json() == webhook_of_all
    assert service.patch(one, {"description": "All"}, by=operator).json()["description"] == "All"
    assert service.post(f"{one}/rotate", by=operator).json()["secret"].startswith("whsec_")
    tried = service.post(f"{one}/test", by=operator).json()
    assert service.get(f"{one}/deliveries", by=operator).json()["items"] == [tried]
    again = service.post(f"{one}/deliveries/{tried['id']}/redeliver", by=operator)
    assert refusal(again) == (409, "delivery_pending")

    of_acme = webhook.rpartition("/")[2]
    assert refusal(service.get(f"{path}/{of_acme}", by=operator)) == (404, "webhook_not_found")
    assert refusal(service.get(path, by=ada)) == (403, "operator_required")
    assert service.delete(one, by=operator).status_code == 204
