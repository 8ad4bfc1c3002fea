"""How many transactions a sign-in takes: each of them waits for the disk, and for a connection."""

from collections.abc import Callable

import pytest

from adapters.sql.database import SqlDatabase
from application.factor_proofs import Proof
from domain.email_codes import BrowserToken
from domain.one_time_tokens import Purpose
from domain.second_factors import FactorWrong
from tests.application.world import HOME, PASSWORD, World
from tests.builders import an_address


@pytest.fixture
def world(database: SqlDatabase) -> World:
    return World(persistence=database)


@pytest.fixture
def ada() -> str:
    """The database outlives the test: she has an address that nobody had before."""
    return an_address().value


def transactions(world: World, call: Callable[[], object]) -> int:
    world.journal.clear()
    call()
    return world.journal.count("begin")


def test_either_step_of_a_sign_in_counts_the_try_and_then_judges_it(world: World, ada: str) -> None:
    world.an_app_of(world.an_account(ada))
    assert transactions(world, lambda: world.asked(ada)) == 2
    due = world.asked(ada)
    proof = Proof(code=world.code(ada))
    assert transactions(world, lambda: world.finish(due, proof, trust_device=True)) == 2


def test_a_wrong_code_takes_no_more_than_a_right_one(world: World, ada: str) -> None:
    world.an_app_of(world.an_account(ada))
    due = world.asked(ada)

    def fail() -> None:
        with pytest.raises(FactorWrong):
            world.finish(due, Proof(code="000000"))

    assert transactions(world, fail) == 2


def test_a_trusted_device_signs_in_as_one_without_a_second_factor_does(world: World, ada: str) -> None:
    world.an_app_of(world.an_account(ada))
    trusted = world.enter_with_app(ada, trust_device=True)
    assert transactions(world, lambda: world.enter(ada, device_token=trusted.device_token)) == 2


def test_a_passkey_signs_in_at_the_price_of_a_password(world: World, ada: str) -> None:
    world.an_account(ada)
    device = world.a_passkey_of(world.who(world.enter(ada)))
    begun = world.begin_passkey_sign_in()
    answer = device.answers(begun.options)
    sign_in = world.sign_in_with_passkey
    assert transactions(world, lambda: sign_in(challenge=begun.challenge, credential=answer, client=HOME)) == 2


def test_a_code_by_mail_is_asked_for_in_one_and_shown_in_two(world: World, ada: str) -> None:
    world.an_account(ada)
    browsers: list[str] = []
    assert transactions(world, lambda: browsers.append(world.request_email_code(email=ada))) == 1
    [browser_token] = browsers
    packed = world.tokens.read(Purpose.EMAIL_CODE, browser_token)
    assert packed
    code = world.codes.digits(Purpose.EMAIL_CODE, BrowserToken.unpack(packed).code_payload)
    sign_in = world.sign_in_with_email_code
    assert transactions(world, lambda: sign_in(browser_token=browser_token, code=code, client=HOME)) == 2


def test_stepping_up_takes_one_with_a_code_and_three_with_a_password_whose_tries_are_counted_apart(
    world: World, ada: str
) -> None:
    world.an_account(ada)
    principal = world.who(world.enter(ada))
    assert transactions(world, lambda: world.step_up(principal=principal, password=PASSWORD, client=HOME)) == 3
    world.an_app_of(principal.account)
    principal = world.subject(principal).person()
    proof = Proof(code=world.code(ada))
    assert transactions(world, lambda: world.step_up(principal=principal, proof=proof, client=HOME)) == 1
