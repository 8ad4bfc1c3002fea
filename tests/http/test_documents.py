"""What is documented exists, and what exists is documented."""

import re
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import pytest

from domain.access import Because
from domain.api_keys import EndOfKey
from domain.invitations import EndOfInvitation
from domain.kernel import DomainError, Event
from domain.memberships import EndOfMembership
from domain.passwords import Weakness
from domain.sessions import EndReason
from domain.webhooks import EndOfWebhook
from entrypoints.http import problems
from tests.http.service import Service

Kind = TypeVar("Kind")

DOCS = Path(__file__).parents[2] / "docs"
OURS = ("domain", "application", "adapters", "entrypoints")


def narrower(kind: type[Kind]) -> Iterator[type[Kind]]:
    """Every class below `kind` that is not made by a test."""
    for each in kind.__subclasses__():
        if each.__module__.startswith(OURS):
            yield each
        yield from narrower(each)


def errors() -> dict[str, type[DomainError]]:
    return {error.code: error for error in narrower(DomainError) if hasattr(error, "code")}


def statuses() -> dict[str, int]:
    """Every code that an answer can carry."""
    own = {own.code: own.status for own in problems.OWN}
    return own | {code: problems.status_of(error) for code, error in errors().items()}


def events() -> dict[str, set[str]]:
    return {event.name: {field.name for field in fields(event)} - {"at"} for event in narrower(Event)}


def rows(document: str, pattern: str) -> list[Any]:
    return re.findall(pattern, (DOCS / document).read_text(), flags=re.MULTILINE)


def test_every_code_is_documented_with_its_status_and_no_other() -> None:
    documented = rows("errors.md", r"^\| `(\w+)` \| (\d{3}) \| .+\. \|$")
    assert len(documented) == len(set(documented))
    assert {code: int(status) for code, status in documented} == statuses()


def test_every_event_is_documented_with_its_fields_and_no_other() -> None:
    documented = rows("events.md", r"^\| `(\w+\.\w+)` \| .+\. \| (.+) \|$")
    assert {name: set(re.findall(r"\w+", fields)) for name, fields in documented} == events()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("errors.md", [Weakness]),
        ("events.md", [EndReason, EndOfMembership, EndOfInvitation, EndOfKey, EndOfWebhook]),
        ("permissions.md", [Because]),
    ],
)
def test_every_reason_is_documented_and_no_other(document: str, words: list[type[StrEnum]]) -> None:
    assert rows(document, r"^\| `(\w+)` \| [^|]+ \|$") == [word.value for each in words for word in each]


def test_no_two_refusals_share_a_code() -> None:
    codes = [error.code for error in narrower(DomainError) if "code" in vars(error)]
    codes += [own.code for own in problems.OWN]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("code", sorted(statuses()))
def test_the_type_of_a_problem_leads_to_its_explanation(service: Service, code: str) -> None:
    response = service.get(f"/problems/{code}")
    first, _, explanation = response.text.partition("\n\n")
    assert (response.status_code, first) == (200, f"{code}: {statuses()[code]}")
    kinds = {kind.__doc__ for kind in problems.STATUS_OF_KIND}
    assert explanation.strip()
    assert explanation.strip() not in kinds


def test_a_code_that_does_not_exist_has_no_explanation(service: Service) -> None:
    assert service.get("/problems/nonsense").status_code == 404
