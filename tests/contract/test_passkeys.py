from dataclasses import replace
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.accounts import Account
from domain.kernel import AccountId, PasskeyId, Stale
from domain.passkeys import NewPasskey, Passkey, PasskeyTaken
from tests.builders import HOUR, NOON, a_passkey
from tests.contract.given import events, signed_up
from tests.contract.threads import MANY, at_once, tally


@pytest.fixture
def account(database: Persistence) -> Account:
    return signed_up(database)


def added(database: Persistence, *passkeys: Passkey) -> Passkey:
    with database.unit_of_work() as uow:
        for passkey in passkeys:
            uow.passkeys.add(passkey)
    return passkeys[0]


def stored(database: Persistence, passkey: Passkey) -> Passkey | None:
    with database.autocommit() as reads:
        return reads.passkeys.find(passkey.account_id, passkey.id)


def save(database: Persistence, passkey: Passkey) -> None:
    with database.unit_of_work() as uow:
        uow.passkeys.save(passkey)


def test_every_field_survives_the_round_trip(database: Persistence, account: Account) -> None:
    passkey = added(database, a_passkey(account_id=account.id))
    assert stored(database, passkey) == passkey


def test_the_largest_that_a_browser_sends_survives_as_well(database: Persistence, account: Account) -> None:
    """WebAuthn section 4: the id of a credential has at most 1,023 bytes, a counter has 32 bits."""
    passkey = a_passkey(
        account_id=account.id,
        credential_id=b"\xff" * 1023,
        public_key=b"\0" * 1100,
        sign_count=2**32 - 1,
        display_name="🔑" * 100,
        transports=("usb", "nfc", "ble", "smart-card", "hybrid", "internal"),
    )
    assert stored(database, added(database, passkey)) == passkey


def test_what_there_is_not_comes_back_as_nothing(database: Persistence, account: Account) -> None:
    passkey = a_passkey(account_id=account.id, transports=(), is_backed_up=False, last_used_at=None, sign_count=0)
    assert stored(database, added(database, passkey)) == passkey


def test_a_registration_writes_what_it_recorded(database: Persistence, account: Account) -> None:
    new = NewPasskey(credential_id=b"id", public_key=b"key", sign_count=0, transports=(), is_backed_up=False)
    passkey = Passkey.register(new, id=PasskeyId(uuid4()), account_id=account.id, display_name="Blue", at=NOON)
    found = stored(database, added(database, passkey))
    assert found == passkey
    assert found.events == ()
    assert events(database, account.id) == [("passkey.registered", passkey.id)]


def test_a_passkey_is_found_under_its_own_account_only(database: Persistence, account: Account) -> None:
    passkey = added(database, a_passkey(account_id=account.id))
    with database.unit_of_work() as uow:
        for account_id, id in [(AccountId(uuid4()), passkey.id), (account.id, PasskeyId(uuid4()))]:
            assert uow.passkeys.find(account_id, id) is None
        assert uow.passkeys.lock_by_credential(AccountId(uuid4()), passkey.credential_id) is None
        assert uow.passkeys.lock_by_credential(account.id, passkey.credential_id[:-1]) is None
        assert uow.passkeys.lock_by_credential(account.id, b"") is None


def test_a_passkey_is_locked_by_its_credential(database: Persistence, account: Account) -> None:
    passkeys = [a_passkey(account_id=account.id) for _ in range(3)]
    added(database, *passkeys)
    with database.unit_of_work() as uow:
        for passkey in passkeys:
            assert uow.passkeys.lock_by_credential(account.id, passkey.credential_id) == passkey


def test_all_of_an_account_are_found_oldest_first(database: Persistence, account: Account) -> None:
    passkeys = [a_passkey(account_id=account.id, created_at=NOON + number * HOUR) for number in range(3)]
    added(database, passkeys[1], a_passkey(account_id=signed_up(database).id), passkeys[2], passkeys[0])
    with database.autocommit() as reads:
        assert reads.passkeys.all(account.id) == passkeys
        assert reads.passkeys.all(AccountId(uuid4())) == []


@pytest.mark.parametrize("by_another", [False, True])
def test_a_credential_is_registered_once_by_whomever(database: Persistence, account: Account, by_another: bool) -> None:
    passkey = added(database, a_passkey(account_id=account.id))
    owner = signed_up(database) if by_another else account
    again = a_passkey(account_id=owner.id, credential_id=passkey.credential_id)
    with pytest.raises(PasskeyTaken):
        added(database, again)
    assert (stored(database, passkey), stored(database, again)) == (passkey, None)


