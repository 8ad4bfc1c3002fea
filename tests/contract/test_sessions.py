from dataclasses import replace
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.accounts import Account
from domain.kernel import AccountId, CursorInvalid, SessionId, Stale
from domain.sessions import Client, EndReason, Session, SessionPolicy
from tests.builders import DAY, HOUR, MINUTE, NOON, a_session, an_account
from tests.contract.threads import MANY, at_once, tally

POLICY = SessionPolicy()
CLIENT = Client(user_agent="u" * 256, network="2001:db8:ffff:ffff::/64")


@pytest.fixture
def account(database: Persistence) -> Account:
    return signed_up(database)


def signed_up(database: Persistence) -> Account:
    account = an_account()
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
    return account


def added(database: Persistence, *sessions: Session) -> Session:
    with database.unit_of_work() as uow:
        for session in sessions:
            uow.sessions.add(session)
    return sessions[0]


def stored(database: Persistence, session: Session) -> Session | None:
    with database.autocommit() as reads:
        return reads.sessions.find(session.account_id, session.id)


def events(database: Persistence, account: Account) -> list[tuple[str, object]]:
    """What happened to the account's sessions, in order: the event and the session."""
    with database.autocommit() as reads:
        newest_first = reads.outbox.of_owner(account.id, limit=100)
    return [(event.name, event.aggregate_id) for event in reversed(newest_first)]


def test_every_field_survives_the_round_trip(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id))
    assert stored(database, session) == session


def test_a_session_is_found_under_its_own_account_only(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id))
    with database.autocommit() as reads:
        for account_id, id in [(AccountId(uuid4()), session.id), (account.id, SessionId(uuid4()))]:
            assert reads.sessions.find(account_id, id) is None


def test_an_expired_session_is_found_until_it_is_swept(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id, expires_at=NOON - DAY))
    assert stored(database, session) == session


def advance(database: Persistence, session: Session, *, generation: int) -> Session | None:
    with database.autocommit() as calls:
        return calls.sessions.advance(
            session.account_id, session.id, generation=generation, client=CLIENT, policy=POLICY, at=NOON
        )


def test_to_advance_is_to_rotate(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id, generation=4))
    rotated = session.rotated(client=CLIENT, policy=POLICY, at=NOON)
    assert advance(database, session, generation=4) == rotated == stored(database, session)


@pytest.mark.parametrize("generation", [0, 3, 5])
def test_only_the_current_generation_advances(database: Persistence, account: Account, generation: int) -> None:
    session = added(database, a_session(account_id=account.id, generation=4))
    assert advance(database, session, generation=generation) is None
    assert stored(database, session) == session


@pytest.mark.parametrize("expiry", ["idle_expires_at", "expires_at"])
def test_an_expired_session_does_not_advance(database: Persistence, account: Account, expiry: str) -> None:
    session = added(database, a_session(account_id=account.id, generation=4, **{expiry: NOON}))
    assert advance(database, session, generation=4) is None
    assert stored(database, session) == session


def test_an_unknown_session_does_not_advance(database: Persistence) -> None:
    assert advance(database, a_session(), generation=4) is None


def test_of_many_who_present_one_generation_one_advances(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id, generation=4))
    rotated = session.rotated(client=CLIENT, policy=POLICY, at=NOON)
    assert tally(at_once(lambda _: advance(database, session, generation=4))) == {rotated: 1, None: MANY - 1}
    assert stored(database, session) == rotated


def save(database: Persistence, session: Session) -> None:
    with database.unit_of_work() as uow:
        uow.sessions.save(session)


def stepped_up(session: Session) -> Session:
    return session.step_up(amr=("hwk",), aal=2, client=CLIENT, policy=POLICY, at=NOON)


def test_a_step_up_is_kept_whole_with_what_it_recorded(database: Persistence, account: Account) -> None:
    session, other = (a_session(account_id=account.id, aal=1, amr=("pwd",)) for _ in range(2))
    added(database, session, other)
    save(database, stepped_up(session))
    found = stored(database, session)
    assert found == stepped_up(session)
    assert found.events == ()
    assert stored(database, other) == other
    assert events(database, account) == [("session.stepped_up", session.id)]


