from uuid import uuid4

from application.ports.unit_of_work import Persistence
from domain.kernel import PasswordResetId
from domain.passwords import PasswordReset
from tests.builders import DAY, MINUTE, NOON, a_password_reset, an_address
from tests.contract.threads import MANY, at_once, tally


def added(database: Persistence, *resets: PasswordReset) -> PasswordReset:
    with database.unit_of_work() as uow:
        for reset in resets:
            uow.password_resets.add(reset)
    return resets[0]


def stored(database: Persistence, reset: PasswordReset) -> PasswordReset | None:
    with database.autocommit() as reads:
        return reads.password_resets.find(reset.email.digest, reset.id, at=NOON)


def take(database: Persistence, reset: PasswordReset) -> PasswordReset | None:
    with database.unit_of_work() as uow:
        return uow.password_resets.take(reset.email.digest, reset.id, at=NOON)


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    reset = added(database, a_password_reset())
    assert stored(database, reset) == reset


def test_a_reset_is_found_under_its_own_address_only(database: Persistence) -> None:
    reset = added(database, a_password_reset())
    with database.autocommit() as reads:
        assert reads.password_resets.find(an_address().digest, reset.id, at=NOON) is None
        assert reads.password_resets.find(reset.email.digest, PasswordResetId(uuid4()), at=NOON) is None


def test_a_reset_is_taken_once(database: Persistence) -> None:
    reset = added(database, a_password_reset())
    assert take(database, reset) == reset
    assert take(database, reset) is None
    assert stored(database, reset) is None


def test_an_expired_reset_is_worth_nothing(database: Persistence) -> None:
    reset = added(database, a_password_reset(expires_at=NOON))
    assert stored(database, reset) is None
    assert take(database, reset) is None


def test_taking_one_reset_leaves_the_others_of_its_address(database: Persistence) -> None:
    reset = a_password_reset()
    other = a_password_reset(email=reset.email)
    added(database, reset, other)
    assert take(database, reset)
    assert stored(database, other) == other


def test_all_resets_of_an_address_are_voided_together(database: Persistence) -> None:
    reset, stranger = a_password_reset(), a_password_reset()
    other = a_password_reset(email=reset.email)
    added(database, reset, other, stranger)
    with database.unit_of_work() as uow:
        uow.password_resets.void(reset.email.digest)
        uow.password_resets.void(an_address().digest)
    assert (stored(database, reset), stored(database, other), stored(database, stranger)) == (None, None, stranger)


def test_of_many_who_take_a_reset_one_gets_it(database: Persistence) -> None:
    reset = added(database, a_password_reset())
    assert tally(at_once(lambda _: take(database, reset))) == {reset: 1, None: MANY - 1}


def test_expired_resets_are_swept_in_batches(database: Persistence) -> None:
    alive = a_password_reset(expires_at=NOON + MINUTE)
    added(database, alive, *(a_password_reset(expires_at=NOON - n * DAY) for n in range(5)))
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.password_resets.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert stored(database, alive) == alive
