from dataclasses import replace
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.accounts import Account, AccountNotFound, AccountState, EmailAddress, EmailTaken, LastOperator
from domain.kernel import AccountId, CursorInvalid, Stale
from tests.builders import DAY, MINUTE, NOON, an_account, an_active_account, an_address
from tests.contract.threads import MANY, at_once, tally


def added(database: Persistence, *accounts: Account) -> Account:
    with database.unit_of_work() as uow:
        for account in accounts:
            uow.accounts.add(account)
    return accounts[0]


def saved(database: Persistence, account: Account) -> Account:
    with database.unit_of_work() as uow:
        uow.accounts.save(account)
    return stored(database, account.id)


def stored(database: Persistence, id: AccountId) -> Account:
    with database.autocommit() as reads:
        return reads.accounts.get(id)


@pytest.mark.parametrize(
    "account",
    [
        an_account(),
        an_account(email_verified_at=None, display_name="", state=AccountState.ACTIVE, is_operator=False),
        an_account(display_name="Z" * 100, email=EmailAddress(f"{'l' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 59}.e")),
    ],
    ids=["every field", "no optional field", "the longest"],
)
def test_every_field_survives_the_round_trip(database: Persistence, account: Account) -> None:
    added(database, account)
    with database.unit_of_work() as uow:
        assert uow.accounts.get(account.id) == account
        assert uow.accounts.lock(account.id) == account
        assert uow.accounts.find_by_email(account.email) == account


def test_every_field_survives_a_save(database: Persistence) -> None:
    account = added(database, an_account(email_verified_at=None))
    changed = an_account(
        id=account.id,
        email_verified_at=NOON,
        display_name="Änother",
        password_hash="$another",
        credentials_epoch=7,
        is_operator=False,
        state=AccountState.ACTIVE,
        state_since=NOON - MINUTE,
    )
    assert saved(database, changed) == replace(changed, version=1)


def test_what_was_read_has_no_events_left_to_save_again(database: Persistence) -> None:
    account = added(database, an_active_account().rename("Ada", at=NOON))
    with database.unit_of_work() as uow:
        found = uow.accounts.find_by_email(account.email)
        assert found
        assert (found.events, uow.accounts.get(account.id).events) == ((), ())


def test_an_unknown_account_is_not_found(database: Persistence) -> None:
    with database.unit_of_work() as uow:
        with pytest.raises(AccountNotFound):
            uow.accounts.get(AccountId(uuid4()))
        with pytest.raises(AccountNotFound):
            uow.accounts.lock(AccountId(uuid4()))
        assert uow.accounts.find_by_email(an_address()) is None


def test_some_are_read_at_once_and_no_others(database: Persistence) -> None:
    one, another, third = an_account(), an_account(state=AccountState.CLOSED), an_account()
    added(database, one, another, third)
    with database.autocommit() as reads:
        found = reads.accounts.some({one.id, another.id, AccountId(uuid4())})
        assert found == {one.id: one, another.id: another}
        assert reads.accounts.some([]) == {}


def test_an_address_has_one_account(database: Persistence) -> None:
    account = added(database, an_account())
    with pytest.raises(EmailTaken):
        added(database, an_account(email=account.email))
    with database.autocommit() as reads:
        assert reads.accounts.find_by_email(account.email) == account


def test_a_taken_address_leaves_the_unit_of_work_usable(database: Persistence) -> None:
    account, other = added(database, an_account()), an_account()
    with database.unit_of_work() as uow:
        with pytest.raises(EmailTaken):
            uow.accounts.add(an_account(email=account.email))
        uow.accounts.add(other)
    assert stored(database, other.id) == other


def test_no_account_moves_to_the_address_of_another(database: Persistence) -> None:
    account, other = an_active_account(), an_active_account()
    added(database, account, other)
    with pytest.raises(EmailTaken):
        saved(database, account.change_email(other.email, at=NOON))
    with database.autocommit() as reads:
        assert reads.accounts.find_by_email(account.email) == account
        assert reads.accounts.find_by_email(other.email) == other


def test_an_account_that_moves_frees_its_address(database: Persistence) -> None:
    account = added(database, an_active_account())
    moved = saved(database, account.change_email(an_address(), at=NOON))
    successor = added(database, an_account(email=account.email))
    with database.autocommit() as reads:
        assert reads.accounts.find_by_email(moved.email) == moved
        assert reads.accounts.find_by_email(account.email) == successor


