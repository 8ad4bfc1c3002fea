"""What the owner of an account may do with it."""

import pytest

from domain.accounts import AccountState, InvalidDisplayName, LastOperator
from domain.passwords import WrongPassword
from domain.sessions import EndReason, InvalidCredentials, SessionEnded
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, HOME, PASSWORD, World


def test_the_owner_chooses_a_name(world: World) -> None:
    principal = world.somebody()
    assert world.rename(principal=principal, display_name=" Ada Lovelace ").display_name == "Ada Lovelace"
    assert world.account(principal.account.id).display_name == "Ada Lovelace"
    assert world.event_names()[-1] == "account.renamed"


def test_the_same_name_is_no_event(world: World) -> None:
    principal = world.somebody()
    before = world.events()
    world.rename(principal=principal, display_name=principal.account.display_name)
    assert world.events() == before


def test_a_name_without_sense_is_refused(world: World) -> None:
    principal = world.somebody()
    with pytest.raises(InvalidDisplayName):
        world.rename(principal=principal, display_name="x" * 101)


def test_the_owner_leaves_for_good(world: World) -> None:
    principal = world.somebody()
    other = world.enter(client=ELSEWHERE)
    world.close(principal=principal, password=PASSWORD)
    account = world.account(principal.account.id)
    assert account.state is AccountState.CLOSED
    assert world.sessions(account.id) == []
    with pytest.raises(SessionEnded):
        world.who(other)
    with pytest.raises(InvalidCredentials):
        world.enter()
    assert world.mailed("account_closed").to.value == ADA
    assert [e.data["reason"] for e in world.events() if e.name == "session.ended"] == [EndReason.CLOSED] * 2


def test_closing_erases_what_is_personal(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    world.request_reset(email=ADA)
    world.deliver()
    world.close(principal=principal, password=PASSWORD)
    world.deliver()
    left = world.export(principal=principal)
    assert (left.sessions, left.email_change) == ([], None)
    kept = [world.account(principal.account.id), left.mail, left.events]
    for personal in (ADA, principal.account.display_name, PASSWORD, HOME.network, EVE):
        assert repr(personal) not in repr(kept)
    assert world.account(principal.account.id).password_hash == ""


def test_a_closed_address_is_free_and_gets_another_id(world: World) -> None:
    principal = world.somebody()
    world.close(principal=principal, password=PASSWORD)
    world.register(email=ADA, password=ANOTHER)
    assert world.verify(token=world.mailed_token("verification"), password=ANOTHER).id != principal.account.id


def test_with_the_account_goes_the_count_of_attempts_on_it(world: World) -> None:
    principal = world.somebody()
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            world.enter(password="a wrong password")
    world.close(principal=principal, password=PASSWORD)
    world.an_account()
    assert world.enter()


def test_closing_needs_the_password(world: World) -> None:
    principal = world.somebody()
    with pytest.raises(WrongPassword):
        world.close(principal=principal, password="wrong")
    assert world.account(principal.account.id) == principal.account


def test_the_last_operator_cannot_leave(world: World) -> None:
    operator = world.an_operator()
    with pytest.raises(LastOperator):
        world.close(principal=operator, password=PASSWORD)
    assert world.account(operator.account.id).is_active
    world.an_operator("second@example.net")
    world.close(principal=operator, password=PASSWORD)
    assert not world.account(operator.account.id).is_operator


def test_a_closed_account_stays_as_it_is(world: World) -> None:
    principal = world.somebody()
    world.close(principal=principal, password=PASSWORD)
    with pytest.raises(SessionEnded):
        world.rename(principal=principal, display_name="Somebody")


def test_the_owner_reads_everything_that_is_held(world: World) -> None:
    principal = world.somebody()
    stranger = world.somebody("stranger@example.org")
    world.rename(principal=principal, display_name="Ada Lovelace")
    world.rename(principal=stranger, display_name="Somebody Else")
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    export = world.export(principal=principal)
    assert export.account == principal.account
    assert export.sessions == [principal.session]
    assert export.email_change
    assert export.email_change.new_email.value == EVE
    assert [mail.kind for mail in export.mail] == ["email_change_requested"]
    newest_first = ["account.email_change_requested", "account.renamed", "session.started"]
    assert [event.name for event in export.events] == newest_first
    assert str(stranger.account.id) not in repr(export)


def test_who_was_suspended_meanwhile_changes_nothing_any_more(world: World) -> None:
    operator, principal = world.an_operator(), world.somebody()
    world.suspend(principal=operator, account_id=principal.account.id)
    for change in (
        lambda: world.rename(principal=principal, display_name="Somebody"),
        lambda: world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER),
        lambda: world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD),
        lambda: world.close(principal=principal, password=PASSWORD),
    ):
        with pytest.raises(SessionEnded):
            change()
