"""Who keeps which webhooks, and what becomes of their secrets."""

import pytest

from application.webhooks import Holder, WebhookWithSecret
from domain.access import Actor, PermissionDenied, SessionRequired
from domain.accounts import OperatorRequired
from domain.assurance import StepUpRequired
from domain.audit import INSTALLATION
from domain.kernel import OrganizationId
from domain.permissions import MEMBERS_READ, WEBHOOKS_MANAGE, WEBHOOKS_READ
from domain.webhooks import (
    MOST_WEBHOOKS,
    EndOfWebhook,
    InvalidWebhook,
    TooManyWebhooks,
    WebhookEndpoint,
    WebhookNotFound,
)
from tests.application.world import ADA, World
from tests.builders import DAY, HOUR, MINUTE

URL = "https://hooks.example.com/portico"


def made(world: World, holder: Holder, *, url: str = URL, events: tuple[str, ...] = ("*",)) -> WebhookWithSecret:
    return world.make_webhook(holder=holder, url=url, events=events, description="For the invoices")


def stored(world: World, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    with world.database.persistence.autocommit() as database:
        found: WebhookEndpoint | None = database.webhooks.find(endpoint.owner_id, endpoint.id)
    assert found
    return found


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(world: World) -> None:
    acme = world.an_organization()
    webhook = made(world, acme)
    assert webhook.secret.startswith("whsec_")
    assert webhook.secret not in repr(webhook)
    (listed,) = world.list_webhooks(holder=acme)
    assert listed == webhook.endpoint == world.show_webhook(holder=acme, webhook_id=listed.id)
    assert (listed.owner_id, listed.organization_id) == (acme.organization_id, acme.organization_id)


def test_its_secret_lies_sealed_for_that_row_alone(world: World) -> None:
    webhook = made(world, world.an_organization())
    sealed = stored(world, webhook.endpoint).sealed_secret
    assert webhook.secret not in sealed
    assert world.vault.open(sealed, row=webhook.endpoint.secret_row) == webhook.secret


def test_operators_keep_those_of_the_installation(world: World) -> None:
    operator = world.an_operator()
    webhook = made(world, operator)
    assert (webhook.endpoint.owner_id, webhook.endpoint.organization_id) == (INSTALLATION, None)
    assert world.list_webhooks(holder=operator) == [webhook.endpoint]
    assert world.list_webhooks(holder=world.an_organization()) == []


def test_who_is_no_operator_does_not(world: World) -> None:
    somebody = world.somebody()
    for act in (
        lambda: made(world, somebody),
        lambda: world.list_webhooks(holder=somebody),
        lambda: world.try_webhook(holder=somebody, webhook_id=somebody.account.id),
    ):
        with pytest.raises(OperatorRequired):
            act()


def test_looking_and_managing_are_two_rights(world: World) -> None:
    acme = world.an_organization()
    webhook = made(world, acme).endpoint
    reader = world.a_member_who_may(acme, WEBHOOKS_READ, email="reader@example.org")
    neither = world.a_member_who_may(acme, MEMBERS_READ, email="neither@example.org")
    manager = world.a_member_who_may(acme, WEBHOOKS_MANAGE, email="manager@example.org")
    assert world.list_webhooks(holder=reader) == [webhook]
    assert world.list_deliveries(holder=reader, webhook_id=webhook.id, limit=10, after=None) == ([], None)
    for forbidden in (
        lambda: made(world, reader),
        lambda: world.change_webhook(holder=reader, webhook_id=webhook.id, enabled=False),
        lambda: world.rotate_webhook_secret(holder=reader, webhook_id=webhook.id),
        lambda: world.delete_webhook(holder=reader, webhook_id=webhook.id),
        lambda: world.try_webhook(holder=reader, webhook_id=webhook.id),
        lambda: world.redeliver(holder=reader, webhook_id=webhook.id, delivery_id=webhook.id),
        lambda: world.list_webhooks(holder=neither),
        lambda: world.list_webhooks(holder=manager),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()
    made(world, manager)


def key_of(world: World, owner: Actor) -> Actor:
    key = world.make_personal_key(
        principal=owner.person(), actor=owner, name="CI", scopes=[WEBHOOKS_READ, WEBHOOKS_MANAGE], expires_at=None
    )
    return world.by_key(key.secret).within(owner.organization_id)


def test_a_key_may_look_and_do_nothing_else(world: World) -> None:
    acme = world.an_organization()
    webhook, key = made(world, acme).endpoint, key_of(world, acme)
    assert world.show_webhook(holder=key, webhook_id=webhook.id) == webhook
    for act in (
        lambda: made(world, key),
        lambda: world.rotate_webhook_secret(holder=key, webhook_id=webhook.id),
        lambda: world.try_webhook(holder=key, webhook_id=webhook.id),
    ):
        with pytest.raises(SessionRequired):
            act()


def test_a_change_needs_a_fresh_proof_and_a_test_does_not(world: World) -> None:
    acme = world.an_organization()
    webhook = made(world, acme).endpoint
    world.clock.advance(16 * MINUTE)
    for act in (
        lambda: made(world, acme),
        lambda: world.change_webhook(holder=acme, webhook_id=webhook.id, url="https://other.example.com/"),
        lambda: world.rotate_webhook_secret(holder=acme, webhook_id=webhook.id),
        lambda: world.delete_webhook(holder=acme, webhook_id=webhook.id),
    ):
        with pytest.raises(StepUpRequired):
            act()
    world.try_webhook(holder=acme, webhook_id=webhook.id)


def test_across_organizations_no_webhook_exists(world: World) -> None:
    webhook = made(world, world.an_organization()).endpoint
    other = world.an_organization("eve@example.org", name="Other")
    for act in (
        lambda: world.show_webhook(holder=other, webhook_id=webhook.id),
        lambda: world.change_webhook(holder=other, webhook_id=webhook.id, enabled=False),
        lambda: world.rotate_webhook_secret(holder=other, webhook_id=webhook.id),
        lambda: world.delete_webhook(holder=other, webhook_id=webhook.id),
        lambda: world.try_webhook(holder=other, webhook_id=webhook.id),
        lambda: world.list_deliveries(holder=other, webhook_id=webhook.id, limit=10, after=None),
        lambda: world.redeliver(holder=other, webhook_id=webhook.id, delivery_id=webhook.id),
    ):
        with pytest.raises(WebhookNotFound):
            act()


def test_there_are_at_most_twenty(world: World) -> None:
    acme = world.an_organization()
    for _ in range(MOST_WEBHOOKS):
        made(world, acme)
    with pytest.raises(TooManyWebhooks):
        made(world, acme)


def test_hosts_are_private_only_where_the_installation_allows_them(world: World) -> None:
    acme = world.an_organization()
    made(world, acme, url="http://receiver.internal:9000/")
    with pytest.raises(InvalidWebhook):
        made(world, acme, url="http://other.internal:9000/")


def test_a_change_leaves_what_is_not_named(world: World) -> None:
    acme = world.an_organization()
    webhook = made(world, acme, events=("member.*",)).endpoint
    changed = world.change_webhook(holder=acme, webhook_id=webhook.id, url="https://other.example.com/")
    assert (changed.url, changed.description, changed.events_wanted) == (
        "https://other.example.com/",
        webhook.description,
        webhook.events_wanted,
    )


def test_it_is_switched_off_and_on(world: World) -> None:
    acme = world.an_organization()
    webhook = made(world, acme).endpoint
    off = world.change_webhook(holder=acme, webhook_id=webhook.id, enabled=False)
    assert off.disabled_because is EndOfWebhook.SWITCHED_OFF
    assert not stored(world, webhook).is_active
    assert world.change_webhook(holder=acme, webhook_id=webhook.id, enabled=True).is_active
    assert [name for name in world.event_names() if name.startswith("webhook.")] == [
        "webhook.created",
        "webhook.disabled",
        "webhook.enabled",
    ]


def test_after_a_rotation_the_old_secret_signs_for_a_day_more(world: World) -> None:
    acme = world.an_organization()
    before = made(world, acme)
    after = world.rotate_webhook_secret(holder=acme, webhook_id=before.endpoint.id)
    assert after.secret != before.secret

    def secrets() -> list[str]:
        webhook = stored(world, before.endpoint)
        now = world.clock.now()
        return [world.vault.open(sealed, row=webhook.secret_row) for sealed in webhook.sealed_secrets(now)]

    assert secrets() == [after.secret, before.secret]
    world.clock.advance(DAY - HOUR)
    assert secrets() == [after.secret, before.secret]
    world.clock.advance(HOUR)
    assert secrets() == [after.secret]


def test_what_is_deleted_is_gone(world: World) -> None:
    acme = world.an_organization()
    webhook = made(world, acme).endpoint
    world.delete_webhook(holder=acme, webhook_id=webhook.id)
    assert world.list_webhooks(holder=acme) == []
    with pytest.raises(WebhookNotFound):
        world.delete_webhook(holder=acme, webhook_id=webhook.id)


def test_with_an_organization_its_webhooks_go(world: World) -> None:
    acme = world.an_organization(ADA)
    made(world, acme)
    found = world.show_organization(actor=acme).organization
    world.delete_organization(actor=acme, confirm=found.slug)
    for _ in world.sweep():
        pass
    assert "webhook.deleted" in world.event_names()
    with world.database.persistence.autocommit() as database:
        assert database.webhooks.of_owner(OrganizationId(acme.organization_id)) == []
