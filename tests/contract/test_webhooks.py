from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.audit import INSTALLATION
from domain.kernel import AccountId, CursorInvalid, Stale, WebhookId
from domain.webhooks import EndOfWebhook, WebhookEndpoint, WebhookNotFound
from tests.builders import HOUR, NOON, a_webhook, an_active_webhook
from tests.contract.given import NOT_A_CURSOR, SOMEBODY, events

ADA = AccountId(UUID(int=8))


def added(database: Persistence, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    with database.unit_of_work() as uow:
        uow.webhooks.add(endpoint)
    return endpoint


def found(database: Persistence, endpoint: WebhookEndpoint) -> WebhookEndpoint | None:
    with database.autocommit() as reads:
        return reads.webhooks.find(endpoint.owner_id, endpoint.id)


@pytest.mark.parametrize("endpoint", [a_webhook(), an_active_webhook(previous_sealed_secret=None)])
def test_every_field_survives_the_round_trip(database: Persistence, endpoint: WebhookEndpoint) -> None:
    added(database, endpoint)
    assert found(database, endpoint) == endpoint


def test_a_change_is_kept_with_its_event_and_counted(database: Persistence) -> None:
    endpoint = added(database, a_webhook())
    with database.unit_of_work() as uow:
        uow.webhooks.save(endpoint.enable(by=ADA, at=NOON + HOUR))
    enabled = replace(endpoint, disabled_because=None, disabled_at=None, failing_since=None, version=1)
    assert found(database, endpoint) == enabled
    assert events(database, endpoint.owner_id) == [("webhook.enabled", endpoint.id)]


def test_of_two_changes_to_the_same_state_the_second_is_stale(database: Persistence) -> None:
    endpoint = added(database, an_active_webhook())
    with database.unit_of_work() as uow:
        uow.webhooks.save(replace(endpoint, failing_since=NOON))
    with pytest.raises(Stale), database.unit_of_work() as uow:
        uow.webhooks.save(endpoint.disable(EndOfWebhook.SWITCHED_OFF, by=ADA, at=NOON))
    assert events(database, endpoint.owner_id) == []


def test_what_is_not_there_cannot_be_locked(database: Persistence) -> None:
    endpoint = added(database, a_webhook())
    with database.unit_of_work() as uow:
        assert uow.webhooks.lock(endpoint.owner_id, endpoint.id) == endpoint
        with pytest.raises(WebhookNotFound):
            uow.webhooks.lock(SOMEBODY, endpoint.id)
        with pytest.raises(WebhookNotFound):
            uow.webhooks.lock(endpoint.owner_id, WebhookId(uuid4()))


def test_it_is_removed_once(database: Persistence) -> None:
    endpoint = added(database, a_webhook())
    removals = []
    for _ in range(2):
        with database.unit_of_work() as uow:
            removals.append(uow.webhooks.remove(endpoint.delete(by=ADA, at=NOON)))
    assert removals == [True, False]
    assert found(database, endpoint) is None
    assert events(database, endpoint.owner_id) == [("webhook.deleted", endpoint.id)]


def test_an_owner_has_its_own_the_oldest_first(database: Persistence) -> None:
    first, second = (added(database, a_webhook(owner_id=ADA)) for _ in range(2))
    added(database, a_webhook())
    with database.autocommit() as reads:
        assert reads.webhooks.of_owner(ADA) == [first, second]
        assert reads.webhooks.of_owner(SOMEBODY) == []


def test_of_several_owners_those_are_active_that_are_not_off(database: Persistence) -> None:
    own = added(database, an_active_webhook(owner_id=ADA))
    of_all = added(database, an_active_webhook(owner_id=INSTALLATION))
    added(database, a_webhook(owner_id=ADA))
    added(database, an_active_webhook())
    with database.autocommit() as reads:
        assert {each.id for each in reads.webhooks.active([ADA, INSTALLATION, SOMEBODY])} == {own.id, of_all.id}


def test_some_are_found_by_owner_and_id_together(database: Persistence) -> None:
    one, other = added(database, a_webhook()), added(database, a_webhook())
    with database.autocommit() as reads:
        assert reads.webhooks.some([(one.owner_id, one.id), (one.owner_id, other.id)]) == [one]


def test_all_are_read_page_by_page(database: Persistence) -> None:
    everything = {added(database, a_webhook()).id for _ in range(5)}
    seen: list[WebhookId] = []
    after: str | None = None
    with database.autocommit() as reads:
        while True:
            page, after = reads.webhooks.page(limit=2, after=after)
            seen += [endpoint.id for endpoint in page]
            if after is None:
                break
    assert len(seen) == 5
    assert set(seen) == everything


@pytest.mark.parametrize("cursor", NOT_A_CURSOR)
def test_what_is_no_cursor_is_refused(database: Persistence, cursor: str) -> None:
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.webhooks.page(limit=2, after=cursor)
