"""`python -m bench [PART …]`: measures, prints a table, and writes bench/results.json."""

import importlib
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.bench import Bench
from bench.database import postgres
from bench.figures import Part, save, show
from bench.machine import MEASURING, pin


class Name(StrEnum):
    ME = "me"
    REFRESH = "refresh"
    HASHING = "hashing"
    STORM = "storm"
    START = "start"


def main(
    parts: Annotated[list[Name] | None, typer.Argument(help="All, unless named.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Three short pairs, and nothing is written.")] = False,
) -> None:
    """Measure Portico against its ceiling. See bench/README.md."""
    pin(MEASURING)
    console = Console()
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    measured: list[Part] = []
    with postgres() as cluster, tempfile.TemporaryDirectory(prefix="portico-bench-") as folder, progress:
        bench = Bench(cluster, Path(folder), 3 if quick else 11, 1.0 if quick else 3.0, progress)
        for name in parts or list(Name):
            measured.append(importlib.import_module(f"bench.parts.{name}").measure(bench))
            if not quick:
                save(measured)
    show(measured, console)


typer.run(main)
