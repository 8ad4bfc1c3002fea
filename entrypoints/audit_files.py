"""Audit entries as lines of a file: JSON objects, or comma-separated values."""

import csv
import json
from collections.abc import Callable
from datetime import UTC
from enum import StrEnum
from typing import IO

from domain.audit import AuditEntry

Value = str | int | dict[str, str | int | bool | None] | None


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


COLUMNS = (
    "chain_id",
    "position",
    "id",
    "at",
    "action",
    "outcome",
    "code",
    "actor_id",
    "principal_id",
    "key_id",
    "target_id",
    "organization_id",
    "request_id",
    "network",
    "user_agent",
    "details",
)
_BEGIN_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def told(entry: AuditEntry) -> dict[str, Value]:
    """By the names of the columns."""
    ids = ("chain_id", "id", "actor_id", "principal_id", "key_id", "target_id", "organization_id")
    values: dict[str, Value] = {name: _text(getattr(entry, name)) for name in ids}
    values |= {
        "position": entry.position,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z",
        "action": entry.action,
        "outcome": entry.outcome.value,
        "code": entry.code,
        "request_id": entry.request_id,
        "network": entry.personal.network if entry.personal else None,
        "user_agent": entry.personal.user_agent if entry.personal else None,
        "details": dict(entry.details),
    }
    return {name: values[name] for name in COLUMNS}


def writer(format: Format, file: IO[str]) -> Callable[[AuditEntry], object]:
    """What writes an entry there. A file of values begins with the names of its columns."""
    if format is Format.JSONL:
        return lambda entry: file.write(json.dumps(told(entry), separators=(",", ":")) + "\n")
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    return lambda entry: rows.writerow([_cell(value) for value in told(entry).values()])


def _cell(value: Value) -> str | int | None:
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    # A user agent is a stranger's text: a spreadsheet would run it as a formula.
    return f"'{value}" if isinstance(value, str) and value.startswith(_BEGIN_A_FORMULA) else value


def _text(value: object) -> str | None:
    return str(value) if value else None
