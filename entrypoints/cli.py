"""The `portico` command. What it does not need it does not import: `--help` answers at once."""

import json
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from entrypoints import audit_commands
from entrypoints.settings import Settings
from entrypoints.terminal import Yes, err, fail, load_settings, opened, out

if TYPE_CHECKING:
    from application.catalogue import CataloguePlan
    from domain.permissions import Catalogue
    from entrypoints.container import Container

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a local may be a password
    help="Portico: accounts and access for your backends.",
)
migrate = typer.Typer(
    no_args_is_help=True, help="Bring the database schema up or down. Safe to call from several places."
)
keys = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens.")
access = typer.Typer(no_args_is_help=True, help="What may be done at all: the permissions that your backends ask for.")
app.add_typer(migrate, name="migrate")
app.add_typer(keys, name="keys")
app.add_typer(access, name="access")
app.add_typer(audit_commands.audit, name="audit")

CatalogueFile = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="TOML: resources, actions and roles.")
]


def main() -> None:
    app()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Instead of HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Instead of PORT.")] = None,
    workers: Annotated[int | None, typer.Option(help="Instead of WORKERS.")] = None,
) -> None:
    """Serve the API. SIGTERM drains: what was accepted is answered before the process ends.

    On SQLite the schema is brought up first; on PostgreSQL it must be at head already (portico migrate up).
    """
    for name, value in {"HOST": host, "PORT": port, "WORKERS": workers}.items():
        if value is not None:
            os.environ[name] = str(value)
    settings = load_settings()
    if settings.is_development:
        url = f"http://{settings.host}:{settings.port}"
        out.print(
            f"Try it at {url}/docs" + (f", and read its mail at {url}/dev/mailbox" * (settings.mail == "console"))
        )
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "entrypoints.server"])  # noqa: S606 (this very interpreter)


@app.command()
def relay() -> None:
    """Send mail and webhooks, put events in order and sweep, as `serve` does unless BACKGROUND_WORK=false.

    Several may run at once. It needs PostgreSQL. SIGTERM lets it finish what is under way.
    """
    load_settings()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "entrypoints.relay"])  # noqa: S606 (this very interpreter)


@migrate.command("up")
def migrate_up(
    revision: Annotated[str, typer.Argument(help="Up to which revision.")] = "head",
) -> None:
    """Bring the schema up. Several instances may call it at once: one does it, the others wait."""
    from migrations.commands import current, upgrade

    url = migrated_database()
    with reaching_the_database():
        before = current(url)
        upgrade(url, revision)
        out.print(f"The schema was at {before or 'nothing'} and is at {current(url)}.")


@migrate.command("down")
def migrate_down(
    revision: Annotated[str, typer.Argument(help="Down to which revision; `base` removes every table.")],
    yes: Yes = False,
) -> None:
    """Take the schema back. What the tables that go hold is lost."""
    from migrations.commands import current, downgrade

    url = migrated_database()
    with reaching_the_database():
        if not yes:
            typer.confirm(f"Going down to {revision} removes tables and columns with all they hold. Go on?", abort=True)
        downgrade(url, revision)
        out.print(f"The schema is at {current(url) or 'nothing'}.")


@migrate.command("status")
def migrate_status() -> None:
    """Show where the schema is, and where this version needs it. Exits 1 if they differ."""
    from adapters.sql.database import SCHEMA_HEAD
    from migrations.commands import current

    url = migrated_database()
    with reaching_the_database():
        at = current(url)
    out.print(f"The schema is at {at or 'nothing'}; this version needs {SCHEMA_HEAD}.")
    if at != SCHEMA_HEAD:
        raise typer.Exit(1)


@migrate.command("plan")
def migrate_plan() -> None:
    """Print the SQL that `migrate up` would run, and run nothing."""
    from migrations.commands import plan_sql

    url = migrated_database()
    with reaching_the_database():
        sys.stdout.write(plan_sql(url))


def migrated_database() -> str:
    """Its URL. What keeps no tables has nothing to migrate, which is no failure."""
    settings = load_settings()
    if settings.is_memory or settings.persistence:
        out.print("This persistence has no tables of Portico's: there is nothing to migrate.")
        raise typer.Exit
    return settings.database_url.get_secret_value()


@contextmanager
def reaching_the_database() -> Iterator[None]:
    from alembic.util import CommandError

    from application.ports.unit_of_work import Unavailable

    try:
        yield
    except (CommandError, Unavailable) as refused:
        raise fail(f"{refused}. See `portico doctor`.") from None


