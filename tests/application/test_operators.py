"""What an operator may do, and nobody else."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from application.factor_proofs import Proof
from domain.access import Principal
from domain.accounts import (
    AccountClosed,
    AccountNotActive,
    AccountNotFound,
    AccountNotSuspended,
    AccountState,
    EmailUnproved,
    InvalidDisplayName,
    LastOperator,
    OperatorRequired,
)
from domain.assurance import StepUpRequired
from domain.challenges import ChallengeInvalid
from domain.kernel import CursorInvalid
from domain.passwords import PasswordTooWeak
from domain.sessions import EndReason, InvalidCredentials, SessionEnded
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, PASSWORD, World

Call = Callable[[World, Principal, UUID], object]

CALLS: list[Call] = [
    lambda world, who, _: world.list_accounts(principal=who, query=None, state=None, limit=10, after=None),
    lambda world, who, id: world.list_accounts(principal=who, query=str(id), state=None, limit=10, after=None),
    lambda world, who, id: world.show_account(principal=who, account_id=id),
    lambda world, who, id: world.rename_account_of(principal=who, account_id=id, display_name="Renamed"),
    lambda world, who, id: world.suspend(principal=who, account_id=id),
    lambda world, who, id: world.reactivate(principal=who, account_id=id),
    lambda world, who, id: world.end_sessions_of(principal=who, account_id=id),
    lambda world, who, id: world.send_password_reset(principal=who, account_id=id),
]


@pytest.mark.parametrize("call", CALLS)
def test_whoever_is_no_operator_is_refused_before_anything_is_read(world: World, call: Call) -> None:
    somebody = world.somebody()
    with world.work() as work, pytest.raises(OperatorRequired):
        call(world, somebody, somebody.account.id)
    assert work == []


@pytest.mark.parametrize("call", CALLS[2:])
def test_an_account_that_does_not_exist_is_not_found(world: World, call: Call) -> None:
    with pytest.raises(AccountNotFound):
        call(world, world.an_operator(), uuid4())


def test_an_operator_whose_last_factor_has_fallen_is_told_to_enrol_again(world: World) -> None:
    operator = world.an_operator()
    codes = world.make_recovery_codes(principal=operator)
    world.remove_totp(principal=operator, recovery_code=codes[0])
    with pytest.raises(StepUpRequired) as refused:
        world.show_account(principal=world.now(operator), account_id=operator.account.id)
    assert refused.value.is_enrolment_due


# ---- appointing


def test_whoever_holds_the_machine_makes_an_operator(world: World) -> None:
    operator = world.appoint_operator(email=ADA, password=PASSWORD, display_name="Ada")
    assert (operator.is_operator, operator.email_verified_at) == (True, world.clock.now())
    assert world.event_names() == ["account.registered", "account.operator_appointed"]
    assert world.who(world.enter()).account.is_operator


def test_an_account_that_exists_is_appointed_and_keeps_its_password(world: World) -> None:
    account = world.an_account()
    world.appoint_operator(email=ADA, password=ANOTHER)
    appointed = world.account(account.id)
    assert appointed.is_operator
    assert appointed.password_hash == account.password_hash


def test_appointing_twice_is_appointing(world: World) -> None:
    world.an_account()
    world.appoint_operator(email=ADA, password=None)
    world.appoint_operator(email=ADA, password=None)
    assert world.event_names() == ["account.operator_appointed"]


def test_without_a_password_there_must_be_an_account(world: World) -> None:
    with pytest.raises(AccountNotFound):
        world.appoint_operator(email=ADA, password=None)


def test_an_operator_needs_a_good_password_too(world: World) -> None:
    with pytest.raises(PasswordTooWeak):
        world.appoint_operator(email=ADA, password="root")


def test_a_suspended_account_is_not_appointed(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.suspend(principal=operator, account_id=account.id)
    with pytest.raises(AccountNotActive):
        world.appoint_operator(email=ADA, password=None)


def test_an_account_whose_address_nobody_proved_is_not_appointed(world: World) -> None:
    """Anybody may have planted it there."""
    planted = world.an_account(password=ANOTHER, verified=False)
    with pytest.raises(EmailUnproved):
        world.appoint_operator(email=ADA, password=PASSWORD)
    assert not world.account(planted.id).is_operator


# ---- finding


def test_accounts_are_found_by_id_by_address_and_by_state(world: World) -> None:
    operator = world.an_operator()
    ada, eve = world.an_account(ADA), world.an_account(EVE)
    world.suspend(principal=operator, account_id=eve.id)

    def found(query: str | None, state: AccountState | None = None) -> list[UUID]:
        accounts, _ = world.list_accounts(principal=operator, query=query, state=state, limit=10, after=None)
        return [account.id for account in accounts]

    assert found(None) == [operator.account.id, ada.id, eve.id]
    assert found(str(ada.id)) == [ada.id]
    assert found(str(ada.id), AccountState.SUSPENDED) == []
    assert found(str(uuid4())) == []
    assert found(" ADA@ex") == [ada.id]
    assert found("nobody@") == []
    assert found("ä") == found("\0") == []
    assert found(None, AccountState.SUSPENDED) == [eve.id]


def test_accounts_are_listed_page_by_page(world: World) -> None:
    operator = world.an_operator()
    ada = world.an_account(ADA)
    first, cursor = world.list_accounts(principal=operator, query=None, state=None, limit=1, after=None)
    second, end = world.list_accounts(principal=operator, query=None, state=None, limit=1, after=cursor)
    assert [account.id for account in (*first, *second)] == [operator.account.id, ada.id]
    assert end is None
    with pytest.raises(CursorInvalid):
        world.list_accounts(principal=operator, query=None, state=None, limit=1, after="somewhere")


def test_an_operator_looks_at_one_account(world: World) -> None:
    account = world.an_account()
    assert world.show_account(principal=world.an_operator(), account_id=account.id) == account


def test_an_operator_corrects_a_name(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    renamed = world.rename_account_of(principal=operator, account_id=account.id, display_name="Ada Lovelace")
    assert renamed.display_name == world.account(account.id).display_name == "Ada Lovelace"
    with pytest.raises(InvalidDisplayName):
        world.rename_account_of(principal=operator, account_id=account.id, display_name="\n\0")


# ---- suspending


def test_suspending_ends_the_sessions_and_tells_the_owner(world: World) -> None:
    operator, principal = world.an_operator(), world.somebody()
    token = world.enter(client=ELSEWHERE).refresh_token
    world.suspend(principal=operator, account_id=principal.account.id)
    assert world.sessions(principal.account.id) == []
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=token, client=ELSEWHERE)
    with pytest.raises(InvalidCredentials):
        world.enter()
    assert world.mailed("account_suspended").to.value == ADA
    suspended = next(e for e in world.events() if e.name == "account.suspended")
    assert suspended.data["by"] == str(operator.account.id)
    assert [e.data["reason"] for e in world.events() if e.name == "session.ended"] == [EndReason.SUSPENDED] * 2


def test_a_sign_in_that_was_half_done_ends_too(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.an_app_of(account)
    due = world.asked()
    world.suspend(principal=operator, account_id=account.id)
    world.reactivate(principal=operator, account_id=account.id)
    with pytest.raises(ChallengeInvalid):
        world.finish(due, Proof(code=world.code()))


def test_a_reactivated_account_signs_in_with_its_old_password(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.suspend(principal=operator, account_id=account.id)
    world.deliver()
    assert world.reactivate(principal=operator, account_id=account.id).is_active
    assert world.mailed("account_reactivated").to.value == ADA
    assert world.enter()
    assert "account.reactivated" in world.event_names()


def test_what_is_suspended_or_active_is_not_made_so_again(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    with pytest.raises(AccountNotSuspended):
        world.reactivate(principal=operator, account_id=account.id)
    world.suspend(principal=operator, account_id=account.id)
    with pytest.raises(AccountNotActive):
        world.suspend(principal=operator, account_id=account.id)


def test_a_closed_account_is_neither_suspended_nor_reactivated(world: World) -> None:
    operator, principal = world.an_operator(), world.somebody()
    world.close(principal=principal, password=PASSWORD)
    for call in (world.suspend, world.reactivate):
        with pytest.raises(AccountClosed):
            call(principal=operator, account_id=principal.account.id)


def test_the_last_operator_cannot_be_suspended(world: World) -> None:
    operator = world.an_operator()
    with pytest.raises(LastOperator):
        world.suspend(principal=operator, account_id=operator.account.id)
    assert world.sessions(operator.account.id) == [operator.session]


def test_two_operators_cannot_suspend_each_other(world: World) -> None:
    first, second = world.an_operator("first@example.net"), world.an_operator("second@example.net")
    world.suspend(principal=first, account_id=second.account.id)
    with pytest.raises(LastOperator):
        world.suspend(principal=second, account_id=first.account.id)


def test_a_reactivated_operator_counts_as_one_again(world: World) -> None:
    first, second = world.an_operator("first@example.net"), world.an_operator("second@example.net")
    world.suspend(principal=first, account_id=second.account.id)
    world.reactivate(principal=first, account_id=second.account.id)
    world.suspend(principal=second, account_id=first.account.id)
    with pytest.raises(LastOperator):
        world.suspend(principal=second, account_id=second.account.id)


# ---- helping


def test_an_operator_ends_every_session_of_an_account(world: World) -> None:
    operator, principal = world.an_operator(), world.somebody()
    world.end_sessions_of(principal=operator, account_id=principal.account.id)
    assert world.sessions(principal.account.id) == []
    assert world.sessions(operator.account.id) == [operator.session]
    assert world.events()[-1].data["reason"] == EndReason.ENDED_BY_OPERATOR
    assert world.enter()


def test_with_the_sessions_a_sign_in_that_is_half_done_ends(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.an_app_of(account)
    due = world.asked()
    world.end_sessions_of(principal=operator, account_id=account.id)
    with pytest.raises(ChallengeInvalid):
        world.finish(due, Proof(code=world.code()))


def test_an_operator_has_the_owner_sent_a_reset(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.send_password_reset(principal=operator, account_id=account.id)
    mail = world.mailed("password_reset")
    assert mail.to.value == ADA
    world.confirm_reset(token=mail.values["token"], new_password=ANOTHER)


def test_no_reset_is_sent_for_an_account_that_is_not_active(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.change(replace(account, state=AccountState.SUSPENDED))
    with pytest.raises(AccountNotActive):
        world.send_password_reset(principal=operator, account_id=account.id)
    assert world.deliver() == []
