"""docs/events.schema.json: what each event looks like in the feed, for a program, taken from the domain itself."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from hashlib import sha256
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID

import domain
from domain.kernel import Event
from domain.roles import MEMBER, RoleName

Schema = dict[str, Any]

_ID: Schema = {"type": "string", "format": "uuid"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_EXAMPLE_TIME = "2026-03-20T12:00:00.000Z"

ENVELOPE: Schema = {
    "type": "object",
    "properties": {
        "id": _ID,
        "type": {"type": "string"},
        "schema_version": {"type": "integer", "minimum": 1},
        "at": _TIME,
        "aggregate_id": _ID,
        "aggregate_version": {"type": "integer", "minimum": 0},
        "organization_id": {"type": ["string", "null"], "format": "uuid"},
        "data": {"type": "object"},
    },
    "required": [
        "id",
        "type",
        "schema_version",
        "at",
        "aggregate_id",
        "aggregate_version",
        "organization_id",
        "data",
    ],
}


def document() -> Schema:
    """JSON Schema 2020-12: an event is one of its definitions, by its type."""
    events = sorted(events_of_the_domain(), key=lambda event: event.name)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Events of Portico",
        "description": "See docs/events.md. A field may be added without a new schema_version: ignore unknown ones.",
        "oneOf": [{"$ref": f"#/$defs/{event.name}"} for event in events],
        "$defs": {"envelope": ENVELOPE, **{event.name: schema_of(event) for event in events}},
    }


def events_of_the_domain() -> Iterator[type[Event]]:
    for module in pkgutil.iter_modules(domain.__path__, "domain."):
        for kind in vars(importlib.import_module(module.name)).values():
            is_its_own = isinstance(kind, type) and kind.__module__ == module.name
            if is_its_own and issubclass(kind, Event) and kind is not Event:
                yield kind


def schema_of(event: type[Event]) -> Schema:
    types = get_type_hints(event)
    data = {field.name: types[field.name] for field in fields(event) if field.name != "at"}
    return {
        "allOf": [{"$ref": "#/$defs/envelope"}],
        "properties": {
            "type": {"const": event.name},
            "schema_version": {"const": event.schema_version},
            "data": {
                "type": "object",
                "properties": {name: _type(of) for name, of in data.items()},
                "required": list(data),
            },
        },
        "examples": [_example(event, {name: _value(name, of) for name, of in data.items()})],
    }


def _type(of: Any) -> Schema:
    """The schema of a field. Raise TypeError for what `Event.data` cannot tell in JSON."""
    kinds, is_optional = _kinds(of)
    [kind] = kinds
    if issubclass(kind, StrEnum):
        values = [value.value for value in kind]
        return {"enum": [*values, None]} if is_optional else {"type": "string", "enum": values}
    name, rest = {
        UUID: ("string", {"format": "uuid"}),
        str: ("string", {}),
        bool: ("boolean", {}),
        int: ("integer", {}),
    }[kind]
    return {"type": [name, "null"] if is_optional else name, **rest}


def _kinds(of: Any) -> tuple[set[type], bool]:
    """What it is made of (an id of one kind or another is an id), and whether it may be nothing."""
    parts = get_args(of) or (of,)
    return {getattr(part, "__supertype__", part) for part in parts if part is not NoneType}, NoneType in parts


def _example(event: type[Event], data: dict[str, Any]) -> dict[str, Any]:
    about = event.name.partition(".")[0]
    own = data.get(f"{about}_id") or data.get("key_id") or _example_id(f"{about}_id")
    return {
        "id": _example_id(event.name),
        "type": event.name,
        "schema_version": event.schema_version,
        "at": _EXAMPLE_TIME,
        "aggregate_id": own,
        "aggregate_version": 3,
        "organization_id": data.get("organization_id"),
        "data": data,
    }


def _value(name: str, of: Any) -> str | int | bool:
    [kind] = _kinds(of)[0]
    if of is RoleName:
        return MEMBER
    if kind is UUID:
        return _example_id("organization_id" if name == "owner_id" else name)
    if issubclass(kind, StrEnum):
        return next(iter(kind)).value
    examples: dict[type, str | int | bool] = {str: name, bool: True, int: 2}
    return examples[kind]


def _example_id(of: str) -> str:
    """A UUIDv7 of a fixed moment; the same for the same name wherever it stands."""
    made_up = int.from_bytes(sha256(of.encode()).digest()[:8]) & (2**62 - 1)
    return str(UUID(int=0x019D0B3F3400 << 80 | 7 << 76 | 2 << 62 | made_up))