def test_a_closed_account_can_be_read_but_signs_in_with_nothing(database: Persistence) -> None:
    account = added(database, an_active_account())
    closed = saved(database, account.close(at=NOON))
    assert closed.state is AccountState.CLOSED
    with database.autocommit() as reads:
        assert reads.accounts.find_by_email(account.email) is None
        assert reads.accounts.find_by_email(closed.email) is None
    added(database, an_account(email=account.email))


def test_a_stale_account_is_not_saved(database: Persistence) -> None:
    account = added(database, an_active_account())
    current = saved(database, account.rename("First", at=NOON))
    with pytest.raises(Stale):
        saved(database, account.rename("Second", at=NOON))
    assert stored(database, account.id) == current
    assert saved(database, current.rename("Third", at=NOON)).version == 2


def test_an_unknown_account_is_not_saved(database: Persistence) -> None:
    with pytest.raises(Stale):
        saved(database, an_account())


def test_of_many_stale_saves_one_wins(database: Persistence) -> None:
    account = added(database, an_active_account())
    outcomes = at_once(lambda n: saved(database, account.rename(f"Ada {n}", at=NOON)) and "saved")
    assert tally(outcomes) == {"saved": 1, Stale: MANY - 1}
    assert stored(database, account.id).version == 1


def test_who_locks_an_account_first_is_never_stale(database: Persistence) -> None:
    account = added(database, an_active_account())

    def rename(number: int) -> None:
        with database.unit_of_work() as uow:
            uow.accounts.save(uow.accounts.lock(account.id).rename(f"Ada {number}", at=NOON))

    assert tally(at_once(rename)) == {None: MANY}
    assert stored(database, account.id).version == MANY


def test_of_many_sign_ups_with_one_address_one_gets_it(database: Persistence) -> None:
    address = an_address()
    outcomes = at_once(lambda _: added(database, an_account(email=address)) and "added")
    assert tally(outcomes) == {"added": 1, EmailTaken: MANY - 1}


def test_of_many_accounts_that_want_one_address_one_gets_it(database: Persistence) -> None:
    accounts = [an_active_account() for _ in range(MANY)]
    added(database, *accounts)
    address = an_address()
    outcomes = at_once(lambda n: saved(database, accounts[n].change_email(address, at=NOON)) and "moved")
    assert tally(outcomes) == {"moved": 1, EmailTaken: MANY - 1}


def pages(
    database: Persistence, *, limit: int, prefix: str | None = None, state: AccountState | None = None
) -> list[list[Account]]:
    found, after = [], None
    with database.autocommit() as reads:
        while True:
            page, after = reads.accounts.page(limit=limit, after=after, prefix=prefix, state=state)
            found.append(page)
            if after is None:
                return found


def test_pages_show_every_account_once_oldest_first(database: Persistence) -> None:
    accounts = [an_account(created_at=NOON + n * MINUTE) for n in range(7)]
    added(database, *reversed(accounts))
    assert pages(database, limit=3) == [accounts[:3], accounts[3:6], accounts[6:]]


def test_the_last_page_names_no_next_one_even_if_it_is_full(database: Persistence) -> None:
    accounts = [an_account(created_at=NOON + n * MINUTE) for n in range(4)]
    added(database, *accounts)
    assert pages(database, limit=2) == [accounts[:2], accounts[2:]]
    assert pages(database, limit=4) == [accounts]


def test_a_list_of_nothing_is_one_empty_page(database: Persistence) -> None:
    assert pages(database, limit=5) == [[]]
    assert pages(database, limit=5, prefix="nobody") == [[]]


def test_pages_of_a_prefix_are_sorted_by_address_byte_by_byte(database: Persistence) -> None:
    """A collation that ignores punctuation would show some twice and others never."""
    names = ["ada", "ada!", "ada+b", "ada-a", "ada.a", "ada1", "ada_a", "adaa", "adab", "ada~"]
    accounts = [an_account(email=EmailAddress(f"{name}@example.com")) for name in names]
    added(database, *accounts, an_account(email=EmailAddress("bea@example.com")))
    by_address = sorted(accounts, key=lambda account: account.email.value)
    found = pages(database, limit=3, prefix="ada")
    assert [account for page in found for account in page] == by_address
    assert [len(page) for page in found] == [3, 3, 3, 1]


