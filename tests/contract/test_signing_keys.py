from dataclasses import replace

import pytest

from application.ports.unit_of_work import Persistence
from domain.kernel import Stale
from domain.signing_keys import KeyState, SigningKey
from tests.builders import MINUTE, NOON, a_signing_key
from tests.contract.threads import MANY, at_once, tally


def added(database: Persistence, *keys: SigningKey) -> SigningKey:
    with database.unit_of_work() as uow:
        for key in keys:
            uow.signing_keys.add(key)
    return keys[0]


def save(database: Persistence, key: SigningKey) -> None:
    with database.unit_of_work() as uow:
        uow.signing_keys.save(key)


def stored(database: Persistence) -> list[SigningKey]:
    with database.autocommit() as reads:
        return sorted(reads.signing_keys.all(), key=lambda key: key.id)


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    keys = [a_signing_key(state=state, public_pem=f"{state}\n" * 50, sealed_private="s" * 600) for state in KeyState]
    added(database, *keys)
    assert stored(database) == keys
    with database.unit_of_work() as uow:
        assert sorted(uow.signing_keys.lock(), key=lambda key: key.id) == keys


def test_at_first_there_is_no_key(database: Persistence) -> None:
    assert stored(database) == []
    with database.unit_of_work() as uow:
        assert uow.signing_keys.lock() == []


def test_every_field_survives_a_save(database: Persistence) -> None:
    key = added(database, a_signing_key())
    changed = replace(key, state=KeyState.REVOKED, state_since=NOON + MINUTE, sealed_private="")
    save(database, changed)
    assert stored(database) == [replace(changed, version=1)]


def test_a_stale_key_is_not_saved(database: Persistence) -> None:
    key = added(database, a_signing_key())
    save(database, key.retire(at=NOON))
    with pytest.raises(Stale):
        save(database, key.revoke(at=NOON))
    assert [found.state for found in stored(database)] == [KeyState.RETIRING]


def test_an_unknown_key_is_not_saved(database: Persistence) -> None:
    with pytest.raises(Stale):
        save(database, a_signing_key())
    assert stored(database) == []


def test_of_many_stale_saves_one_wins(database: Persistence) -> None:
    key = added(database, a_signing_key())
    assert tally(at_once(lambda _: save(database, key.retire(at=NOON)))) == {None: 1, Stale: MANY - 1}


def test_of_many_processes_that_start_at_once_one_makes_the_first_key(database: Persistence) -> None:
    """There is no row yet that could be locked."""

    def prepare(_: int) -> None:
        with database.unit_of_work() as uow:
            if not uow.signing_keys.lock():
                uow.signing_keys.add(a_signing_key())

    assert tally(at_once(prepare)) == {None: MANY}
    assert len(stored(database)) == 1


def test_who_locks_the_keys_first_is_never_stale(database: Persistence) -> None:
    added(database, a_signing_key(), a_signing_key())

    def rewrap(number: int) -> None:
        with database.unit_of_work() as uow:
            for key in uow.signing_keys.lock():
                uow.signing_keys.save(key.rewrap(f"sealed {number}", at=NOON))

    assert tally(at_once(rewrap)) == {None: MANY}
    assert [key.version for key in stored(database)] == [MANY, MANY]
