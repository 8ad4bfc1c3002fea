"""The catalogue of events for programs: complete, true, and what the feed really shows."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from domain.kernel import AccountId, Event
from entrypoints import event_schemas
from tests.http.service import Service
from tests.http.test_documents import events

WRITTEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "events.schema.json").read_text())
NAMES = sorted(set(WRITTEN["$defs"]) - {"envelope"})

formats = FormatChecker()


@formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta()


validator = Draft202012Validator(WRITTEN, format_checker=formats)


def example(name: str) -> dict[str, Any]:
    [found] = WRITTEN["$defs"][name]["examples"]
    event: dict[str, Any] = found
    return event


def test_what_is_written_is_what_the_domain_says() -> None:
    assert event_schemas.document() == WRITTEN, "portico event-schemas > docs/events.schema.json"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(WRITTEN)


def test_every_event_there_is_has_a_schema() -> None:
    assert set(NAMES) == set(events())


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_of_its_schema_and_of_no_other(name: str) -> None:
    validator.validate(example(name))
    assert set(example(name)["data"]) == events()[name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "nothing.happened"},
        {"schema_version": 0},
        {"id": "7"},
        {"at": "yesterday"},
        {"organization_id": "acme"},
        {"data": {}},
    ],
    ids=str,
)
def test_what_is_wrong_is_found_out(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        validator.validate(example(name) | wrong)


def test_what_the_feed_shows_is_what_the_schemas_say(service: Service) -> None:
    olga, ada = service.operator(), service.ada()
    acme = service.organization(ada)
    service.member(acme, "bob", "admin", by=ada)
    service.service_key(acme, service.service_account(acme, "member", by=ada), "members:read", by=ada)
    service.personal_key(ada)
    service.authenticator_app(ada)
    while service.container.sequencer()():
        pass
    seen = service.get("/v1/events", by=olga, params={"limit": 100}).json()["items"]
    assert len({event["type"] for event in seen}) > 12
    for event in seen:
        validator.validate(event)


class Colour(StrEnum):
    RED = "red"


def test_every_kind_of_field_that_an_event_may_have_has_a_schema() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Painted(Event):
        name = "wall.painted"
        schema_version = 4
        account_id: AccountId
        by: AccountId | None
        colour: Colour
        before: Colour | None
        coats: int
        is_dry: bool
        note: str

    schema = event_schemas.schema_of(Painted)
    assert schema["properties"]["schema_version"] == {"const": 4}
    assert schema["properties"]["data"]["properties"] == {
        "account_id": {"type": "string", "format": "uuid"},
        "by": {"type": ["string", "null"], "format": "uuid"},
        "colour": {"type": "string", "enum": ["red"]},
        "before": {"enum": ["red", None]},
        "coats": {"type": "integer"},
        "is_dry": {"type": "boolean"},
        "note": {"type": "string"},
    }
