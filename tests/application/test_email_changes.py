"""Changing the address of an account."""

from dataclasses import replace

import pytest

from domain.accounts import EmailTaken, InvalidEmail
from domain.attempts import TooManyAttempts
from domain.email_changes import EmailUnchanged
from domain.one_time_tokens import TokenInvalid
from domain.passwords import WrongPassword
from domain.sessions import InvalidCredentials
from tests.application.world import ADA, ANOTHER, EVE, PASSWORD, World
from tests.builders import HOUR, MINUTE

NEW = "ada@new.example"


def test_the_new_address_counts_once_its_mail_was_read(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=" Ada@NEW.example", password=PASSWORD)
    token = world.mailed_token("email_change")
    assert world.account(principal.account.id) == principal.account
    world.confirm_email_change(principal=principal, token=token)
    changed = world.account(principal.account.id)
    assert (changed.email.value, changed.email_verified_at) == (NEW, world.clock.now())
    assert world.enter(NEW).session.account_id == principal.account.id
    with pytest.raises(InvalidCredentials):
        world.enter(ADA)
    names = world.event_names()
    assert "account.email_change_requested" in names
    assert "account.email_changed" in names


def test_the_old_address_is_told_when_it_is_asked_for_and_when_it_is_done(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    asked = {mail.template: mail for mail in world.deliver()}
    assert {name: mail.to.value for name, mail in asked.items()} == {
        "email_change": NEW,
        "email_change_requested": ADA,
    }
    assert "token" not in asked["email_change_requested"].values
    world.confirm_email_change(principal=principal, token=asked["email_change"].values["token"])
    assert world.mailed("email_changed").to.value == ADA


def test_the_old_address_is_free_again(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    world.confirm_email_change(principal=principal, token=world.mailed_token("email_change"))
    world.register(email=ADA, password=ANOTHER)
    assert world.verify(token=world.mailed_token("verification"), password=ANOTHER).id != principal.account.id


def test_the_old_address_takes_its_count_of_attempts_along(world: World) -> None:
    principal = world.somebody()
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            world.enter(password="a wrong password")
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    world.confirm_email_change(principal=principal, token=world.mailed_token("email_change"))
    world.an_account(ADA)
    assert world.enter(ADA)


def test_the_sessions_stay_and_the_devices_and_tokens_do_not(world: World) -> None:
    principal = world.somebody()
    known = world.enter().device_token
    world.request_reset(email=ADA)
    reset = world.mailed_token("password_reset")
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    world.confirm_email_change(principal=principal, token=world.mailed_token("email_change"))
    assert len(world.sessions(principal.account.id)) == 2
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=reset, new_password=ANOTHER)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            world.enter(NEW, "a wrong password")
    with pytest.raises(TooManyAttempts):
        world.enter(NEW, device_token=known)


def test_a_reset_from_before_stays_void_when_the_old_address_comes_back(world: World) -> None:
    principal = world.somebody()
    world.request_reset(email=ADA)
    reset = world.mailed_token("password_reset")
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    world.confirm_email_change(principal=principal, token=world.mailed_token("email_change"))
    world.change(replace(world.account(principal.account.id), email=principal.account.email))
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=reset, new_password=ANOTHER)


def test_a_token_is_used_once(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    token = world.mailed_token("email_change")
    world.confirm_email_change(principal=principal, token=token)
    with pytest.raises(TokenInvalid):
        world.confirm_email_change(principal=principal, token=token)


def test_a_token_lives_a_day(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    token = world.mailed_token("email_change")
    world.clock.advance(24 * HOUR)
    principal = world.stepped_up(principal)
    with pytest.raises(TokenInvalid):
        world.confirm_email_change(principal=principal, token=token)


def test_only_the_newest_request_counts(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    replaced = world.mailed_token("email_change")
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    with pytest.raises(TokenInvalid):
        world.confirm_email_change(principal=principal, token=replaced)
    world.confirm_email_change(principal=principal, token=world.mailed_token("email_change"))


def test_a_token_serves_nobody_but_the_account_that_asked(world: World) -> None:
    ada, eve = world.somebody(ADA), world.somebody(EVE)
    world.request_email_change(principal=ada, new_email=NEW, password=PASSWORD)
    token = world.mailed_token("email_change")
    with pytest.raises(TokenInvalid):
        world.confirm_email_change(principal=eve, token=token)
    world.confirm_email_change(principal=ada, token=token)


@pytest.mark.parametrize("token", ["", "pte_", "garbage", "\ud800"])
def test_what_is_no_token_is_refused_without_a_query(world: World, token: str) -> None:
    principal = world.somebody()
    with world.work() as work, pytest.raises(TokenInvalid):
        world.confirm_email_change(principal=principal, token=token)
    assert work == []


def test_who_holds_the_new_address_already_is_told_and_nobody_else(world: World) -> None:
    principal = world.somebody()
    world.an_account(EVE)
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    mail = world.mailed("email_change_taken")
    assert (mail.to.value, "token" in mail.values) == (EVE, False)


def test_an_address_that_was_taken_meanwhile_is_refused(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
    token = world.mailed_token("email_change")
    world.an_account(NEW)
    with pytest.raises(EmailTaken):
        world.confirm_email_change(principal=principal, token=token)
    assert world.account(principal.account.id) == principal.account


def test_a_change_that_cannot_be_right_costs_no_attempt(world: World) -> None:
    principal = world.somebody()
    with world.work() as work:
        with pytest.raises(InvalidEmail) as invalid:
            world.request_email_change(principal=principal, new_email="ada", password=PASSWORD)
        with pytest.raises(EmailUnchanged):
            world.request_email_change(principal=principal, new_email="ADA@example.com", password=PASSWORD)
    assert invalid.value.field == "new_email"
    assert work == []


def test_a_wrong_password_asks_for_nothing(world: World) -> None:
    principal = world.somebody()
    with pytest.raises(WrongPassword):
        world.request_email_change(principal=principal, new_email=NEW, password="wrong")
    assert world.deliver() == []


def test_a_stranger_is_not_mailed_more_than_once_a_minute(world: World) -> None:
    principal = world.somebody()
    for _ in range(5):
        world.request_email_change(principal=principal, new_email=NEW, password=PASSWORD)
        world.deliver()
    assert [mail.template for mail in world.mailer.sent].count("email_change") == 1
    world.clock.advance(MINUTE)
    world.confirm_email_change(principal=principal, token=world.mailed_token("email_change"))
