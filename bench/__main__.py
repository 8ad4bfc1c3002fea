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
from bench.figures import RESULTS, Part, save, show
from bench.machine import MEASURING, pin


class Name(StrEnum):
    ME = "me"
    REFRESH = "refresh"
    HASHING = "hashing"
    FACTORS = "factors"
    STORM = "storm"
    START = "start"
    SCALE = "scale"
    ACCESS = "access"
    TENANTS = "tenants"
    OUTBOX = "outbox"
    FEED = "feed"
    RELAY = "relay"
    AUDIT = "audit"
    TESTS = "tests"


def main(
    parts: Annotated[list[Name] | None, typer.Argument(help="All, unless named.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Three short pairs: to try it, not to quote.")] = False,
    results: Annotated[Path | None, typer.Option(help="Where to write; by default bench/results.json.")] = None,
) -> None:
    """Measure Portico against its ceiling. See bench/README.md."""
    pin(MEASURING)
    console = Console()
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    measured: list[Part] = []
    with postgres() as cluster, tempfile.TemporaryDirectory(prefix="portico-bench-") as folder, progress:
        bench = Bench(cluster, Path(folder), progress, quick)
        for name in parts or list(Name):
            part: Part = importlib.import_module(f"bench.parts.{name}").measure(bench)
            measured.append(part)
            if results or not quick:
                save(part, results or RESULTS)
    show(measured, console)


typer.run(main)
