"""What a use case needs is found by the names of its fields, or refused by name."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from entrypoints.by_name import Unwired, arguments

USUAL = {"clock": "the clock", "ids": "the ids", "policy": "the usual policy"}


@dataclass(frozen=True, kw_only=True)
class Greet:
    clock: str
    lifetime: timedelta
    most: int = 3


OWN = {"lifetime": timedelta(days=1)}


def test_a_field_takes_what_is_usual_under_its_name_and_nothing_else_comes_along() -> None:
    assert arguments(Greet, USUAL, OWN) == {"clock": "the clock", **OWN}


def test_what_is_given_goes_before_what_is_usual() -> None:
    assert arguments(Greet, USUAL, {**OWN, "clock": "another"}) == {"clock": "another", **OWN}


def test_a_field_with_a_default_may_be_left_alone_or_given() -> None:
    assert "most" not in arguments(Greet, USUAL, OWN)
    assert arguments(Greet, USUAL, {**OWN, "most": 5})["most"] == 5


def test_a_field_that_is_neither_usual_nor_given_is_refused_by_name() -> None:
    with pytest.raises(Unwired, match="Greet needs `clock` and `lifetime`: not among what is usual, and not given"):
        arguments(Greet, {"ids": "the ids"}, {})


def test_what_no_field_takes_is_refused_by_name() -> None:
    with pytest.raises(Unwired, match="Greet has no field `lifetme`"):
        arguments(Greet, USUAL, {**OWN, "lifetme": timedelta(days=2)})
