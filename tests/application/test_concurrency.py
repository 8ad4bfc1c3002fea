"""What happens when 32 do the same thing at the same moment."""

import pytest

from domain.accounts import Account, LastOperator
from domain.attempts import TooManyAttempts
from domain.one_time_tokens import TokenInvalid
from domain.passwords import WrongPassword
from domain.sessions import InvalidCredentials, SessionNotFound
from domain.signing_keys import KeyState
from tests.application.world import ADA, ANOTHER, EVE, PASSWORD, World
from tests.builders import MINUTE
from tests.contract.threads import MANY, at_once, tally


def test_an_address_becomes_one_account(world: World) -> None:
    tokens = []
    for _ in range(4):
        world.register(email=ADA, password=PASSWORD)
        tokens.append(world.mailed_token("verification"))
        world.clock.advance(MINUTE)
    outcomes = at_once(lambda number: world.verify(token=tokens[number % 4], password=PASSWORD))
    (account,) = (outcome for outcome in outcomes if isinstance(outcome, Account))
    assert outcomes.count(TokenInvalid) == MANY - 1
    assert world.enter().session.account_id == account.id


def test_a_sign_up_is_tried_five_times_however_many_try(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    token = world.mailed_token("verification")
    with world.work() as work:
        at_once(lambda _: world.verify(token=token, password="a wrong password"))
    assert work.count("verify") == 5


def test_five_passwords_are_guessed_however_many_guess(world: World) -> None:
    world.an_account()
    with world.work() as work:
        outcomes = at_once(lambda _: world.enter(password="a wrong password"))
    assert tally(outcomes) == {InvalidCredentials: 5, TooManyAttempts: MANY - 5}
    assert work.count("verify") == 5


def test_a_reset_token_is_used_once(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    token = world.mailed_token("password_reset")
    outcomes = at_once(lambda number: world.confirm_reset(token=token, new_password=f"{ANOTHER} {number}"))
    assert outcomes.count(TokenInvalid) == MANY - 1
    assert world.event_names().count("account.password_reset") == 1


def test_a_change_of_address_is_confirmed_once(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    token = world.mailed_token("email_change")
    outcomes = at_once(lambda _: world.confirm_email_change(principal=principal, token=token))
    assert tally(outcomes) == {None: 1, TokenInvalid: MANY - 1}


def test_a_password_is_changed_once(world: World) -> None:
    """Who proved the password that was meanwhile replaced proved nothing, and the others guessed too often."""
    principal = world.somebody()
    outcomes = at_once(
        lambda number: world.change_password(
            principal=principal, current_password=PASSWORD, new_password=f"{ANOTHER} {number}"
        )
    )
    assert outcomes.count(None) == 1
    assert set(outcomes) <= {None, WrongPassword, TooManyAttempts}
    assert world.account(principal.account.id).credentials_epoch == principal.account.credentials_epoch + 1


def test_a_session_is_ended_once(world: World) -> None:
    principal = world.somebody()
    outcomes = at_once(lambda _: world.end_session(principal=principal, session_id=principal.session.id))
    assert tally(outcomes) == {None: 1, SessionNotFound: MANY - 1}
    assert world.event_names().count("session.ended") == 1


def test_one_operator_remains_when_all_leave(world: World) -> None:
    operators = [world.an_operator(f"root-{number}@example.net") for number in range(MANY)]
    outcomes = at_once(lambda number: world.close(principal=operators[number], password=PASSWORD))
    assert tally(outcomes) == {None: MANY - 1, LastOperator: 1}


def test_a_mail_goes_out_once_however_many_relays_run(world: World) -> None:
    for number in range(8):
        world.an_account(f"somebody-{number}@example.com")
        world.request_reset(email=f"somebody-{number}@example.com")
    at_once(lambda _: world.deliver())
    assert len({mail.to for mail in world.mailer.sent}) == len(world.mailer.sent) == 8


@pytest.mark.parametrize("started", [False, True])
def test_processes_that_start_together_prepare_the_keys_once(world: World, started: bool) -> None:
    if started:
        world.prepare_keys()
    at_once(lambda _: world.prepare_keys())
    assert [key.state for key in world.list_keys()] == [KeyState.ACTIVE, KeyState.STANDBY]
