"""What `portico migrate` does. Nothing here prints or depends on the working directory.

Every function takes the same URL as the service, and raises Unavailable if the database is out of reach.
"""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine

from adapters.sql.engine import parsed
from adapters.sql.failures import failures_told

_one_thread = Lock()
"""What a migration script imports from Alembic is global to the process."""


@dataclass(frozen=True, slots=True)
class Migration:
    revision: str
    after: str | None
    """The revision before it."""
    title: str


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema up to the revision; nothing happens if it is there."""
    with _one_thread, failures_told(in_transaction=True):
        command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the schema down to the revision; `base` is the empty database. What its tables held is lost."""
    with _one_thread, failures_told(in_transaction=True):
        command.downgrade(_config(url), revision)


def current(url: str) -> str | None:
    """The revision of the database; None if it was never migrated."""
    engine = create_engine(parsed(url), poolclass=NullPool, hide_parameters=True)
    with failures_told(in_transaction=True), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The newest revision there is."""
    return _scripts().get_current_head()


def history() -> list[Migration]:
    """All migrations, oldest first."""
    scripts = reversed(list(_scripts().walk_revisions()))
    return [
        Migration(script.revision, _single(script.down_revision), script.doc.removesuffix(".")) for script in scripts
    ]


def plan_sql(url: str) -> str:
    """The SQL that `upgrade` would run now; empty if there is nothing to do."""
    before = current(url)
    if before == head():
        return ""
    output = StringIO()
    with _one_thread:
        command.upgrade(_config(url, output), f"{before or 'base'}:head", sql=True)
    return output.getvalue()


def _config(url: str, output: StringIO | None = None) -> Config:
    config = Config(output_buffer=output, attributes={"url": url})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))


def _single(revision: str | list[str] | tuple[str, ...] | None) -> str | None:
    if revision is None or isinstance(revision, str):
        return revision
    raise ValueError("The history of the schema has no branches.")
