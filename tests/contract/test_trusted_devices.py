from dataclasses import replace
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.accounts import Account
from domain.kernel import AccountId
from domain.trusted_devices import TrustedDevice
from tests.builders import DAY, HOUR, MINUTE, NOON, a_trusted_device
from tests.contract.given import events, signed_up
from tests.contract.threads import MANY, at_once, tally


@pytest.fixture
def account(database: Persistence) -> Account:
    return signed_up(database)


def trusted(database: Persistence, *devices: TrustedDevice) -> TrustedDevice:
    with database.unit_of_work() as uow:
        for device in devices:
            uow.trusted_devices.put(device)
    return devices[0]


def stored(database: Persistence, device: TrustedDevice) -> TrustedDevice | None:
    with database.autocommit() as reads:
        return reads.trusted_devices.find(device.account_id, device.id)


def remove(database: Persistence, device: TrustedDevice) -> bool:
    with database.unit_of_work() as uow:
        return uow.trusted_devices.remove(device.account_id, device.id)


def test_every_field_survives_the_round_trip(database: Persistence, account: Account) -> None:
    device = trusted(database, a_trusted_device(account_id=account.id, user_agent="ü" * 256))
    assert stored(database, device) == device


def test_a_device_is_found_under_its_own_account_only(database: Persistence, account: Account) -> None:
    device = trusted(database, a_trusted_device(account_id=account.id))
    with database.autocommit() as reads:
        assert reads.trusted_devices.find(AccountId(uuid4()), device.id) is None
        assert reads.trusted_devices.find(account.id, uuid4()) is None


def test_an_expired_trust_is_found_until_it_is_swept(database: Persistence, account: Account) -> None:
    device = trusted(database, a_trusted_device(account_id=account.id, expires_at=NOON - DAY))
    assert stored(database, device) == device


def test_a_trust_takes_the_place_of_an_earlier_one(database: Persistence, account: Account) -> None:
    device = trusted(database, a_trusted_device(account_id=account.id))
    renewed = a_trusted_device(
        account_id=account.id,
        id=device.id,
        user_agent="curl",
        network="192.0.2.1/32",
        credentials_epoch=9,
        created_at=NOON,
        expires_at=NOON + 30 * DAY,
    )
    trusted(database, renewed)
    assert stored(database, device) == renewed
    with database.autocommit() as reads:
        assert reads.trusted_devices.all(account.id, at=NOON) == [renewed]


def test_one_device_may_be_trusted_by_several_people(database: Persistence, account: Account) -> None:
    mine = a_trusted_device(account_id=account.id)
    hers = replace(a_trusted_device(account_id=signed_up(database).id, user_agent="hers"), id=mine.id)
    trusted(database, mine, hers)
    assert (stored(database, mine), stored(database, hers)) == (mine, hers)


def test_those_that_have_not_expired_are_listed_newest_first(database: Persistence, account: Account) -> None:
    devices = [a_trusted_device(account_id=account.id, created_at=NOON - n * HOUR) for n in range(3)]
    over = a_trusted_device(account_id=account.id, expires_at=NOON)
    trusted(database, devices[1], over, devices[0], devices[2], a_trusted_device(account_id=signed_up(database).id))
    with database.autocommit() as reads:
        assert reads.trusted_devices.all(account.id, at=NOON) == devices
        assert reads.trusted_devices.all(AccountId(uuid4()), at=NOON) == []


def test_no_more_than_a_hundred_are_listed_the_newest(database: Persistence, account: Account) -> None:
    devices = [a_trusted_device(account_id=account.id, created_at=NOON - n * MINUTE) for n in range(102)]
    trusted(database, *reversed(devices))
    with database.autocommit() as reads:
        assert reads.trusted_devices.all(account.id, at=NOON) == devices[:100]


def test_a_trust_is_removed_once(database: Persistence, account: Account) -> None:
    device, other = a_trusted_device(account_id=account.id), a_trusted_device(account_id=account.id)
    trusted(database, device, other)
    assert not remove(database, replace(device, account_id=signed_up(database).id))
    assert [remove(database, device) for _ in range(2)] == [True, False]
    assert (stored(database, device), stored(database, other)) == (None, other)


def test_all_of_an_account_are_removed_without_a_word(database: Persistence, account: Account) -> None:
    devices = [a_trusted_device(account_id=account.id) for _ in range(3)]
    hers = a_trusted_device(account_id=signed_up(database).id)
    trusted(database, *devices, hers)
    with database.unit_of_work() as uow:
        uow.trusted_devices.remove_all(account.id)
        uow.trusted_devices.remove_all(AccountId(uuid4()))
    assert [stored(database, device) for device in (*devices, hers)] == [None, None, None, hers]
    assert events(database, account.id) == []


def test_of_many_who_remove_a_trust_one_does(database: Persistence, account: Account) -> None:
    device = trusted(database, a_trusted_device(account_id=account.id))
    outcomes = at_once(lambda _: remove(database, device))
    assert tally(outcomes) == {True: 1, False: MANY - 1}


def test_many_who_trust_a_device_at_once_leave_one_trust(database: Persistence, account: Account) -> None:
    device = a_trusted_device(account_id=account.id)

    def put(number: int) -> None:
        trusted(database, replace(device, user_agent=f"Number {number}"))

    assert tally(at_once(put)) == {None: MANY}
    with database.autocommit() as reads:
        assert [each.id for each in reads.trusted_devices.all(account.id, at=NOON)] == [device.id]


def test_expired_ones_are_swept_in_batches(database: Persistence, account: Account) -> None:
    alive = a_trusted_device(account_id=account.id, expires_at=NOON + MINUTE)
    trusted(database, alive, *(a_trusted_device(account_id=account.id, expires_at=NOON - n * DAY) for n in range(5)))
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.trusted_devices.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert stored(database, alive) == alive
