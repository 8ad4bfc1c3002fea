"""What every `portico` command shares: how it speaks, how it fails, and how it opens the installation."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from entrypoints.settings import Settings, SettingsInvalid

if TYPE_CHECKING:
    from entrypoints.container import Container

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def fail(message: str, code: int = 1) -> typer.Exit:
    err.print(message, style="red", markup=False, highlight=False)
    return typer.Exit(code)


def load_settings() -> Settings:
    """Every bad setting is named at once, and the exit code is 1."""
    try:
        return Settings.load()
    except SettingsInvalid as invalid:
        raise fail(f"These settings are wrong (see .env.example):\n{invalid}") from None


@contextmanager
def opened() -> "Iterator[Container]":
    """The container over a database that is there; refusals end the command in words."""
    from entrypoints import opening

    try:
        with opening.opened(load_settings()) as container:
            yield container
    except opening.CannotOpen as refused:
        raise fail(str(refused)) from None
