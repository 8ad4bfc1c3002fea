from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.accounts import (
    Account,
    AccountClosed,
    AccountNotActive,
    AccountNotSuspended,
    AccountRegistered,
    AccountState,
    AccountWasClosed,
    EmailAddress,
    EmailVerified,
)
from domain.kernel import AccountId
from tests.builders import NOON, an_account, an_active_account

OPERATOR = AccountId(UUID(int=7))
LATER = NOON + timedelta(hours=1)


def names_of(account: Account) -> list[str]:
    return [event.name for event in account.events]


def test_a_new_account_is_active() -> None:
    email = EmailAddress("ada@example.com")
    account = Account.register(
        id=OPERATOR, email=email, display_name="Ada", password_hash="hash", verified=True, at=NOON
    )
    assert account == Account(
        id=OPERATOR,
        email=email,
        email_verified_at=NOON,
        display_name="Ada",
        password_hash="hash",
        state_since=NOON,
        created_at=NOON,
    )
    assert account.is_active
    assert not account.is_operator
    assert account.events == (AccountRegistered(account_id=OPERATOR, verified=True, at=NOON),)


def test_a_new_account_may_have_an_address_that_nobody_has_proved() -> None:
    account = Account.register(
        id=OPERATOR, email=EmailAddress("a@b.co"), display_name="", password_hash="hash", verified=False, at=NOON
    )
    assert account.email_verified_at is None
    assert account.events == (AccountRegistered(account_id=OPERATOR, verified=False, at=NOON),)


def test_suspending_and_reactivating_say_when_and_by_whom() -> None:
    account = an_active_account(is_operator=True)
    suspended = account.suspend(by=OPERATOR, at=LATER)
    assert suspended == replace(account, state=AccountState.SUSPENDED, state_since=LATER)
    reactivated = suspended.reactivate(by=OPERATOR, at=LATER)
    assert reactivated == replace(account, state_since=LATER)
    assert names_of(reactivated) == ["account.suspended", "account.reactivated"]
    assert all(event.data()["by"] == str(OPERATOR) for event in reactivated.events)


def test_an_account_is_suspended_once() -> None:
    with pytest.raises(AccountNotActive):
        an_account(state=AccountState.SUSPENDED).suspend(by=OPERATOR, at=LATER)


def test_an_active_account_is_not_reactivated() -> None:
    with pytest.raises(AccountNotSuspended):
        an_active_account().reactivate(by=OPERATOR, at=LATER)


@pytest.mark.parametrize("state", [AccountState.ACTIVE, AccountState.SUSPENDED])
def test_closing_erases_what_is_personal_and_keeps_the_id(state: AccountState) -> None:
    account = an_account(state=state)
    closed = account.close(at=LATER)
    assert closed == Account(
        id=account.id,
        email=EmailAddress.erased(account.id),
        password_hash="",
        credentials_epoch=account.credentials_epoch + 1,
        state=AccountState.CLOSED,
        state_since=LATER,
        created_at=account.created_at,
    )
    assert closed.events == (AccountWasClosed(account_id=account.id, at=LATER),)


@pytest.mark.parametrize(
    "change",
    [
        lambda account: account.prove_email(password_hash="new", display_name="Eve", at=LATER),
        lambda account: account.rename("Eve", at=LATER),
        lambda account: account.change_password("new", at=LATER),
        lambda account: account.reset_password("new", at=LATER),
        lambda account: account.rehash_password("new", at=LATER),
        lambda account: account.change_email(EmailAddress("eve@example.com"), at=LATER),
        lambda account: account.suspend(by=OPERATOR, at=LATER),
        lambda account: account.reactivate(by=OPERATOR, at=LATER),
        lambda account: account.close(at=LATER),
    ],
)
def test_a_closed_account_stays_as_it_is(change: Callable[[Account], Account]) -> None:
    with pytest.raises(AccountClosed):
        change(an_account().close(at=NOON))


