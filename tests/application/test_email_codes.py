"""Signing in by a code in a mail."""

from dataclasses import replace

import pytest

from application.factor_proofs import Proof
from application.sessions import SignedIn
from application.signing_in import SecondFactorDue
from domain.accounts import InvalidEmail
from domain.attempts import TooManyAttempts
from domain.email_codes import EmailCodeWrong
from domain.one_time_tokens import Purpose
from domain.sessions import Client
from tests.application.fakes import Journal
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, HOME, PASSWORD, World
from tests.builders import MINUTE

UNKNOWN = "nobody@example.com"


def asked(world: World, email: str = ADA) -> tuple[str, str]:
    """What the browser keeps, and what the mail says."""
    browser_token = world.request_email_code(email=email)
    return browser_token, world.mailed("email_code").values["code"]


def show(world: World, browser_token: str, code: str, *, client: Client = HOME) -> SignedIn | SecondFactorDue:
    return world.sign_in_with_email_code(browser_token=browser_token, code=code, client=client)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def fail(world: World, browser_token: str, code: str, *, client: Client = HOME) -> Journal:
    with world.work() as work, pytest.raises(EmailCodeWrong):
        show(world, browser_token, code, client=client)
    return work


def test_the_browser_that_asked_gets_a_session_for_the_code_from_the_mail(world: World) -> None:
    account = world.an_account()
    entered = show(world, *asked(world))
    assert isinstance(entered, SignedIn)
    session = world.who(entered).session
    assert (session.account_id, session.amr, session.aal) == (account.id, ("email",), 1)


def test_no_password_is_hashed(world: World) -> None:
    world.an_account()
    with world.work() as work:
        show(world, *asked(world))
    assert not {"hash", "verify"} & set(work)


def test_a_code_has_six_digits_and_says_how_long_it_works(world: World) -> None:
    world.an_account()
    world.request_email_code(email=ADA)
    values = world.mailed("email_code").values
    assert len(values["code"]) == 6
    assert values["code"].isdecimal()
    assert values["minutes"] == "10"


def test_asking_is_the_same_work_for_every_address(world: World) -> None:
    operator, suspended = world.an_operator(), world.an_account("suspended@example.com")
    world.suspend(principal=operator, account_id=suspended.id)
    world.an_account()
    world.an_account(EVE, verified=False)
    done = []
    for address in (ADA, EVE, UNKNOWN, "suspended@example.com"):
        with world.work() as work:
            world.request_email_code(email=address)
        done.append(work)
    assert done == [["begin", "mail.request", "email_codes.add", "commit"]] * 4


def test_a_wrong_code_is_the_same_work_for_every_address(world: World) -> None:
    world.an_account()
    tokens = [world.request_email_code(email=address) for address in (ADA, UNKNOWN)]
    done = [fail(world, token, "000000") for token in tokens]
    assert done[0] == done[1]
    counted = ["begin", "email_codes.spend_try", "attempts.lock", "attempts.save", "commit"]
    assert done[0] == [*counted, "accounts.find_by_email", "begin", "audit.note", "commit"]


@pytest.mark.parametrize("address", [UNKNOWN, "suspended@example.com", EVE])
def test_no_code_goes_to_an_address_that_could_not_sign_in_with_it(world: World, address: str) -> None:
    world.an_account(EVE, verified=False)
    suspended = world.an_account("suspended@example.com")
    world.suspend(principal=world.an_operator(), account_id=suspended.id)
    world.deliver()
    world.request_email_code(email=address)
    assert world.deliver() == []


def test_even_the_right_code_opens_no_account_whose_address_nobody_has_proved(world: World) -> None:
    account = world.an_account()
    token, code = asked(world)
    world.change(replace(account, email_verified_at=None))
    fail(world, token, code)


