"""`portico audit`: prove the trail whole, take it away, and remove from it what is personal."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

from entrypoints.audit_files import Format, writer
from entrypoints.terminal import Yes, err, fail, opened, out

if TYPE_CHECKING:
    from domain.audit import Head

audit = typer.Typer(no_args_is_help=True, help="The audit trail: who did what, and what was refused.")


def _heads(raw: list[str]) -> "list[Head]":
    from domain.audit import Head

    try:
        return [Head.parse(each) for each in raw]
    except ValueError:
        raise typer.BadParameter("A head is CHAIN:POSITION:MAC, as `audit.sealed` in the log names it.") from None


def _moment(raw: str | None) -> datetime | None:
    """RFC 3339; a date is its midnight in UTC."""
    if raw is None:
        return None
    try:
        at = datetime.fromisoformat(raw)
        return at.replace(tzinfo=UTC) if len(raw) == len("2026-01-31") else _with_offset(at).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter("A time is written 2026-01-31T08:00:00Z, or 2026-01-31.") from None


def _with_offset(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("A time without an offset is no moment.")
    return at


Organization = Annotated[
    UUID | None, typer.Option("--organization", metavar="ID", help="Of this organization only.", show_default=False)
]
Chains = Annotated[
    list[UUID] | None,
    typer.Option("--chain", metavar="ID", help="Of this organization or account only; several may be."),
]
Heads = Annotated[
    list[str] | None,
    typer.Option("--head", metavar="CHAIN:POSITION:MAC", help="From the log: the chain must still hold it."),
]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="Not before: 2026-01-31, or 2026-01-31T08:00:00Z.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Before this time.")]


@audit.command()
def verify(organization: Organization = None, chain: Chains = None, head: Heads = None) -> None:
    """Prove that no entry was changed, moved, added in between or taken away. Exits 1 if a chain is broken.

    Prints where each whole chain ends: keep that elsewhere, or the log, and give it back as --head.
    """
    from domain.audit import ChainId

    expected = _heads(head or [])
    asked = [ChainId(id) for id in (*(chain or ()), *((organization,) if organization else ()))]
    columns = TextColumn("Links"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn()
    broken = 0
    with opened() as container, Progress(*columns, console=err) as progress:
        task = progress.add_task("Links", total=None)
        for step in container.verify_audit()(chains=asked, heads=expected):
            progress.update(task, advance=step.links, total=step.total)
            if step.head and step.head.position:
                out.print(str(step.head), markup=False, highlight=False)
            if step.broken:
                broken += 1
                where = f"Chain {step.broken.chain_id} is broken at {step.broken.position}"
                err.print(f"{where}: {step.broken.flaw}.", style="red", markup=False, highlight=False)
    if broken:
        raise typer.Exit(1)


@audit.command()
def export(
    format: Annotated[Format, typer.Option(help="One JSON object a line, or comma-separated values.")],
    output: Annotated[str, typer.Option(metavar="FILE", help="A new file, or - for the standard output.")],
    organization: Organization = None,
    since: Since = None,
    until: Until = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write entries, oldest first, however many there are. That leaves an entry itself."""
    begin, end = _moment(since), _moment(until)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    count = 0
    with opened() as container, _written(output, force=force) as file, Progress(*columns, console=err) as progress:
        write = writer(format, file)
        pages = container.export_audit()(organization_id=organization, since=begin, until=end)
        task = progress.add_task("Entries: 0", total=None)
        started: datetime | None = None
        for page in pages:
            for entry in page:
                write(entry)
            count += len(page)
            # By time, which is known, and not by number: counting a large table takes as long as reading it.
            started = started or page[0].at
            reach = (end or datetime.now(UTC)) - started
            done = (page[-1].at - started).total_seconds()
            progress.update(task, description=f"Entries: {count}", completed=done, total=reach.total_seconds())
        progress.update(task, completed=1, total=1)
    err.print(f"{count} entries were written.", highlight=False)


@audit.command()
def erase(
    account_id: Annotated[UUID, typer.Argument(metavar="ACCOUNT_ID")],
    yes: Yes = False,
) -> None:
    """Remove networks and user agents from an account's entries for good. The entries stay, and their chains whole."""
    with opened() as container:
        if not yes:
            typer.confirm(f"From where {account_id} did what it did cannot be told any more. Go on?", abort=True)
        count = container.erase_from_audit()(account_id=account_id)
    out.print(f"Removed what was personal in {count} entries.", highlight=False)


@contextmanager
def _written(output: str, *, force: bool) -> Iterator[IO[str]]:
    """The file, which only its owner can read: it says who was where."""
    if output == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    mode = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        descriptor = os.open(Path(output), mode, 0o600)
    except FileExistsError:
        raise fail(f"{output} is there already, and was left alone. Overwrite it with --force.", 2) from None
    except OSError as refused:
        raise fail(f"{output} cannot be written: {refused.strerror}.", 2) from None
    with open(descriptor, "w", encoding="utf-8", newline="") as file:
        yield file
