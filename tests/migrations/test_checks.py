"""What the checks across shards find in a database that somebody repaired by hand."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.environment import Uuid7Ids
from adapters.sql.database import SqlDatabase
from domain.audit import INSTALLATION
from migrations.commands import upgrade
from tests.builders import (
    a_membership,
    a_passkey,
    a_personal_key,
    a_service_account,
    a_service_key,
    a_waiting_delivery,
    a_webhook,
    an_active_account,
    an_invitation,
    an_organization,
    second_factors,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checked.sqlite3"


@pytest.fixture
def database(file: Path) -> Iterator[SqlDatabase]:
    url = f"sqlite:///{file}"
    upgrade(url)
    database = SqlDatabase(url, ids=Uuid7Ids())
    yield database
    database.close()


def fill(database: SqlDatabase) -> None:
    """One of each that refers to another shard."""
    account, organization = an_active_account(has_second_factor=True), an_organization()
    service_account = a_service_account(organization_id=organization.id)
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
        uow.passkeys.add(a_passkey(account_id=account.id))
        uow.organizations.add(organization)
        uow.memberships.add(a_membership(organization_id=organization.id, account_id=account.id))
        uow.invitations.put(an_invitation(organization_id=organization.id))
        uow.service_accounts.add(service_account)
        uow.api_keys.add(a_personal_key(owner_id=account.id, organization_id=organization.id))
        uow.api_keys.add(a_service_key(organization_id=organization.id, service_account_id=service_account.id))


@pytest.mark.parametrize(
    ("by_hand", "found"),
    [
        ("UPDATE organizations SET deleted_at = created_at", "1 slugs belong to no live organization, and no other"),
        ("DELETE FROM slugs", "1 live organizations have a slug that another one could take"),
        ("DELETE FROM memberships", "1 members do not see their organization"),
        ("DELETE FROM members", "1 memberships are unknown to their organization"),
        ("UPDATE members SET role = 'owner'", "1 memberships are unknown to their organization, or known there in"),
        ("DELETE FROM accounts", "1 members are no open accounts"),
        ("DELETE FROM invitations", "1 addresses are kept for invitations that are gone"),
        ("DELETE FROM address_invitations", "1 invitations can be neither accepted nor declined"),
        ("DELETE FROM service_accounts", "1 keys belong to no open account and to no service account"),
        ("UPDATE accounts SET state = 'closed'", "1 keys belong to no open account and to no service account"),
        ("DELETE FROM passkeys", "1 credentials belong to no passkey, and nobody can register them"),
        ("DELETE FROM passkeys", "1 accounts are asked for a second factor that they do not have"),
        ("DELETE FROM passkey_credentials", "1 passkeys have a credential that another account could register"),
        ("UPDATE accounts SET has_second_factor = 0", "1 accounts have a second factor that they are never asked for"),
    ],
)
def test_what_was_repaired_by_hand_is_found(database: SqlDatabase, file: Path, by_hand: str, found: str) -> None:
    fill(database)
    assert database.findings() == []
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(by_hand)
    assert any(finding.startswith(found) for finding in database.findings())


@pytest.mark.parametrize(
    ("by_hand", "found"),
    [
        ("DELETE FROM organizations", "1 webhooks belong to no organization"),
        ("DELETE FROM lanes", "1 deliveries wait in no lane, where no relay finds them"),
    ],
)
def test_what_was_repaired_of_webhooks_by_hand_is_found(
    database: SqlDatabase, file: Path, by_hand: str, found: str
) -> None:
    organization = an_organization()
    with database.unit_of_work() as uow:
        uow.organizations.add(organization)
        uow.webhooks.add(a_webhook(owner_id=organization.id))
        uow.webhooks.add(a_webhook(owner_id=INSTALLATION))
        uow.deliveries.queue([a_waiting_delivery()])
    assert database.findings() == []
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(by_hand)
    assert found in database.findings()


def test_an_operator_without_an_account_is_found(database: SqlDatabase) -> None:
    with database.unit_of_work() as uow:
        uow.operators.add(an_active_account().id)
    assert database.findings() == ["1 operators are no active accounts"]


def test_operator_rights_that_the_operators_do_not_know_are_found(database: SqlDatabase) -> None:
    with database.unit_of_work() as uow:
        uow.accounts.add(an_active_account(is_operator=True))
    assert database.findings() == ["1 active accounts with operator rights are missing among the operators"]


def test_an_authenticator_app_is_a_second_factor_and_what_else_an_account_keeps_is_none(
    database: SqlDatabase, file: Path
) -> None:
    account = an_active_account(has_second_factor=True)
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
        uow.second_factors.lock(account.id)
        uow.second_factors.save(second_factors(account_id=account.id))
    assert database.findings() == []
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE second_factors SET totp_sealed = NULL")
    assert database.findings() == ["1 accounts are asked for a second factor that they do not have"]