def test_even_the_right_code_opens_no_suspended_account(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    token, code = asked(world)
    world.suspend(principal=operator, account_id=account.id)
    fail(world, token, code)


def test_a_code_is_used_once(world: World) -> None:
    world.an_account()
    token, code = asked(world)
    show(world, token, code)
    fail(world, token, code)


def test_a_code_lives_ten_minutes(world: World) -> None:
    world.an_account()
    token, code = asked(world)
    world.clock.advance(10 * MINUTE)
    fail(world, token, code)


def test_a_code_has_three_tries(world: World) -> None:
    world.an_account()
    token, code = asked(world)
    for _ in range(3):
        fail(world, token, other_than(code))
    fail(world, token, code)


def test_a_try_is_spent_and_committed_before_anything_is_compared(world: World) -> None:
    world.an_account()
    token, code = asked(world)
    work = fail(world, token, other_than(code))
    assert work.index("email_codes.spend_try") < work.index("commit")


def test_the_code_of_one_browser_is_worth_nothing_in_another(world: World) -> None:
    world.an_account()
    other = world.request_email_code(email=ADA)
    world.deliver()
    world.clock.advance(MINUTE)
    token, code = asked(world)
    fail(world, other, code)
    assert show(world, token, code)


def test_whoever_asks_for_code_after_code_guesses_no_more_often_than_at_a_password(world: World) -> None:
    world.an_account()
    for _ in range(5):
        token = world.request_email_code(email=ADA)
        fail(world, token, "000000")
    token = world.request_email_code(email=ADA)
    with pytest.raises(TooManyAttempts):
        show(world, token, "000000")


def test_over_all_networks_a_hundred_guesses_a_day_are_too_many(world: World) -> None:
    world.an_account()
    for number in range(100):
        token = world.request_email_code(email=ADA)
        fail(world, token, "000000", client=Client(user_agent="bot", network=f"198.51.100.{number}/32"))
    with pytest.raises(TooManyAttempts):
        show(world, world.request_email_code(email=ADA), "000000", client=ELSEWHERE)


def test_a_refused_attempt_spends_no_try(world: World) -> None:
    world.an_account()
    token, code = asked(world)
    for _ in range(5):
        fail(world, world.request_email_code(email=ADA), other_than(code))
    for _ in range(3):
        with pytest.raises(TooManyAttempts):
            show(world, token, code)
    world.clock.advance(MINUTE)
    assert show(world, token, code)


def test_success_counts_no_attempt(world: World) -> None:
    world.an_account()
    for _ in range(20):
        show(world, *asked(world))
        world.clock.advance(MINUTE)


def test_a_second_factor_is_still_due(world: World) -> None:
    ada = world.with_app()
    due = show(world, *asked(world))
    assert isinstance(due, SecondFactorDue)
    session = world.finish(due, Proof(code=world.code())).session
    assert (session.account_id, session.amr, session.aal) == (ada.account.id, ("email", "otp", "mfa"), 2)


def test_a_trusted_device_skips_nothing_after_a_code(world: World) -> None:
    world.an_app_of(world.an_account())
    world.enter_with_app(trust_device=True)
    assert isinstance(show(world, *asked(world)), SecondFactorDue)


def test_a_changed_password_voids_a_code(world: World) -> None:
    principal = world.somebody()
    token, code = asked(world)
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    fail(world, token, code)


@pytest.mark.parametrize("token", ["", "pte_", "garbage", "\ud800"])
def test_what_is_no_browser_token_is_refused_without_a_query(world: World, token: str) -> None:
    assert fail(world, token, "000000") == []


@pytest.mark.parametrize("code", ["", "\ud800", "٠٠٠٠٠٠", "1" * 100_000])
def test_whatever_stands_for_a_code_is_only_wrong(world: World, code: str) -> None:
    fail(world, world.request_email_code(email=ADA), code)


def test_a_token_of_another_kind_opens_nothing(world: World) -> None:
    fail(world, world.tokens.issue(Purpose.PASSWORD_RESET, bytes(48)), "000000")


def test_what_is_no_address_is_refused(world: World) -> None:
    with pytest.raises(InvalidEmail):
        world.request_email_code(email="ada")


def test_a_stranger_who_asks_as_well_leaves_the_owner_a_code_that_works(world: World) -> None:
    """Whatever is asked before the mail goes merges into it: it carries one code for all of them."""
    world.an_account()
    strangers = world.request_email_code(email=ADA)
    owners = world.request_email_code(email=ADA)
    last = world.request_email_code(email=ADA)
    code = world.mailed("email_code").values["code"]
    assert isinstance(show(world, owners, code), SignedIn)
    for used in (strangers, last, owners):
        fail(world, used, code)


def test_each_browser_has_tries_of_its_own(world: World) -> None:
    world.an_account()
    strangers, owners = world.request_email_code(email=ADA), world.request_email_code(email=ADA)
    code = world.mailed("email_code").values["code"]
    for _ in range(3):
        fail(world, strangers, other_than(code), client=ELSEWHERE)
    fail(world, strangers, code, client=ELSEWHERE)
    assert isinstance(show(world, owners, code), SignedIn)


def test_the_code_of_the_next_mail_is_another(world: World) -> None:
    world.an_account()
    first, code = asked(world)
    world.clock.advance(MINUTE)
    second, another = asked(world)
    assert code != another
    fail(world, second, code)
    assert isinstance(show(world, first, code), SignedIn)
