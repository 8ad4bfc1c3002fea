import pytest

from domain.access import Principal
from domain.accounts import OperatorRequired
from tests.builders import a_session, an_active_account


def test_an_operator_may_do_what_operators_do() -> None:
    Principal(account=an_active_account(is_operator=True), session=a_session()).must_be_operator()


def test_nobody_else_may() -> None:
    with pytest.raises(OperatorRequired):
        Principal(account=an_active_account(), session=a_session()).must_be_operator()
