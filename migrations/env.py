"""What Alembic runs: all migrations of an upgrade in one transaction, one migrator at a time."""

import os
from logging.config import fileConfig

from alembic import context
from sqlalchemy import NullPool, create_engine

from adapters.sql.engine import keep_private, parsed
from adapters.sql.model import Model  # the package imports all tables

MIGRATING = 0x706F727469636F
"""The advisory lock: a number of Portico's own. It ends with the transaction, so pgbouncer does not mind."""


def migrate_offline(url: str) -> None:
    """Write the SQL instead of running it."""
    context.configure(url=parsed(url), literal_binds=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def migrate_online(url: str) -> None:
    address = parsed(url)
    on_sqlite = address.get_backend_name() == "sqlite"
    if on_sqlite:
        keep_private(address)
    # pysqlite would commit before each CREATE TABLE: BEGIN is ours, as in the service.
    driver = {"isolation_level": None} if on_sqlite else {}
    engine = create_engine(address, poolclass=NullPool, hide_parameters=True, connect_args=driver)
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=Model.metadata, render_as_batch=on_sqlite, transactional_ddl=True
        )
        with context.begin_transaction():
            # Several instances may start at once: the others wait here, and then find nothing to do.
            context.execute("BEGIN IMMEDIATE" if on_sqlite else f"SELECT pg_advisory_xact_lock({MIGRATING})")
            context.run_migrations()


if context.config.config_file_name:  # the `alembic` command; Portico's own commands decide about logs themselves
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)
_url: str = context.config.attributes.get("url") or os.environ["DATABASE_URL"]
if context.is_offline_mode():
    migrate_offline(_url)
else:
    migrate_online(_url)