@pytest.mark.parametrize("generation", [0, 3, 5, 6])
def test_a_session_that_rotated_meanwhile_is_not_saved(
    database: Persistence, account: Account, generation: int
) -> None:
    session = added(database, a_session(account_id=account.id, generation=4))
    with pytest.raises(Stale):
        save(database, stepped_up(replace(session, generation=generation)))
    assert stored(database, session) == session
    assert events(database, account) == []


def test_a_session_that_ended_meanwhile_is_not_saved(database: Persistence, account: Account) -> None:
    gone = a_session(account_id=account.id)
    with pytest.raises(Stale):
        save(database, stepped_up(gone))
    assert stored(database, gone) is None


def test_of_many_who_step_up_from_one_generation_one_does(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id))
    assert tally(at_once(lambda _: save(database, stepped_up(session)))) == {None: 1, Stale: MANY - 1}
    assert events(database, account) == [("session.stepped_up", session.id)]


def test_of_a_step_up_and_a_refresh_at_once_one_counts(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id, generation=4))

    def either(number: int) -> bool:
        if number % 2:
            return advance(database, session, generation=4) is not None
        save(database, stepped_up(session))
        return True

    assert at_once(either).count(True) == 1
    found = stored(database, session)
    assert found
    assert found.generation == 5


def count_replay(database: Persistence, session: Session, *, generation: int = 4, most: int = 5) -> bool:
    with database.unit_of_work() as uow:
        return uow.sessions.count_replay(session.account_id, session.id, generation=generation, most=most)


def test_replays_are_counted_until_there_were_enough(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id, generation=4, replays=3))
    assert [count_replay(database, session) for _ in range(4)] == [True, True, False, False]
    assert stored(database, session) == replace(session, replays=5)


def test_a_replay_of_another_generation_is_not_counted(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id, generation=4))
    assert not count_replay(database, session, generation=3)
    assert not count_replay(database, session, generation=5)
    assert not count_replay(database, a_session())
    assert stored(database, session) == session


def test_however_many_replay_at_once_each_is_counted(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id, generation=4, replays=0))
    assert tally(at_once(lambda _: count_replay(database, session, most=5))) == {True: 5, False: MANY - 5}
    assert stored(database, session) == replace(session, replays=5)


def test_a_note_writes_the_event_and_nothing_else(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id))
    noted = replace(session, generation=9, user_agent="changed").note_superseded(at=NOON)
    with database.unit_of_work() as uow:
        uow.sessions.note(noted)
    assert stored(database, session) == session
    assert events(database, account) == [("session.refresh_superseded", session.id)]


def remove(database: Persistence, session: Session) -> bool:
    with database.unit_of_work() as uow:
        return uow.sessions.remove(session)


def test_a_session_is_removed_with_what_it_recorded(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id))
    assert remove(database, session.end_reused(at=NOON))
    assert stored(database, session) is None
    assert events(database, account) == [("session.refresh_reused", session.id), ("session.ended", session.id)]


def test_what_is_gone_is_not_removed_again(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id))
    ended = session.end(EndReason.SIGNED_OUT, at=NOON)
    assert [remove(database, ended), remove(database, ended)] == [True, False]
    assert events(database, account) == [("session.ended", session.id)]


def test_of_many_who_remove_a_session_one_does(database: Persistence, account: Account) -> None:
    session = added(database, a_session(account_id=account.id))
    ended = session.end(EndReason.SIGNED_OUT, at=NOON)
    assert tally(at_once(lambda _: remove(database, ended))) == {True: 1, False: MANY - 1}
    assert events(database, account) == [("session.ended", session.id)]


def made_in_order(account: Account, number: int) -> list[Session]:
    return [a_session(account_id=account.id, created_at=NOON - DAY + n * MINUTE) for n in range(number)]


def test_pages_show_every_live_session_once_newest_first(database: Persistence, account: Account) -> None:
    sessions = made_in_order(account, 7)
    idle, over = (a_session(account_id=account.id, **{name: NOON}) for name in ("idle_expires_at", "expires_at"))
    added(database, *sessions, idle, over, a_session(account_id=signed_up(database).id))
    found, after = [], None
    with database.autocommit() as reads:
        while True:
            page, after = reads.sessions.page(account.id, limit=3, after=after, at=NOON)
            found.append(page)
            if after is None:
                break
    newest_first = sessions[::-1]
    assert found == [newest_first[:3], newest_first[3:6], newest_first[6:]]