@pytest.mark.parametrize("prefix", ["a_", "a%", "a\\", "a'"])
def test_a_prefix_is_meant_literally(database: Persistence, prefix: str) -> None:
    literal = an_account(email=EmailAddress(f"{prefix}b@example.com"))
    added(database, literal, an_account(email=EmailAddress("axb@example.com")))
    assert pages(database, limit=5, prefix=prefix) == [[literal]]


def test_pages_show_accounts_of_one_state_if_asked(database: Persistence) -> None:
    active = [an_account(state=AccountState.ACTIVE, created_at=NOON + n * DAY) for n in range(3)]
    suspended = an_account(state=AccountState.SUSPENDED)
    added(database, *active, suspended)
    assert pages(database, limit=2, state=AccountState.ACTIVE) == [active[:2], active[2:]]
    assert pages(database, limit=2, state=AccountState.SUSPENDED) == [[suspended]]
    assert pages(database, limit=2, state=AccountState.CLOSED) == [[]]
    assert pages(database, limit=2, state=AccountState.SUSPENDED, prefix="ada") == [[suspended]]


@pytest.mark.parametrize("after", ["", "garbage", "0", "\0", "é", "ada\0", "' OR 1=1 --", "x" * 5000])
@pytest.mark.parametrize("prefix", [None, "ada"])
def test_a_page_starts_only_where_another_ended(database: Persistence, after: str, prefix: str | None) -> None:
    added(database, an_account())
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.accounts.page(limit=5, after=after, prefix=prefix, state=None)


def test_the_pages_of_one_prefix_do_not_continue_another(database: Persistence) -> None:
    added(database, an_account(), an_account())
    with database.autocommit() as reads:
        _, by_age = reads.accounts.page(limit=1, after=None, prefix=None, state=None)
        _, by_address = reads.accounts.page(limit=1, after=None, prefix="ada", state=None)
        with pytest.raises(CursorInvalid):
            reads.accounts.page(limit=1, after=by_age, prefix="ada", state=None)
        with pytest.raises(CursorInvalid):
            reads.accounts.page(limit=1, after=by_address, prefix=None, state=None)
        with pytest.raises(CursorInvalid):
            reads.accounts.page(limit=1, after=by_address, prefix="bea", state=None)


def operators(database: Persistence, number: int) -> list[AccountId]:
    ids = [added(database, an_account()).id for _ in range(number)]
    with database.unit_of_work() as uow:
        for id in ids:
            uow.operators.add(id)
    return ids


def dismiss(database: Persistence, id: AccountId) -> None:
    with database.unit_of_work() as uow:
        uow.operators.remove(id)


def test_all_operators_are_listed_oldest_first(database: Persistence) -> None:
    ids = operators(database, 3)
    with database.autocommit() as uow:
        assert uow.operators.all() == sorted(ids)
    with database.unit_of_work() as uow:
        uow.operators.remove(ids[1])
    with database.autocommit() as uow:
        assert uow.operators.all() == sorted([ids[0], ids[2]])


def test_the_last_operator_stays(database: Persistence) -> None:
    first, second = operators(database, 2)
    dismiss(database, first)
    with pytest.raises(LastOperator):
        dismiss(database, second)
    with pytest.raises(LastOperator):
        dismiss(database, second)


def test_who_is_no_operator_is_dismissed_without_effect(database: Persistence) -> None:
    dismiss(database, AccountId(uuid4()))
    (last,) = operators(database, 1)
    dismiss(database, AccountId(uuid4()))
    with pytest.raises(LastOperator):
        dismiss(database, last)


def test_who_is_appointed_twice_counts_once(database: Persistence) -> None:
    (last,) = operators(database, 1)
    with database.unit_of_work() as uow:
        uow.operators.add(last)
    with pytest.raises(LastOperator):
        dismiss(database, last)


def test_of_many_operators_dismissed_at_once_one_stays(database: Persistence) -> None:
    ids = operators(database, MANY)
    outcomes = at_once(lambda n: dismiss(database, ids[n]))
    assert tally(outcomes) == {None: MANY - 1, LastOperator: 1}
    with pytest.raises(LastOperator):
        dismiss(database, ids[outcomes.index(LastOperator)])