def test_a_transaction_goes_on_after_a_passkey_was_taken(database: Persistence, account: Account) -> None:
    passkey, another = added(database, a_passkey(account_id=account.id)), a_passkey(account_id=account.id)
    with database.unit_of_work() as uow:
        with pytest.raises(PasskeyTaken):
            uow.passkeys.add(a_passkey(account_id=account.id, credential_id=passkey.credential_id))
        uow.passkeys.add(another)
    assert stored(database, another) == another


def test_a_save_changes_it_and_counts(database: Persistence, account: Account) -> None:
    passkey, other = a_passkey(account_id=account.id), a_passkey(account_id=account.id)
    added(database, passkey, other)
    save(database, passkey.rename("Green", at=NOON).used(2**32 - 1, at=NOON))
    assert stored(database, passkey) == replace(
        passkey, display_name="Green", sign_count=2**32 - 1, last_used_at=NOON, version=1
    )
    assert stored(database, other) == other
    assert events(database, account.id) == [("passkey.renamed", passkey.id)]


def test_a_stale_save_is_refused(database: Persistence, account: Account) -> None:
    passkey = added(database, a_passkey(account_id=account.id))
    renamed = passkey.rename("Green", at=NOON)
    save(database, renamed)
    for stale in (renamed, a_passkey(account_id=account.id)):
        with pytest.raises(Stale):
            save(database, stale)
    assert events(database, account.id) == [("passkey.renamed", passkey.id)]


def remove(database: Persistence, passkey: Passkey) -> bool:
    with database.unit_of_work() as uow:
        return uow.passkeys.remove(passkey.remove(at=NOON))


def test_a_passkey_is_removed_once_with_what_it_recorded(database: Persistence, account: Account) -> None:
    passkey, other = a_passkey(account_id=account.id), a_passkey(account_id=account.id)
    added(database, passkey, other)
    assert [remove(database, passkey), remove(database, passkey)] == [True, False]
    assert (stored(database, passkey), stored(database, other)) == (None, other)
    assert events(database, account.id) == [("passkey.removed", passkey.id)]


def test_what_was_removed_may_be_registered_anew_by_another(database: Persistence, account: Account) -> None:
    passkey = added(database, a_passkey(account_id=account.id))
    remove(database, passkey)
    heir = a_passkey(account_id=signed_up(database).id, credential_id=passkey.credential_id)
    assert stored(database, added(database, heir)) == heir


def test_all_of_an_account_are_removed_without_a_word_and_free(database: Persistence, account: Account) -> None:
    passkeys = [a_passkey(account_id=account.id) for _ in range(3)]
    strangers = a_passkey(account_id=signed_up(database).id)
    added(database, *passkeys, strangers)
    with database.unit_of_work() as uow:
        uow.passkeys.remove_all(account.id)
        uow.passkeys.remove_all(AccountId(uuid4()))
    assert [stored(database, each) for each in (*passkeys, strangers)] == [None, None, None, strangers]
    assert events(database, account.id) == []
    heirs = [a_passkey(account_id=strangers.account_id, credential_id=each.credential_id) for each in passkeys]
    added(database, *heirs)
    assert [stored(database, heir) for heir in heirs] == heirs


def test_of_many_who_register_a_credential_one_gets_it(database: Persistence) -> None:
    rivals = [a_passkey(account_id=signed_up(database).id, credential_id=b"wanted") for _ in range(MANY)]
    assert tally(at_once(lambda n: added(database, rivals[n]).credential_id)) == {b"wanted": 1, PasskeyTaken: MANY - 1}
    assert [stored(database, rival) is not None for rival in rivals].count(True) == 1


def test_of_many_who_remove_a_passkey_one_does(database: Persistence, account: Account) -> None:
    passkey = added(database, a_passkey(account_id=account.id))
    assert tally(at_once(lambda _: remove(database, passkey))) == {True: 1, False: MANY - 1}
    assert events(database, account.id) == [("passkey.removed", passkey.id)]


def test_who_locked_it_sees_the_counter_that_who_held_it_before_left(database: Persistence, account: Account) -> None:
    passkey = added(database, a_passkey(account_id=account.id, sign_count=0))

    def count(_: int) -> None:
        with database.unit_of_work() as uow:
            found = uow.passkeys.lock_by_credential(account.id, passkey.credential_id)
            assert found
            uow.passkeys.save(found.used(found.sign_count + 1, at=NOON))

    assert tally(at_once(count)) == {None: MANY}
    found = stored(database, passkey)
    assert found
    assert (found.sign_count, found.version) == (MANY, MANY)
