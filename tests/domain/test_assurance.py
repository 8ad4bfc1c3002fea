from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access import Principal
from domain.assurance import AssurancePolicy, StepUpRequired, must_be_fresh, must_have_second_factor
from tests.builders import DAY, HOUR, MINUTE, NOON, a_session, an_active_account

MICROSECOND = timedelta(microseconds=1)
POLICY = AssurancePolicy()
JUST_NOW, IN_TIME, TOO_LATE = timedelta(), 15 * MINUTE, 15 * MINUTE + MICROSECOND
Members = dict[str, object]


def principal(*, aal: int, age: timedelta = JUST_NOW, has_factor: bool) -> Principal:
    return Principal(
        account=an_active_account(has_second_factor=has_factor),
        session=a_session(aal=aal, authenticated_at=NOON - age),
    )


def refusal(check: Callable[[], None]) -> Members | None:
    try:
        check()
    except StepUpRequired as refused:
        return refused.members()
    return None


def required(acr: str, *, max_age: int | None = 900, enrol_first: bool = False) -> Members:
    return {"required": {"acr": acr, "max_age": max_age}, "enrol_first": enrol_first}


@pytest.mark.parametrize(
    ("aal", "has_factor", "age", "refused"),
    [
        (1, False, JUST_NOW, None),
        (1, False, IN_TIME, None),
        (1, False, TOO_LATE, required("aal1")),
        (1, True, JUST_NOW, required("aal2")),  # with a factor enrolled only that one counts
        (1, True, IN_TIME, required("aal2")),
        (1, True, TOO_LATE, required("aal2")),
        (2, False, JUST_NOW, None),  # its factor was removed since
        (2, False, IN_TIME, None),
        (2, False, TOO_LATE, required("aal1")),
        (2, True, JUST_NOW, None),
        (2, True, IN_TIME, None),
        (2, True, TOO_LATE, required("aal2")),
    ],
)
def test_something_sensitive_needs_a_fresh_proof_of_the_best_kind_there_is(
    aal: int, has_factor: bool, age: timedelta, refused: Members | None
) -> None:
    who = principal(aal=aal, age=age, has_factor=has_factor)
    assert refusal(lambda: who.must_be_fresh(POLICY, at=NOON)) == refused
    assert refusal(lambda: must_be_fresh(who.session, who.account, policy=POLICY, at=NOON)) == refused


@given(st.sampled_from([1, 2]), st.booleans(), st.timedeltas(-HOUR, 2 * DAY), st.timedeltas(timedelta(), DAY))
def test_what_is_fresh_is_a_setting(aal: int, has_factor: bool, age: timedelta, fresh_for: timedelta) -> None:
    who, policy = principal(aal=aal, age=age, has_factor=has_factor), AssurancePolicy(fresh_for=fresh_for)
    is_fresh = age <= fresh_for and (aal == 2 or not has_factor)
    assert (refusal(lambda: who.must_be_fresh(policy, at=NOON)) is None) is is_fresh


@pytest.mark.parametrize(
    ("aal", "has_factor", "refused"),
    [
        (1, False, required("aal2", max_age=None, enrol_first=True)),
        (1, True, required("aal2", max_age=None)),
        (2, False, required("aal2", max_age=None, enrol_first=True)),
        (2, True, None),
    ],
)
@pytest.mark.parametrize("age", [JUST_NOW, TOO_LATE, 30 * DAY])
def test_a_second_factor_that_is_still_there_counts_however_long_ago_it_was_proved(
    aal: int, has_factor: bool, age: timedelta, refused: Members | None
) -> None:
    who = principal(aal=aal, age=age, has_factor=has_factor)
    assert refusal(lambda: must_have_second_factor(who.session, who.account)) == refused


@pytest.mark.parametrize(("has_factor", "said"), [(False, "enrol one first"), (True, "step-up")])
def test_who_has_no_factor_is_told_to_enrol_one(has_factor: bool, said: str) -> None:
    assert said in StepUpRequired(aal=2, max_age=None, has_second_factor=has_factor).detail
