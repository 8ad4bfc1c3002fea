from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.kernel import AccountId, CursorInvalid
from domain.second_factors import FactorPolicy, SecondFactors
from tests.builders import NOON, second_factors
from tests.contract.given import NOT_A_CURSOR, events, pages, signed_up
from tests.contract.threads import MANY, at_once, tally


def kept(database: Persistence, factors: SecondFactors | None = None) -> SecondFactors:
    """Of an account of their own, as they are found."""
    factors = replace(factors or second_factors(), account_id=signed_up(database).id)
    with database.unit_of_work() as uow:
        uow.second_factors.save(replace(factors, version=uow.second_factors.lock(factors.account_id).version))
    found = stored(database, factors.account_id)
    assert found
    return found


def stored(database: Persistence, account_id: AccountId) -> SecondFactors | None:
    with database.autocommit() as reads:
        return reads.second_factors.find(account_id)


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    factors = second_factors()
    found = kept(database, factors)
    assert found == replace(factors, account_id=found.account_id, version=1)


@pytest.mark.parametrize("missing", ["totp", "pending_totp", "locked_until"])
def test_what_there_is_not_comes_back_as_nothing(database: Persistence, missing: str) -> None:
    found = kept(database, second_factors(**{missing: None}))
    assert found == second_factors(**{missing: None, "account_id": found.account_id, "version": 1})


def test_the_order_of_ten_recovery_codes_is_kept(database: Persistence) -> None:
    hashes = tuple(f"v1.recovery-code.{number:064}" for number in (7, 3, 9, 1, 0, 8, 2, 6, 4, 5))
    assert kept(database, second_factors(recovery_hashes=hashes)).recovery_hashes == hashes
    assert kept(database, second_factors(recovery_hashes=())).recovery_hashes == ()


def test_where_nothing_was_begun_there_is_nothing_to_find(database: Persistence) -> None:
    kept(database)
    assert stored(database, signed_up(database).id) is None
    assert stored(database, AccountId(uuid4())) is None


def test_where_nothing_was_begun_fresh_ones_are_locked(database: Persistence) -> None:
    account = signed_up(database)
    with database.unit_of_work() as uow:
        assert uow.second_factors.lock(account.id) == SecondFactors(account_id=account.id)


def test_what_is_there_is_locked_as_it_is(database: Persistence) -> None:
    factors = kept(database)
    with database.unit_of_work() as uow:
        assert uow.second_factors.lock(factors.account_id) == factors


def test_a_save_takes_the_place_of_what_was_locked_and_counts(database: Persistence) -> None:
    factors, other = kept(database), kept(database)
    changed = replace(factors, totp=None, recovery_hashes=("left",), failures=9, locks=0, locked_until=NOON)
    with database.unit_of_work() as uow:
        uow.second_factors.lock(factors.account_id)
        uow.second_factors.save(changed)
    assert stored(database, factors.account_id) == replace(changed, version=factors.version + 1)
    assert stored(database, other.account_id) == other


def test_what_was_saved_is_locked_again_in_the_same_transaction(database: Persistence) -> None:
    account = signed_up(database)
    with database.unit_of_work() as uow:
        for failures in (0, 1, 2):
            factors = uow.second_factors.lock(account.id)
            assert factors.failures == failures
            uow.second_factors.save(factors.failed(policy=FactorPolicy(), at=NOON))


def test_a_save_writes_what_was_recorded_once_and_keeps_none_of_it(database: Persistence) -> None:
    account = signed_up(database)
    with database.unit_of_work() as uow:
        made = uow.second_factors.lock(account.id).with_recovery_codes(("one",), at=NOON)
        uow.second_factors.save(made)
    found = stored(database, account.id)
    assert found
    assert found.events == ()
    with database.unit_of_work() as uow:
        uow.second_factors.save(uow.second_factors.lock(account.id).proved())
    assert events(database, account.id) == [("factor.recovery_codes_made", made.id)]


def test_those_of_all_accounts_are_read_page_by_page(database: Persistence) -> None:
    everybody = sorted((kept(database) for _ in range(5)), key=lambda factors: factors.account_id)
    with database.autocommit() as reads:
        found = pages(lambda after: reads.second_factors.page(limit=2, after=after))
    assert [len(page) for page in found] == [2, 2, 1]
    assert [factors for page in found for factors in page] == everybody


def test_a_page_that_is_just_full_is_the_last_one(database: Persistence) -> None:
    factors = kept(database)
    with database.autocommit() as reads:
        assert reads.second_factors.page(limit=1, after=None) == ([factors], None)


@pytest.mark.parametrize("after", NOT_A_CURSOR)
def test_a_page_starts_where_another_ended_or_nowhere(database: Persistence, after: str) -> None:
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.second_factors.page(limit=1, after=after)


@pytest.mark.parametrize("begun", [False, True])
def test_however_many_fail_at_once_each_failure_counts(database: Persistence, begun: bool) -> None:
    account_id = kept(database, second_factors(failures=0)).account_id if begun else signed_up(database).id
    policy = FactorPolicy(failures=2 * MANY)

    def fail(_: int) -> None:
        with database.unit_of_work() as uow:
            uow.second_factors.save(uow.second_factors.lock(account_id).failed(policy=policy, at=NOON))

    assert tally(at_once(fail)) == {None: MANY}
    found = stored(database, account_id)
    assert found
    assert found.failures == MANY


def test_their_events_are_ordered_by_their_own_saves(database: Persistence) -> None:
    account = signed_up(database)
    for number in range(3):
        with database.unit_of_work() as uow:
            uow.second_factors.save(uow.second_factors.lock(account.id).trust(UUID(int=number), at=NOON))
    with database.autocommit() as reads:
        told = [each for each in reads.outbox.of_owner(account.id, limit=9) if each.name == "factor.device_trusted"]
    assert [each.version for each in told] == [3, 2, 1]
    assert {each.aggregate_id for each in told} == {SecondFactors(account_id=account.id).id} != {account.id}
