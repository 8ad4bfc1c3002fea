import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, column, insert, inspect, table, text

from adapters.environment import Uuid7Ids
from adapters.sql import SqlDatabase
from adapters.sql.database import SCHEMA_HEAD
from adapters.sql.model import Model
from application.ports.unit_of_work import Unavailable
from domain.kernel import AccountId, OrganizationId
from domain.permissions import OWN, Catalogue
from domain.roles import OWNER
from migrations.commands import current, downgrade, head, history, plan_sql, upgrade

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"

AN_ACCOUNT = {
    "id": "0195a7e47c0070008000000000000001",
    "email": "ada@example.com",
    "display_name": "Ada Löwe",
    "password_hash": "$bcrypt-sha256$of-an-account",
    "credentials_epoch": 2,
    "is_operator": False,
    "state": "active",
    "state_since": "2026-03-20T12:00:00.000000+00:00",
    "created_at": "2026-03-20T12:00:00.000000+00:00",
    "version": 3,
}
A_SESSION = {
    "account_id": AN_ACCOUNT["id"],
    "id": "0195a7e47c0070008000000000000002",
    "amr": "pwd",
    "aal": 1,
    "generation": 4,
    "replays": 0,
    "user_agent": "Mozilla/5.0",
    "network": "192.0.2.7/32",
    **dict.fromkeys(
        (
            "created_at",
            "authenticated_at",
            "rotated_at",
            "last_seen_at",
            "idle_expires_at",
            "expires_at",
            "idle_expiry_hour",
        ),
        "2026-03-20T12:00:00.000000+00:00",
    ),
}
AN_ORGANIZATION = {
    "id": "0195a7e47c0070008000000000000003",
    "name": "Ada & Söhne",
    "slug": "ada",
    "created_at": "2026-03-20T12:00:00.000000+00:00",
    "invitations_counted": 3,
    "version": 1,
}


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def put_in(engine: Engine, rows: Mapping[str, Mapping[str, object]]) -> None:
    with engine.begin() as connection:
        for name, row in rows.items():
            into = table(name, *map(column, row))
            connection.execute(insert(into), row)


def held(engine: Engine, *names: str) -> list[dict[str, object]]:
    with engine.connect() as connection:
        return [
            dict(row)
            for name in names
            for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()  # noqa: S608 (our own tables)
        ]


def problem(url: str) -> str | None:
    database = SqlDatabase(url, ids=Uuid7Ids(), pool_timeout=1)
    try:
        return database.problem()
    finally:
        database.close()


def test_the_code_needs_the_newest_migration() -> None:
    assert head() == SCHEMA_HEAD


def test_each_migration_goes_up_and_down_and_up_again(url: str, engine: Engine) -> None:
    for migration in history():
        before = tables(engine)
        upgrade(url, migration.revision)
        after = tables(engine)
        assert current(url) == migration.revision
        downgrade(url, migration.after or "base")
        assert current(url) == migration.after
        assert tables(engine) == before
        upgrade(url, migration.revision)
        assert tables(engine) == after
    assert tables(engine) == set(Model.metadata.tables)


def test_a_database_at_head_is_what_the_models_say(url: str, engine: Engine) -> None:
    upgrade(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Model.metadata) == []


def test_an_address_is_compared_byte_by_byte(url: str, engine: Engine) -> None:
    """A language's own order knows no prefix. The comparison of metadata is blind to it."""
    upgrade(url)
    [email] = (column for column in inspect(engine).get_columns("accounts") if column["name"] == "email")
    assert getattr(email["type"], "collation", None) == ("C" if engine.dialect.name == "postgresql" else None)


def test_every_key_starts_with_what_its_rows_are_distributed_by(url: str, engine: Engine) -> None:
    upgrade(url)
    inspector = inspect(engine)
    keys = {table: inspector.get_pk_constraint(table)["constrained_columns"] for table in tables(engine)}
    assert keys == {
        "accounts": ["id"],
        "identifiers": ["kind", "value"],
        "operators": ["account_id"],
        "sessions": ["account_id", "id"],
        "claims": ["address_digest", "id"],
        "password_resets": ["address_digest", "id"],
        "email_changes": ["account_id"],
        "attempts": ["address_digest", "bucket"],
        "mail": ["address_digest", "slot"],
        "signing_keys": ["id"],
        "outbox": ["owner_id", "id"],
        "organizations": ["id"],
        "slugs": ["value"],
        "members": ["organization_id", "account_id"],
        "memberships": ["account_id", "organization_id"],
        "roles": ["organization_id", "name"],
        "invitations": ["organization_id", "id"],
        "address_invitations": ["address_digest", "organization_id"],
        "service_accounts": ["organization_id", "id"],
        "api_keys": ["owner_id", "id"],
        "permissions": ["name"],
        "built_in_roles": ["name"],
        "second_factors": ["account_id"],
        "passkeys": ["account_id", "id"],
        "passkey_credentials": ["digest"],
        "challenges": ["owner_id", "id"],
        "email_codes": ["address_digest", "id"],
        "trusted_devices": ["account_id", "id"],
        "sequences": ["name"],
        "audit_entries": ["chain_id", "id"],
        "audit_personal": ["account_id", "entry_id"],
        "audit_seals": ["chain_id", "position"],
        "audit_chains": ["id"],
        "webhooks": ["owner_id", "id"],
        "deliveries": ["owner_id", "id"],
        "lanes": ["owner_id", "endpoint_id", "aggregate_id"],
    }


