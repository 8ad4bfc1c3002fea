"""After a change of secret: authenticator apps go on, and need the old secret no longer."""

from dataclasses import replace

import pytest

from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application.ports.security import SealBroken
from application.rewrapping import RewrapFactors, Rewrapped, RewrapWebhooks
from application.second_factors import totp_row
from domain.second_factors import SecondFactors
from domain.webhooks import WebhookEndpoint
from tests.application.world import World

OLD, NEW = "the old secret of the apps", "the new secret of the apps"
BOTH = SecretKeys(NEW, [OLD])


@pytest.fixture
def world() -> World:
    return World(secret=SecretKeys(OLD))


def rewrapping(world: World, secret: SecretKeys = BOTH) -> RewrapFactors:
    return RewrapFactors(
        autocommit=world.database.autocommit,
        unit_of_work=world.database.unit_of_work,
        vault=AesVault(secret),
        secret_hasher=HmacSecretHasher(secret),
        batch=2,
    )


def rewrap(world: World, secret: SecretKeys = BOTH) -> list[Rewrapped]:
    return list(rewrapping(world, secret)())


def apps(done: list[Rewrapped]) -> int:
    return sum(batch.apps for batch in done)


def opened(factors: SecondFactors) -> list[str]:
    """What the new secret alone opens. Raise SealBroken."""
    vault = AesVault(SecretKeys(NEW))
    return [vault.open(sealed, row=totp_row(factors.account_id)) for sealed in factors.sealed_secrets]


def test_apps_are_sealed_anew_and_the_old_secret_can_go(world: World) -> None:
    account = world.an_account()
    secret = world.an_app_of(account)
    with pytest.raises(SealBroken):
        opened(world.enrolled(account.id))
    assert apps(rewrap(world)) == 1
    assert opened(world.enrolled(account.id)) == [secret]


def test_so_is_an_enrolment_that_no_code_has_confirmed_yet(world: World) -> None:
    principal = world.somebody()
    begun = world.begin_totp(principal=principal)
    assert apps(rewrap(world)) == 1
    assert opened(world.enrolled(principal.account.id)) == [begun.secret]


def test_nothing_else_changes_and_nothing_is_told(world: World) -> None:
    principal = world.with_app()
    world.make_recovery_codes(principal=principal)
    before, told = world.enrolled(principal.account.id), world.events()
    rewrap(world)
    after = world.enrolled(principal.account.id)
    assert replace(after, totp=before.totp, version=before.version) == before
    assert world.events() == told


def test_a_second_call_has_nothing_to_do(world: World) -> None:
    principal = world.with_app()
    rewrap(world)
    before = world.enrolled(principal.account.id)
    assert apps(rewrap(world)) == 0
    assert world.enrolled(principal.account.id) == before


def test_everybody_is_reached_however_many_batches_it_takes(world: World) -> None:
    accounts = [world.an_account(f"number-{number}@example.com") for number in range(5)]
    secrets = [world.an_app_of(account) for account in accounts]
    assert [batch.apps for batch in rewrap(world)] == [2, 2, 1]
    assert [opened(world.enrolled(account.id)) for account in accounts] == [[secret] for secret in secrets]


def test_where_nobody_has_a_factor_there_is_nothing_to_do(world: World) -> None:
    world.somebody()
    assert rewrap(world) == [Rewrapped(apps=0, broken=(), with_old_codes=0)]


def test_an_app_that_cannot_be_opened_stays_as_it_is_and_stops_nobody_else(world: World) -> None:
    accounts = [world.an_account(f"number-{number}@example.com") for number in range(3)]
    for account in accounts:
        world.an_app_of(account)
    broken = world.enrolled(accounts[1].id)
    assert broken.totp
    foreign = AesVault(SecretKeys("a secret of nobody's")).seal("secret", row=totp_row(broken.account_id))
    broken = replace(broken, totp=replace(broken.totp, sealed_secret=foreign))
    with world.database.persistence.unit_of_work() as uow:
        uow.second_factors.save(broken)
    done = rewrap(world)
    assert (apps(done), [id for batch in done for id in batch.broken]) == (2, [broken.account_id])
    assert world.enrolled(broken.account_id) == replace(broken, version=broken.version + 1)


def test_whoever_has_recovery_codes_of_the_old_secret_is_counted(world: World) -> None:
    world.make_recovery_codes(principal=world.with_app())
    world.with_app("without-codes@example.com")
    assert sum(batch.with_old_codes for batch in rewrap(world)) == 1
    assert sum(batch.with_old_codes for batch in rewrap(world, SecretKeys(OLD))) == 0


def rewrapping_webhooks(world: World) -> RewrapWebhooks:
    return RewrapWebhooks(
        autocommit=world.database.autocommit,
        unit_of_work=world.database.unit_of_work,
        vault=AesVault(BOTH),
        batch=2,
    )


def webhooks_opened(world: World, endpoint: WebhookEndpoint) -> list[str]:
    """What the new secret alone opens. Raise SealBroken."""
    with world.database.persistence.autocommit() as database:
        found: WebhookEndpoint | None = database.webhooks.find(endpoint.owner_id, endpoint.id)
    assert found
    vault = AesVault(SecretKeys(NEW))
    return [vault.open(sealed, row=found.secret_row) for sealed in found.kept_secrets]


def test_secrets_of_webhooks_are_sealed_anew_the_old_ones_too(world: World) -> None:
    acme = world.an_organization()
    made = [world.make_webhook(holder=acme, url="https://hooks.example.com/", events=["*"]) for _ in range(3)]
    rotated = world.rotate_webhook_secret(holder=acme, webhook_id=made[0].endpoint.id)
    told = world.events()
    with pytest.raises(SealBroken):
        webhooks_opened(world, rotated.endpoint)
    assert [batch.webhooks for batch in rewrapping_webhooks(world)()] == [2, 1]
    assert webhooks_opened(world, rotated.endpoint) == [rotated.secret, made[0].secret]
    assert webhooks_opened(world, made[2].endpoint) == [made[2].secret]
    assert world.events() == told
    assert sum(batch.webhooks for batch in rewrapping_webhooks(world)()) == 0


def test_a_webhook_whose_secret_cannot_be_opened_is_named_and_left_alone(world: World) -> None:
    acme = world.an_organization()
    broken, whole = (
        world.make_webhook(holder=acme, url="https://hooks.example.com/", events=["*"]).endpoint for _ in range(2)
    )
    with world.database.persistence.unit_of_work() as uow:
        uow.webhooks.save(replace(broken, sealed_secret=whole.sealed_secret))
    (batch,) = rewrapping_webhooks(world)()
    assert (batch.webhooks, batch.broken) == (1, (broken.id,))
