from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.challenges import Challenge, ChallengeKind
from domain.kernel import AccountId, ChallengeId
from tests.builders import MINUTE, NOON, a_challenge
from tests.contract.given import signed_up
from tests.contract.threads import MANY, at_once, tally


def added(database: Persistence, *challenges: Challenge) -> Challenge:
    with database.unit_of_work() as uow:
        for challenge in challenges:
            uow.challenges.add(challenge)
    return challenges[0]


def of_somebody(database: Persistence, number: int = 1) -> list[Challenge]:
    account = signed_up(database)
    return [a_challenge(account_id=account.id) for _ in range(number)]


def of_nobody() -> Challenge:
    id = ChallengeId(uuid4())
    return Challenge.of_nobody(id=id, random=b"\xff" * 32, lifetime=5 * MINUTE, at=NOON)


def spend(database: Persistence, challenge: Challenge, *, most: int = 5) -> Challenge | None:
    with database.unit_of_work() as uow:
        return uow.challenges.spend_try(challenge.owner_id, challenge.id, most=most, at=NOON)


def take(database: Persistence, owner_id: UUID, id: ChallengeId) -> bool:
    with database.unit_of_work() as uow:
        return uow.challenges.take(owner_id, id)


def taken(database: Persistence, *challenges: Challenge) -> list[bool]:
    return [take(database, challenge.owner_id, challenge.id) for challenge in challenges]


@pytest.mark.parametrize("kind", ChallengeKind)
def test_every_field_survives_the_round_trip_and_the_try_is_counted(database: Persistence, kind: ChallengeKind) -> None:
    (challenge,) = of_somebody(database)
    challenge = added(database, replace(challenge, kind=kind))
    assert spend(database, challenge) == replace(challenge, tries=2)
    assert spend(database, challenge) == replace(challenge, tries=3)


def test_a_challenge_of_nobody_survives_as_well(database: Persistence) -> None:
    challenge = added(database, of_nobody())
    assert spend(database, challenge) == replace(challenge, tries=1)


def test_a_challenge_can_be_made_and_tried_without_a_transaction(database: Persistence) -> None:
    challenge = of_nobody()
    with database.autocommit() as calls:
        calls.challenges.add(challenge)
        assert calls.challenges.spend_try(challenge.owner_id, challenge.id, most=5, at=NOON)


def test_after_the_last_try_there_is_none(database: Persistence) -> None:
    (challenge,) = of_somebody(database)
    added(database, replace(challenge, tries=3))
    assert [bool(spend(database, challenge)) for _ in range(4)] == [True, True, False, False]


def test_an_expired_challenge_cannot_be_tried(database: Persistence) -> None:
    (challenge,) = of_somebody(database)
    added(database, replace(challenge, expires_at=NOON))
    assert spend(database, challenge) is None


def test_a_challenge_is_tried_under_its_own_owner_only(database: Persistence) -> None:
    (mine,), (other,) = of_somebody(database), of_somebody(database)
    added(database, mine, other)
    assert spend(database, replace(mine, owner_id=other.owner_id)) is None
    assert spend(database, replace(mine, id=ChallengeId(uuid4()))) is None
    assert spend(database, mine) == replace(mine, tries=2)


def test_a_challenge_is_taken_once(database: Persistence) -> None:
    challenge, other = added(database, *(challenges := of_somebody(database, 2))), challenges[1]
    assert taken(database, challenge, challenge, other) == [True, False, True]
    assert spend(database, challenge) is None


def test_a_challenge_is_there_until_it_is_taken(database: Persistence) -> None:
    (mine,), (other,) = of_somebody(database), of_somebody(database)
    added(database, mine, other)
    take(database, other.owner_id, other.id)
    with database.unit_of_work() as uow:
        assert uow.challenges.holds(mine.owner_id, mine.id)
        assert not uow.challenges.holds(other.owner_id, mine.id)
        assert not uow.challenges.holds(mine.owner_id, ChallengeId(uuid4()))
        assert not uow.challenges.holds(other.owner_id, other.id)


def test_a_challenge_is_taken_under_its_own_owner_only(database: Persistence) -> None:
    (mine,), (other,) = of_somebody(database), of_somebody(database)
    added(database, mine, other)
    assert not take(database, other.owner_id, mine.id)
    assert not take(database, mine.owner_id, ChallengeId(uuid4()))
    assert taken(database, mine, other) == [True, True]


def test_all_of_an_account_can_be_voided(database: Persistence) -> None:
    mine, (other,), nobodys = of_somebody(database, 3), of_somebody(database), of_nobody()
    added(database, *mine, other, nobodys)
    account_id = mine[0].account_id
    assert account_id
    with database.unit_of_work() as uow:
        uow.challenges.void(account_id)
        uow.challenges.void(AccountId(uuid4()))
    assert taken(database, *mine, other, nobodys) == [False, False, False, True, True]


def test_however_many_try_at_once_they_get_the_allowed_number(database: Persistence) -> None:
    (challenge,) = of_somebody(database)
    added(database, replace(challenge, tries=0))
    tried = [outcome for outcome in at_once(lambda _: spend(database, challenge, most=5)) if outcome]
    assert sorted(outcome.tries for outcome in tried if isinstance(outcome, Challenge)) == [1, 2, 3, 4, 5]


def test_of_many_who_take_a_challenge_one_gets_it(database: Persistence) -> None:
    challenge = added(database, *of_somebody(database))
    outcomes = at_once(lambda _: take(database, challenge.owner_id, challenge.id))
    assert tally(outcomes) == {True: 1, False: MANY - 1}


def test_expired_challenges_are_swept_in_batches(database: Persistence) -> None:
    alive, *over = of_somebody(database, 5)
    added(database, alive, *(replace(each, expires_at=NOON - n * MINUTE) for n, each in enumerate(over)))
    added(database, replace(of_nobody(), expires_at=NOON))
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.challenges.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert taken(database, alive, *over) == [True, False, False, False, False]