def test_an_active_account_becomes_an_operator_once() -> None:
    account = an_active_account()
    operator = account.appoint_operator(at=LATER)
    assert operator == replace(account, is_operator=True)
    assert names_of(operator) == ["account.operator_appointed"]
    assert operator.appoint_operator(at=LATER) is operator


@pytest.mark.parametrize("is_enrolled", [False, True])
def test_whether_a_factor_is_enrolled_is_noted_and_voids_nothing(is_enrolled: bool) -> None:
    account = an_active_account(has_second_factor=not is_enrolled)
    noted = account.note_second_factor(is_enrolled=is_enrolled)
    assert noted == replace(account, has_second_factor=is_enrolled)
    assert noted.events == ()


@pytest.mark.parametrize("state", [AccountState.SUSPENDED, AccountState.CLOSED])
def test_no_other_account_becomes_an_operator(state: AccountState) -> None:
    with pytest.raises(AccountNotActive):
        an_account(state=state, is_operator=False).appoint_operator(at=LATER)


def test_renaming_to_the_same_name_changes_nothing() -> None:
    account = an_account(display_name="Ada")
    assert account.rename("Ada", at=LATER) is account
    renamed = account.rename("Ada L.", at=LATER)
    assert renamed == replace(account, display_name="Ada L.")
    assert names_of(renamed) == ["account.renamed"]


# Credentials


def test_whoever_first_proves_the_address_decides_password_and_name() -> None:
    account = an_active_account(email_verified_at=None)
    proved = account.prove_email(password_hash="theirs", display_name="Theirs", at=LATER)
    assert proved == replace(
        account,
        email_verified_at=LATER,
        password_hash="theirs",
        display_name="Theirs",
        credentials_epoch=account.credentials_epoch + 1,
    )
    assert names_of(proved) == ["account.email_verified"]


def test_a_changed_password_voids_what_was_handed_out() -> None:
    account = an_active_account()
    changed = account.change_password("new", at=LATER)
    assert changed == replace(account, password_hash="new", credentials_epoch=account.credentials_epoch + 1)
    assert names_of(changed) == ["account.password_changed"]


def test_a_changed_address_voids_what_was_handed_out_and_is_proved() -> None:
    account = an_active_account(email_verified_at=None)
    new = EmailAddress("ada@new.example")
    changed = account.change_email(new, at=LATER)
    assert changed == replace(
        account, email=new, email_verified_at=LATER, credentials_epoch=account.credentials_epoch + 1
    )
    assert names_of(changed) == ["account.email_changed"]


@pytest.mark.parametrize(
    ("verified_at", "events"),
    [(NOON, ["account.password_reset"]), (None, ["account.password_reset", "account.email_verified"])],
)
def test_a_reset_voids_what_was_handed_out_and_proves_the_address(
    verified_at: datetime | None, events: list[str]
) -> None:
    account = an_active_account(email_verified_at=verified_at)
    was_reset = account.reset_password("new", at=LATER)
    assert was_reset == replace(
        account,
        password_hash="new",
        email_verified_at=verified_at or LATER,
        credentials_epoch=account.credentials_epoch + 1,
    )
    assert names_of(was_reset) == events


def test_a_newer_hash_of_the_same_password_voids_nothing() -> None:
    account = an_active_account()
    rehashed = account.rehash_password("newer", at=LATER)
    assert rehashed == replace(account, password_hash="newer")
    assert names_of(rehashed) == ["account.password_rehashed"]


def test_changes_append_their_events() -> None:
    account = an_active_account().change_password("new", at=LATER).close(at=LATER)
    assert names_of(account) == ["account.password_changed", "account.closed"]


def test_a_reset_of_an_unverified_account_is_recorded_with_its_time() -> None:
    was_reset = an_active_account(email_verified_at=None).reset_password("new", at=LATER)
    assert EmailVerified(account_id=was_reset.id, at=LATER) in was_reset.events


def test_the_password_hash_stays_out_of_the_repr() -> None:
    assert "secret" not in repr(an_account(password_hash="secret"))
