from dataclasses import replace
from uuid import uuid4

from application.ports.unit_of_work import Persistence
from domain.email_codes import EmailCode
from domain.kernel import AddressDigest, EmailCodeId
from tests.builders import DAY, MINUTE, NOON, an_address, an_email_code
from tests.contract.threads import MANY, at_once, tally


def added(database: Persistence, *codes: EmailCode) -> EmailCode:
    with database.unit_of_work() as uow:
        for code in codes:
            uow.email_codes.add(code)
    return codes[0]


def stored(database: Persistence, code: EmailCode) -> EmailCode | None:
    with database.autocommit() as reads:
        return reads.email_codes.find(code.email.digest, code.id, at=NOON)


def spend(database: Persistence, code: EmailCode, *, most: int = 3) -> EmailCode | None:
    with database.unit_of_work() as uow:
        return uow.email_codes.spend_try(code.email.digest, code.id, most=most, at=NOON)


def take(database: Persistence, digest: AddressDigest, id: EmailCodeId) -> bool:
    with database.unit_of_work() as uow:
        return uow.email_codes.take(digest, id)


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    code = added(database, an_email_code())
    assert stored(database, code) == code


def test_a_code_is_found_under_its_own_address_only(database: Persistence) -> None:
    code = added(database, an_email_code())
    with database.autocommit() as reads:
        assert reads.email_codes.find(an_address().digest, code.id, at=NOON) is None
        assert reads.email_codes.find(code.email.digest, EmailCodeId(uuid4()), at=NOON) is None


def test_any_number_of_codes_stand_on_one_address(database: Persistence) -> None:
    first = an_email_code()
    second = an_email_code(email=first.email)
    added(database, first, second)
    assert (stored(database, first), stored(database, second)) == (first, second)


def test_an_expired_code_is_worth_nothing(database: Persistence) -> None:
    code = added(database, an_email_code(expires_at=NOON))
    assert stored(database, code) is None
    assert spend(database, code) is None


def test_a_try_is_counted_on_the_code_that_it_returns(database: Persistence) -> None:
    code, other = an_email_code(tries=1), an_email_code()
    added(database, code, other)
    assert spend(database, code) == replace(code, tries=2) == stored(database, code)
    assert stored(database, other) == other


def test_after_the_last_try_there_is_none(database: Persistence) -> None:
    code = added(database, an_email_code(tries=1))
    assert [bool(spend(database, code)) for _ in range(4)] == [True, True, False, False]
    assert stored(database, code) == replace(code, tries=3)


def test_an_unknown_code_cannot_be_tried(database: Persistence) -> None:
    code = added(database, an_email_code())
    assert spend(database, replace(code, email=an_address())) is None
    assert spend(database, replace(code, id=EmailCodeId(uuid4()))) is None
    assert stored(database, code) == code


def test_a_code_is_taken_once_and_no_other_with_it(database: Persistence) -> None:
    code = an_email_code()
    sibling = an_email_code(email=code.email)
    added(database, code, sibling)
    assert [take(database, code.email.digest, code.id) for _ in range(2)] == [True, False]
    assert (stored(database, code), stored(database, sibling)) == (None, sibling)
    assert spend(database, code) is None


def test_taking_what_is_not_there_removes_nothing(database: Persistence) -> None:
    code = added(database, an_email_code())
    assert not take(database, code.email.digest, EmailCodeId(uuid4()))
    assert not take(database, an_address().digest, code.id)
    assert stored(database, code) == code


def test_all_of_an_address_can_be_voided(database: Persistence) -> None:
    code = an_email_code()
    sibling, stranger = an_email_code(email=code.email), an_email_code()
    added(database, code, sibling, stranger)
    with database.unit_of_work() as uow:
        uow.email_codes.void(code.email.digest)
        uow.email_codes.void(an_address().digest)
    assert [stored(database, each) for each in (code, sibling, stranger)] == [None, None, stranger]


def test_however_many_try_at_once_they_get_the_allowed_number(database: Persistence) -> None:
    code = added(database, an_email_code(tries=0))
    tried = [outcome for outcome in at_once(lambda _: spend(database, code)) if outcome]
    assert sorted(outcome.tries for outcome in tried if isinstance(outcome, EmailCode)) == [1, 2, 3]


def test_of_many_who_take_a_code_one_gets_it(database: Persistence) -> None:
    code = added(database, an_email_code())
    assert tally(at_once(lambda _: take(database, code.email.digest, code.id))) == {True: 1, False: MANY - 1}


def test_expired_codes_are_swept_in_batches(database: Persistence) -> None:
    alive = an_email_code(expires_at=NOON + MINUTE)
    added(database, alive, *(an_email_code(expires_at=NOON - n * DAY) for n in range(5)))
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.email_codes.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert stored(database, alive) == alive