def test_nothing_but_a_key_is_unique_and_no_reference_leaves_its_shard(url: str, engine: Engine) -> None:
    upgrade(url)
    inspector = inspect(engine)
    unique = [
        index["name"] for table in tables(engine) for index in inspector.get_indexes(table) if index["unique"]
    ] + [constraint["name"] for table in tables(engine) for constraint in inspector.get_unique_constraints(table)]
    assert unique == []
    references = {
        (table, *key["constrained_columns"], key["referred_table"])
        for table in tables(engine)
        for key in inspector.get_foreign_keys(table)
    }
    of_accounts, of_organizations = (
        {"sessions", "email_changes", "memberships", "second_factors", "passkeys", "trusted_devices"},
        {"members", "roles", "invitations", "service_accounts"},
    )
    assert references == {(table, "account_id", "accounts") for table in of_accounts} | {
        (table, "organization_id", "organizations") for table in of_organizations
    }


def test_what_there_was_before_second_factors_outlives_them(url: str, engine: Engine) -> None:
    before = {"accounts": AN_ACCOUNT, "sessions": A_SESSION, "organizations": AN_ORGANIZATION}
    upgrade(url, "0002")
    put_in(engine, before)
    as_it_was = held(engine, *before)

    upgrade(url)
    with closing(SqlDatabase(url, ids=Uuid7Ids())) as database, database.autocommit() as reads:
        assert not reads.accounts.get(AccountId(UUID(str(AN_ACCOUNT["id"])))).has_second_factor
        assert not reads.organizations.get(OrganizationId(UUID(str(AN_ORGANIZATION["id"])))).requires_second_factor

    downgrade(url, "0002")
    assert held(engine, *before) == as_it_was


def test_a_worker_that_knows_no_second_factors_may_go_on_while_the_schema_does(url: str, engine: Engine) -> None:
    upgrade(url, "0003")
    put_in(engine, {"accounts": AN_ACCOUNT, "organizations": AN_ORGANIZATION})
    assert held(engine, "accounts", "organizations")


def test_a_new_database_has_porticos_own_catalogue(url: str) -> None:
    """The migration holds it as it was then: whoever changes the one in the domain writes a migration for it."""
    upgrade(url)
    with closing(SqlDatabase(url, ids=Uuid7Ids())) as database, database.autocommit() as reads:
        assert reads.catalogue.get() == Catalogue()
        owner = reads.roles.permissions(OrganizationId(UUID(int=1)), OWNER)
    assert owner == frozenset(OWN)


def test_several_processes_may_migrate_at_once(url: str) -> None:
    program = "import sys; from migrations.commands import upgrade; upgrade(sys.argv[1])"
    migrators = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(3)]
    assert [migrator.wait(timeout=60) for migrator in migrators] == [0, 0, 0]
    assert current(url) == head()


def test_several_threads_may_migrate_at_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for migrated in [pool.submit(upgrade, url) for _ in range(4)]:
            migrated.result()
    assert current(url) == head()


def test_migrating_again_changes_nothing(url: str, engine: Engine) -> None:
    upgrade(url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO identifiers VALUES ('email', 'a@b.ch', '0192e1a0b2c37d4e8f00112233445566')")
        )
    upgrade(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT value FROM identifiers")).scalars().all() == ["a@b.ch"]


def test_a_plan_is_the_sql_that_an_upgrade_runs(url: str, engine: Engine) -> None:
    plan = plan_sql(url)
    assert tables(engine) == set()
    with engine.connect() as connection:
        for statement in filter(str.strip, plan.split(";\n")):
            connection.exec_driver_sql(statement)
        connection.commit()
    assert tables(engine) == set(Model.metadata.tables)
    assert current(url) == head()
    assert plan_sql(url) == ""


def test_a_migration_that_fails_leaves_nothing_behind(url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE outbox (anything INTEGER)"))
    with pytest.raises(Exception, match="outbox"):
        upgrade(url)
    assert tables(engine) == {"outbox"}
    assert current(url) is None


def test_readiness_tells_a_schema_that_is_not_at_head(url: str, engine: Engine) -> None:
    assert problem(url) == "schema"
    upgrade(url)
    assert problem(url) is None
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'newer'"))
    assert problem(url) == "schema"


def test_a_database_that_is_out_of_reach_is_told_as_such(tmp_path: Path) -> None:
    for elsewhere in (NOWHERE, f"sqlite:///{tmp_path}/no/such/folder/portico.sqlite3"):
        assert problem(elsewhere) == "database"
        with pytest.raises(Unavailable, match=r"out of reach|CANTOPEN"):
            upgrade(elsewhere)


def test_the_alembic_command_works_from_anywhere(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/portico.sqlite3"
    configuration = Path(__file__).parents[2] / "alembic.ini"
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "--config", str(configuration), "upgrade", "head"],
        cwd=tmp_path,
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert current(database) == head()