@app.command("create-operator")
def create_operator(
    email: Annotated[str, typer.Argument(help="The address of the account, which is made if there is none.")],
    name: Annotated[str, typer.Option(help="The display name of a new account.")] = "",
) -> None:
    """Give an account operator rights over the whole installation.

    The password of a new account is asked for, or read from the environment variable OPERATOR_PASSWORD.
    """
    from domain.accounts import AccountNotFound

    with opened() as container:
        appoint = container.appoint_operator()
        try:
            account = appoint(email=email, password=None)
        except AccountNotFound:
            password = os.environ.get("OPERATOR_PASSWORD") or typer.prompt(
                f"Password for the new account {email}", hide_input=True, confirmation_prompt=True
            )
            account = appoint(email=email, password=password, display_name=name)
        out.print(f"{account.email.value} is an operator ({account.id}).", highlight=False)
        if container.settings().operators_need_second_factor and not account.has_second_factor:
            out.print("Operators act with a second factor only. Sign in, and enrol one: POST /v1/me/totp.")


@app.command("reset-factors")
def reset_factors(
    email: Annotated[str, typer.Argument(help="The address of the account.")],
    yes: Yes = False,
) -> None:
    """Remove every second factor and passkey of an account: its owner, the last operator say, has lost them all.

    Every session of the account ends, and its owner is told by mail. The password stays as it is.
    """
    with opened() as container:
        if not yes:
            typer.confirm(f"From now on the password alone opens {email}. Go on?", abort=True)
        account = container.reset_factors_by_email()(email=email)
        out.print(f"{account.email.value} has no second factor any more, and is signed out.", highlight=False)


@keys.command("list")
def keys_list() -> None:
    """Show all keys and their states."""
    with opened() as container:
        _print_keys(container)


@keys.command("rotate")
def keys_rotate(
    force: Annotated[
        bool, typer.Option("--force", help="Also while the standby key is younger than 15 minutes.")
    ] = False,
) -> None:
    """Make the standby key active and the active one retiring. No request fails meanwhile."""
    with opened() as container:
        container.rotate_keys()(force=force)
        _print_keys(container)


@keys.command("revoke")
def keys_revoke(key_id: Annotated[UUID, typer.Argument(metavar="KID")], yes: Yes = False) -> None:
    """The emergency: refuse every token of that key within five seconds. Its holders refresh, and go on."""
    with opened() as container:
        if not yes:
            typer.confirm("Every access token of this key ends now. Go on?", abort=True)
        container.revoke_key()(key_id=key_id)
        _print_keys(container)


@keys.command("rewrap")
def keys_rewrap() -> None:
    """After a change of SECRET_KEY, with the old one in SECRET_KEYS_OLD: seal all that is sealed under the new one.

    Signing keys, and the secrets of authenticator apps and webhooks. It may be called as often as you like.
    """
    apps = with_old_codes = webhooks = 0
    broken: list[str] = []
    broken_webhooks: list[str] = []
    with opened() as container, Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err) as progress:
        count = container.rewrap_keys()()
        task = progress.add_task("Authenticator apps")
        for batch in container.rewrap_factors()():
            apps += batch.apps
            with_old_codes += batch.with_old_codes
            broken += map(str, batch.broken)
            progress.update(task, description=f"Authenticator apps: {apps}")
        for found in container.rewrap_webhooks()():
            webhooks += found.webhooks
            broken_webhooks += map(str, found.broken)
            progress.update(task, description=f"Webhooks: {webhooks}")
    out.print(
        f"{count} keys, {apps} authenticator apps and {webhooks} webhooks were sealed anew: "
        "they need no old secret any more."
    )
    if with_old_codes:
        out.print(f"{with_old_codes} accounts have recovery codes that end with the old secret: ask for new ones.")
    if broken_webhooks:
        err.print("The secrets of these webhooks cannot be opened, rotate them: " + ", ".join(broken_webhooks))
    if broken:
        raise fail("These accounts' authenticator apps cannot be opened, and were left alone:\n" + "\n".join(broken))


def _print_keys(container: "Container") -> None:
    # Narrow enough for 80 columns: a kid that is cut short cannot be revoked.
    table = Table("kid", "state", "since", box=None)
    for key in container.list_keys()():
        table.add_row(str(key.id), key.state, f"{key.state_since:%Y-%m-%d %H:%M:%S}")
    out.print(table)


@access.command("plan")
def access_plan(file: CatalogueFile) -> None:
    """Show what `access apply` would change, and change nothing.

    Exits 1 where it would refuse, 2 if the file is wrong.
    """
    declared = _declared(file)
    with opened() as container:
        plan = container.plan_catalogue()(declared)
    _print_plan(plan, declared)
    _must_be_free(plan, but=())


