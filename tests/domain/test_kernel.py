import importlib
import inspect
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from enum import EnumType
from types import NoneType
from typing import Any, TypeVar, get_args
from uuid import UUID

import pytest

import domain
from domain.accounts import AccountRegistered, PasswordChanged
from domain.kernel import (
    AccountId,
    Aggregate,
    ChangedMeanwhile,
    Conflict,
    DomainError,
    Event,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    SessionId,
    TooMany,
    Unauthenticated,
)
from domain.roles import RoleName
from domain.sessions import EndReason, SessionWasEnded
from tests.builders import NOON

KINDS = (Invalid, Unauthenticated, Forbidden, NotFound, Conflict, Gone, TooMany)
PERSONAL = ("email", "address", "name", "password", "hash", "agent", "network", "ip", "token", "secret", "phone")

T = TypeVar("T")


def all_in_the_domain(kind: type[T]) -> Iterator[type[T]]:
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        for _, thing in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(thing, kind) and thing.__module__ == module.name and thing is not kind:
                yield thing


EVENTS = list(all_in_the_domain(Event))
ERRORS = [error for error in all_in_the_domain(DomainError) if error not in KINDS]

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
every_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)


def is_an_id(type_: Any) -> bool:
    """One of them, of one kind or of several; some events have nobody to name there."""
    kinds = [kind for kind in get_args(type_) or (type_,) if kind is not NoneType]
    return all(getattr(kind, "__supertype__", kind) is UUID for kind in kinds)


def repeated(names: list[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def test_there_are_events_and_errors_to_look_at() -> None:
    assert AccountRegistered in EVENTS
    assert ChangedMeanwhile in ERRORS


@every_error
def test_every_error_has_a_permanent_code_of_its_own(error: Any) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert repeated([error.code for error in ERRORS]) == []


@every_error
def test_every_error_is_of_exactly_one_kind(error: Any) -> None:
    assert len([kind for kind in KINDS if issubclass(error, kind)]) == 1


@every_event
def test_every_event_has_a_unique_name_in_the_past_tense(event: Any) -> None:
    concept, _, happened = event.name.partition(".")
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", concept)
    assert re.fullmatch(r"([a-z]+_)*([a-z]+ed(_up)?|made|reset)", happened)
    assert repeated([event.name for event in EVENTS]) == []


@every_event
def test_every_event_is_frozen_and_slotted(event: Any) -> None:
    assert event.__dataclass_params__.frozen
    assert "__slots__" in vars(event)


@every_event
def test_no_event_has_room_for_personal_data(event: Any) -> None:
    for field in fields(event):
        assert not set(field.name.split("_")) & set(PERSONAL)
        is_plain = field.type in {datetime, bool, int, RoleName} or isinstance(field.type, EnumType)
        assert is_an_id(field.type) or is_plain


def test_an_event_cannot_be_rewritten() -> None:
    event = PasswordChanged(account_id=AccountId(UUID(int=1)), at=NOON)
    with pytest.raises(FrozenInstanceError):
        setattr(event, "at", datetime(1999, 1, 1, tzinfo=UTC))  # noqa: B010 (mypy knows that it is frozen)


def test_the_data_of_an_event_is_json_with_ids_as_text_and_without_the_time() -> None:
    ended = SessionWasEnded(
        account_id=AccountId(UUID(int=1)), session_id=SessionId(UUID(int=2)), reason=EndReason.SIGNED_OUT, at=NOON
    )
    assert json.loads(json.dumps(ended.data())) == {
        "account_id": "00000000-0000-0000-0000-000000000001",
        "session_id": "00000000-0000-0000-0000-000000000002",
        "reason": "signed_out",
    }


def test_the_data_of_an_event_keeps_what_json_knows() -> None:
    data = AccountRegistered(account_id=AccountId(UUID(int=1)), verified=True, at=NOON).data()
    assert data["verified"] is True


def test_an_aggregate_appends_events_and_is_compared_without_them() -> None:
    first, second = (PasswordChanged(account_id=AccountId(UUID(int=n)), at=NOON) for n in (1, 2))
    aggregate = Aggregate(events=(first,))
    assert aggregate.recorded(second) == (first, second)
    assert aggregate == Aggregate()
    assert Aggregate(version=1) != Aggregate(version=2)


def test_an_error_tells_a_person_what_is_wrong() -> None:
    error = Conflict("It changed.")
    assert (str(error), error.detail, error.members()) == ("It changed.", "It changed.", {})


def test_an_invalid_input_may_name_its_field() -> None:
    assert Invalid("No.", field="email").field == "email"
    assert Invalid("No.").field is None


@pytest.mark.parametrize(("given", "told"), [(30, 30), (1, 1), (0, 1), (-5, 1)])
def test_whoever_must_wait_is_told_at_least_a_second(given: int, told: int) -> None:
    assert TooMany("Later.", retry_after=given).retry_after == told
