from dataclasses import replace
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.claims import Claim
from domain.kernel import AddressDigest, ClaimId
from tests.builders import DAY, HOUR, MINUTE, NOON, a_claim, an_address
from tests.contract.threads import MANY, at_once, tally


def added(database: Persistence, *claims: Claim) -> Claim:
    with database.unit_of_work() as uow:
        for claim in claims:
            uow.claims.add(claim)
    return claims[0]


def stored(database: Persistence, claim: Claim) -> Claim | None:
    with database.autocommit() as reads:
        return reads.claims.find(claim.email.digest, claim.id)


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    claim = added(database, a_claim())
    assert stored(database, claim) == claim


def test_a_claim_is_found_under_its_own_address_only(database: Persistence) -> None:
    claim = added(database, a_claim())
    with database.autocommit() as reads:
        assert reads.claims.find(an_address().digest, claim.id) is None
        assert reads.claims.find(claim.email.digest, ClaimId(uuid4())) is None
        assert reads.claims.newest(an_address().digest, at=NOON) is None


def test_any_number_of_claims_stand_on_one_address(database: Persistence) -> None:
    first = a_claim()
    second = a_claim(email=first.email)
    added(database, first, second)
    assert (stored(database, first), stored(database, second)) == (first, second)


def test_the_newest_is_the_newest_that_has_not_expired(database: Persistence) -> None:
    oldest = a_claim(created_at=NOON - 3 * HOUR)
    newer = a_claim(email=oldest.email, created_at=NOON - 2 * HOUR)
    expired = a_claim(email=oldest.email, created_at=NOON - HOUR, expires_at=NOON)
    added(database, newer, expired, oldest, a_claim())
    with database.autocommit() as reads:
        assert reads.claims.newest(oldest.email.digest, at=NOON) == newer
        assert reads.claims.newest(oldest.email.digest, at=NOON - MINUTE) == expired
        assert reads.claims.newest(oldest.email.digest, at=newer.expires_at) is None


def spend(database: Persistence, claim: Claim, *, most: int = 5) -> Claim | None:
    with database.unit_of_work() as uow:
        return uow.claims.spend_try(claim.email.digest, claim.id, most=most, at=NOON)


def test_a_try_is_counted_on_the_claim_that_it_returns(database: Persistence) -> None:
    claim = added(database, a_claim(tries=1))
    assert spend(database, claim) == replace(claim, tries=2) == stored(database, claim)


def test_after_the_last_try_there_is_none(database: Persistence) -> None:
    claim = added(database, a_claim(tries=3))
    assert [bool(spend(database, claim)) for _ in range(4)] == [True, True, False, False]
    assert stored(database, claim) == replace(claim, tries=5)


def test_an_expired_claim_cannot_be_tried(database: Persistence) -> None:
    claim = added(database, a_claim(expires_at=NOON))
    assert spend(database, claim) is None
    assert stored(database, claim) == claim


def test_an_unknown_claim_cannot_be_tried(database: Persistence) -> None:
    assert spend(database, a_claim()) is None


def test_however_many_try_at_once_they_get_the_allowed_number(database: Persistence) -> None:
    claim = added(database, a_claim(tries=0))
    tried = [outcome for outcome in at_once(lambda _: spend(database, claim, most=5)) if outcome]
    assert sorted(outcome.tries for outcome in tried if isinstance(outcome, Claim)) == [1, 2, 3, 4, 5]


def take(database: Persistence, digest: AddressDigest, id: ClaimId) -> bool:
    with database.unit_of_work() as uow:
        return uow.claims.take(digest, id)


def test_taking_a_claim_lets_the_others_of_its_address_lapse(database: Persistence) -> None:
    claim = a_claim()
    rival, stranger = a_claim(email=claim.email), a_claim()
    added(database, claim, rival, stranger)
    assert take(database, claim.email.digest, claim.id)
    assert (stored(database, claim), stored(database, rival), stored(database, stranger)) == (None, None, stranger)


def test_taking_what_is_gone_removes_nothing(database: Persistence) -> None:
    claim = added(database, a_claim())
    assert not take(database, claim.email.digest, ClaimId(uuid4()))
    assert not take(database, an_address().digest, claim.id)
    assert stored(database, claim) == claim


def test_of_many_who_take_a_claim_one_gets_it(database: Persistence) -> None:
    claim = added(database, a_claim())
    assert tally(at_once(lambda _: take(database, claim.email.digest, claim.id))) == {True: 1, False: MANY - 1}


def test_of_many_who_take_the_claims_of_one_address_one_gets_it(database: Persistence) -> None:
    address = an_address()
    claims = [a_claim(email=address) for _ in range(MANY)]
    added(database, *claims)
    assert tally(at_once(lambda n: take(database, address.digest, claims[n].id))) == {True: 1, False: MANY - 1}


def test_expired_claims_are_swept_in_batches(database: Persistence) -> None:
    alive = a_claim(expires_at=NOON + MINUTE)
    added(database, alive, *(a_claim(expires_at=NOON - n * DAY) for n in range(5)))
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.claims.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert stored(database, alive) == alive


@pytest.mark.parametrize("name", ["", "O'Brien", "日本語", "x" * 100])
def test_names_are_kept_as_they_are(database: Persistence, name: str) -> None:
    claim = added(database, a_claim(display_name=name))
    assert stored(database, claim) == claim