def test_the_last_page_names_no_next_one_even_if_it_is_full(database: Persistence, account: Account) -> None:
    sessions = made_in_order(account, 2)
    added(database, *sessions)
    with database.autocommit() as reads:
        assert reads.sessions.page(account.id, limit=2, after=None, at=NOON) == (sessions[::-1], None)
        assert reads.sessions.page(AccountId(uuid4()), limit=2, after=None, at=NOON) == ([], None)


@pytest.mark.parametrize("after", ["", "garbage", "0", "\0", "é", "' OR 1=1 --", "x" * 5000])
def test_a_page_starts_only_where_another_ended(database: Persistence, account: Account, after: str) -> None:
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.sessions.page(account.id, limit=2, after=after, at=NOON)


def test_all_sessions_end_but_the_one_to_keep(database: Persistence, account: Account) -> None:
    ended = [*made_in_order(account, 2), a_session(account_id=account.id, expires_at=NOON)]
    kept, stranger = a_session(account_id=account.id), a_session(account_id=signed_up(database).id)
    added(database, *ended, kept, stranger)
    with database.unit_of_work() as uow:
        number = uow.sessions.end_all(account.id, EndReason.PASSWORD_CHANGED, keep=kept.id, at=NOON)
    assert number == 3
    assert [stored(database, session) for session in (*ended, kept, stranger)] == [None, None, None, kept, stranger]
    with database.autocommit() as reads:
        recorded = reads.outbox.of_owner(account.id, limit=10)
    assert {event.aggregate_id for event in recorded} == {session.id for session in ended}
    assert {(event.name, event.data["reason"], event.at) for event in recorded} == {
        ("session.ended", "password_changed", NOON)
    }


def test_all_sessions_end(database: Persistence, account: Account) -> None:
    added(database, *made_in_order(account, 3))
    with database.unit_of_work() as uow:
        assert uow.sessions.end_all(account.id, EndReason.CLOSED, at=NOON) == 3
        assert uow.sessions.end_all(account.id, EndReason.CLOSED, at=NOON) == 0


def test_many_who_end_all_sessions_end_each_once(database: Persistence, account: Account) -> None:
    added(database, *made_in_order(account, 10))

    def end_all(_: int) -> int:
        with database.unit_of_work() as uow:
            return uow.sessions.end_all(account.id, EndReason.ENDED_BY_OWNER, at=NOON)

    assert sum(outcome for outcome in at_once(end_all) if isinstance(outcome, int)) == 10
    assert len(events(database, account)) == 10


def test_room_is_made_by_the_expired_silently_and_by_the_oldest(database: Persistence, account: Account) -> None:
    sessions = made_in_order(account, 5)
    expired = a_session(account_id=account.id, idle_expires_at=NOON)
    added(database, expired, *sessions)
    with database.unit_of_work() as uow:
        uow.sessions.make_room(account.id, most=3, at=NOON)
    assert [stored(database, session) for session in (expired, *sessions)] == [None, None, None, *sessions[2:]]
    with database.autocommit() as reads:
        recorded = reads.outbox.of_owner(account.id, limit=10)
    assert {(event.aggregate_id, event.data["reason"]) for event in recorded} == {
        (session.id, "gave_way") for session in sessions[:2]
    }
    assert len(recorded) == 2


def test_where_there_is_room_nobody_gives_way(database: Persistence, account: Account) -> None:
    sessions = made_in_order(account, 3)
    added(database, *sessions)
    with database.unit_of_work() as uow:
        uow.sessions.make_room(account.id, most=3, at=NOON)
    assert [stored(database, session) for session in sessions] == sessions
    assert events(database, account) == []


def test_expired_sessions_are_swept_in_batches_without_an_event(database: Persistence, account: Account) -> None:
    alive = a_session(account_id=account.id, idle_expires_at=NOON + MINUTE, expires_at=NOON + MINUTE)
    idle = [a_session(account_id=account.id, idle_expires_at=NOON - n * HOUR) for n in range(3)]
    over = [a_session(account_id=account.id, expires_at=NOON - n * HOUR) for n in range(2)]
    added(database, alive, *idle, *over)
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.sessions.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert stored(database, alive) == alive
    assert events(database, account) == []