@access.command("apply")
def access_apply(
    file: CatalogueFile,
    remove: Annotated[
        list[str] | None,
        typer.Option(metavar="PERMISSION", help="Remove it although roles or keys name it: it is struck out of them."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Make the permissions what the file says, in one transaction. It counts from the next request on."""
    declared, withdraw = _declared(file), remove or []
    with opened() as container:
        plan = container.plan_catalogue()(declared)
        _print_plan(plan, declared)
        if not plan.changes:
            return
        if astray := set(withdraw) - set(plan.changes.removed):
            raise fail(f"The file does not remove {', '.join(sorted(astray))}: nothing was changed.", 2)
        _must_be_free(plan, but=withdraw)
        if not yes and (plan.changes.removed or plan.changes.withdrawn):
            typer.confirm("Whoever could do what is taken away cannot from now on. Go on?", abort=True)
        container.apply_catalogue()(declared, withdraw=withdraw)
    out.print("It is done.")


def _declared(file: Path) -> "Catalogue":
    from entrypoints.catalogue_file import CatalogueFileInvalid, read_catalogue

    try:
        return read_catalogue(file)
    except CatalogueFileInvalid as invalid:
        raise fail(f"{file} is wrong, and nothing was changed:\n{invalid}", 2) from None


def _print_plan(plan: "CataloguePlan", declared: "Catalogue") -> None:
    changes = plan.changes
    lines = [
        *(("add", name, f": {declared.permissions[name]}") for name in changes.added),
        *(("describe", name, f": {declared.permissions[name]}") for name in changes.described_anew),
        *(("grant", name, f" to {role}") for role, name in changes.granted),
        *(("withdraw", name, f" from {role}") for role, name in changes.withdrawn),
        *(("remove", name, _named_by(plan.in_use.get(name, 0))) for name in changes.removed),
    ]
    for verb, name, text in lines:
        style = "red" if verb in {"withdraw", "remove"} else "green"
        out.print(f"{verb:9} {name}{text}", style=style, markup=False, highlight=False)
    if not lines:
        out.print("Nothing changes.")


def _named_by(count: int) -> str:
    return f" (roles and keys that name it: {count})" * bool(count)


def _must_be_free(plan: "CataloguePlan", *, but: Collection[str]) -> None:
    """End the command if roles or keys name what would be removed, unless `but` names it as well."""
    if in_use := plan.in_use.keys() - set(but):
        counts = ", ".join(f"{name} ({plan.in_use[name]})" for name in sorted(in_use))
        options = " ".join(f"--remove {name}" for name in sorted(in_use))
        raise fail(f"Roles or keys still name {counts}. To strike it out of them: portico access apply … {options}")


@app.command()
def doctor() -> None:
    """Check settings, database, schema, keys, mail and clock, and say what to do. Exits 1 if something is wrong."""
    from entrypoints.container import build
    from entrypoints.doctor import Mark, examine

    container = build(load_settings())
    wrong = 0
    colours = {Mark.OK: "green", Mark.NOTE: "yellow", Mark.FAIL: "red"}
    try:
        for finding in examine(container):
            wrong += finding.mark is Mark.FAIL
            out.print(f"[{colours[finding.mark]}]{finding.mark:4}[/] {finding.subject}: ", end="")
            out.print(finding.text, markup=False, highlight=False)
    finally:
        container.persistence().close()
    if wrong:
        raise typer.Exit(1)


@app.command()
def sweep() -> None:
    """Remove what is over: expired claims, tokens, counters, sessions, and sent mail. The service does so by itself."""
    total: dict[str, int] = {}
    with opened() as container, Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err) as progress:
        task = progress.add_task("Sweeping")
        for swept in container.sweep()():
            total[swept.kind] = total.get(swept.kind, 0) + swept.removed
            progress.update(task, description=f"{swept.kind}: {total[swept.kind]}")
    out.print(", ".join(f"{kind}: {removed}" for kind, removed in total.items()), highlight=False)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document as JSON. Needs no database."""
    from entrypoints.container import build
    from entrypoints.http.app import create_app

    settings = Settings.model_validate({"database_url": "memory:", "secret_key": "unused" * 8})
    sys.stdout.write(json.dumps(create_app(build(settings)).openapi(), indent=2) + "\n")


@app.command()
def event_schemas() -> None:
    """Print what each event looks like, as JSON Schema: docs/events.schema.json is this. Needs no database."""
    from entrypoints.event_schemas import document

    sys.stdout.write(json.dumps(document(), indent=2) + "\n")


if __name__ == "__main__":
    main()
