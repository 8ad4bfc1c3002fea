from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import AccountId, SessionId
from domain.sessions import (
    Client,
    EndReason,
    InvalidCredentials,
    RefreshToken,
    RefreshWasReused,
    RefreshWasSuperseded,
    Ruling,
    Session,
    SessionPolicy,
    SessionStarted,
    SessionSteppedUp,
    SessionWasEnded,
    network_of,
    to_the_hour,
)
from tests.builders import DAY, HOUR, NOON, a_session

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
POLICY = SessionPolicy()
LAPTOP = Client(user_agent="Firefox on a laptop", network="192.0.2.7/32")
ELSEWHERE = replace(LAPTOP, network="198.51.100.1/32")
ANOTHER_BROWSER = replace(LAPTOP, user_agent="curl")

ids = st.uuids()


def a_fresh_session() -> Session:
    return Session.start(
        id=SessionId(UUID(int=1)),
        account_id=AccountId(UUID(int=2)),
        amr=("pwd",),
        aal=1,
        client=LAPTOP,
        policy=POLICY,
        at=NOON,
    )


# Clients


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("127.0.0.1", "127.0.0.1/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:c000:207", "192.0.2.7/32"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::1%25eth0", "fe80::/64"),
    ],
)
def test_a_network_is_what_one_subscriber_is_given(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    "address",
    [
        "",
        "testclient",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.7:443",
        "192.0.2.7/8",
        "[::1]",
        "::1::",
        "%",
        "١.2.3.4",
        "1\0",
    ],
)
def test_what_is_no_ip_address_is_an_unknown_network(address: str) -> None:
    assert network_of(address) == "unknown"


@given(st.text(max_size=60))
def test_any_address_gives_some_network(address: str) -> None:
    assert network_of(address)


def test_a_user_agent_is_kept_short_and_printable() -> None:
    client = Client.seen(user_agent="Mozilla\r\n\0\x1b[31m/5.0 ü\u202e" + "x" * 500, address="192.0.2.7")
    assert client.user_agent.startswith("Mozilla[31m/5.0 üxxx")
    assert len(client.user_agent) == 256
    assert client.network == "192.0.2.7/32"


# Life


def test_a_session_starts_with_its_first_generation() -> None:
    session = a_fresh_session()
    assert session == Session(
        id=SessionId(UUID(int=1)),
        account_id=AccountId(UUID(int=2)),
        created_at=NOON,
        authenticated_at=NOON,
        amr=("pwd",),
        aal=1,
        generation=0,
        rotated_at=NOON,
        replays=0,
        user_agent=LAPTOP.user_agent,
        network=LAPTOP.network,
        last_seen_at=NOON,
        idle_expires_at=NOON + 7 * DAY,
        expires_at=NOON + 30 * DAY,
    )
    assert session.events == (SessionStarted(account_id=session.account_id, session_id=session.id, at=NOON),)


@pytest.mark.parametrize(
    ("idle", "absolute", "lives"),
    [
        (MICROSECOND, MICROSECOND, True),
        (timedelta(), HOUR, False),
        (HOUR, timedelta(), False),
        (-HOUR, HOUR, False),
        (HOUR, -HOUR, False),
    ],
)
def test_a_session_lives_until_the_first_of_its_two_expiries(idle: timedelta, absolute: timedelta, lives: bool) -> None:
    assert a_session(idle_expires_at=NOON + idle, expires_at=NOON + absolute).is_live(NOON) is lives


def test_a_refresh_makes_the_next_generation_and_moves_the_idle_expiry_only() -> None:
    session = a_fresh_session()
    later = NOON + 3 * DAY + timedelta(minutes=59, seconds=59)
    rotated = replace(session, replays=4).rotated(client=ELSEWHERE, policy=POLICY, at=later)
    assert rotated == replace(
        session,
        generation=1,
        rotated_at=later,
        replays=0,
        network=ELSEWHERE.network,
        last_seen_at=NOON + 3 * DAY,
        idle_expires_at=later + 7 * DAY,
    )


def test_a_refresh_is_no_event() -> None:
    session = replace(a_fresh_session(), events=())
    assert session.rotated(client=LAPTOP, policy=POLICY, at=NOON).events == ()


def test_no_number_of_refreshes_outlives_the_absolute_expiry() -> None:
    session, now = a_fresh_session(), NOON
    while session.is_live(now):
        session, now = session.rotated(client=LAPTOP, policy=POLICY, at=now), now + 6 * DAY
    assert now == NOON + 30 * DAY


def stepped_up(session: Session, *amr: str, aal: int, at: datetime = NOON + HOUR) -> Session:
    return session.step_up(amr=amr, aal=aal, client=ELSEWHERE, policy=POLICY, at=at)


def test_a_step_up_is_a_refresh_that_knows_its_owner_anew() -> None:
    session = replace(a_fresh_session(), events=())
    raised = stepped_up(session, "otp", "mfa", aal=2)
    assert raised == replace(
        session.rotated(client=ELSEWHERE, policy=POLICY, at=NOON + HOUR),
        authenticated_at=NOON + HOUR,
        amr=("pwd", "otp", "mfa"),
        aal=2,
    )
    assert raised.events == (
        SessionSteppedUp(account_id=session.account_id, session_id=session.id, aal=2, at=NOON + HOUR),
    )


def test_a_step_up_never_makes_a_session_less_sure() -> None:
    again = stepped_up(a_session(aal=2, amr=("pwd", "otp", "mfa")), "pwd", aal=1)
    assert (again.aal, again.amr) == (2, ("pwd", "otp", "mfa"))
    (event,) = again.events
    assert event.data()["aal"] == 2


def test_a_step_up_outlives_the_absolute_expiry_no_more_than_a_refresh() -> None:
    session = a_fresh_session()
    assert stepped_up(session, "pwd", aal=1).expires_at == session.expires_at


def test_the_token_before_a_step_up_is_judged_as_after_any_rotation() -> None:
    raised = stepped_up(a_fresh_session(), "otp", aal=2, at=NOON)
    assert raised.judge(0, client=ELSEWHERE, policy=POLICY, at=NOON + SECOND) is Ruling.AGAIN
    assert raised.judge(0, client=LAPTOP, policy=POLICY, at=NOON + SECOND) is Ruling.SUPERSEDED
    assert raised.judge(0, client=ELSEWHERE, policy=POLICY, at=NOON + HOUR) is Ruling.REUSED


def test_last_seen_is_told_to_the_hour() -> None:
    assert to_the_hour(datetime(2026, 3, 1, 12, 59, 59, 999_999, tzinfo=UTC)) == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("reason", EndReason)
def test_an_end_is_recorded_with_its_reason(reason: EndReason) -> None:
    session = a_session()
    ended = session.end(reason, at=NOON)
    assert ended == session
    assert ended.events == (
        SessionWasEnded(account_id=session.account_id, session_id=session.id, reason=reason, at=NOON),
    )


def test_a_reuse_is_recorded_before_the_end_that_it_causes() -> None:
    session = a_session()
    reused, ended = session.end_reused(at=NOON).events
    assert reused == RefreshWasReused(account_id=session.account_id, session_id=session.id, at=NOON)
    assert ended.data()["reason"] == "refresh_reused"


def test_a_superseded_refresh_is_recorded_and_nothing_else() -> None:
    session = a_session()
    noted = session.note_superseded(at=NOON)
    assert noted == session
    assert noted.events == (RefreshWasSuperseded(account_id=session.account_id, session_id=session.id, at=NOON),)


def test_a_failed_sign_in_always_says_that_a_new_address_must_be_confirmed() -> None:
    assert "confirmed first" in InvalidCredentials().detail


# Refresh tokens: what each deserves. The session is of generation 4, rotated at NOON by the laptop.

JUST_AFTER, AT_THE_LAST_MOMENT, TOO_LATE = NOON + SECOND, NOON + 30 * SECOND, NOON + 30 * SECOND + MICROSECOND


@pytest.mark.parametrize(
    ("generation", "client", "at", "replays", "ruling"),
    [
        (4, LAPTOP, JUST_AFTER, 0, Ruling.CURRENT),
        (4, LAPTOP, TOO_LATE, 0, Ruling.CURRENT),
        (4, ELSEWHERE, TOO_LATE, 0, Ruling.CURRENT),  # a laptop travels
        (4, ANOTHER_BROWSER, TOO_LATE, 5, Ruling.CURRENT),  # a browser is updated
        (3, LAPTOP, NOON, 0, Ruling.AGAIN),
        (3, LAPTOP, NOON - SECOND, 0, Ruling.AGAIN),  # two clocks differ
        (3, LAPTOP, JUST_AFTER, 0, Ruling.AGAIN),
        (3, LAPTOP, JUST_AFTER, 4, Ruling.AGAIN),
        (3, LAPTOP, AT_THE_LAST_MOMENT, 0, Ruling.AGAIN),
        (3, LAPTOP, AT_THE_LAST_MOMENT, 4, Ruling.AGAIN),
        (3, LAPTOP, JUST_AFTER, 5, Ruling.SUPERSEDED),
        (3, LAPTOP, AT_THE_LAST_MOMENT, 6, Ruling.SUPERSEDED),
        (3, ELSEWHERE, JUST_AFTER, 0, Ruling.SUPERSEDED),
        (3, ANOTHER_BROWSER, JUST_AFTER, 0, Ruling.SUPERSEDED),
        (3, ELSEWHERE, AT_THE_LAST_MOMENT, 5, Ruling.SUPERSEDED),
        (3, LAPTOP, TOO_LATE, 0, Ruling.REUSED),
        (3, ELSEWHERE, TOO_LATE, 0, Ruling.REUSED),
        (3, LAPTOP, TOO_LATE, 5, Ruling.REUSED),
        (2, LAPTOP, JUST_AFTER, 0, Ruling.REUSED),
        (2, ELSEWHERE, TOO_LATE, 0, Ruling.REUSED),
        (0, LAPTOP, NOON, 0, Ruling.REUSED),
        (5, LAPTOP, JUST_AFTER, 0, Ruling.REUSED),
        (5, ELSEWHERE, TOO_LATE, 0, Ruling.REUSED),
        (2**64 - 1, LAPTOP, JUST_AFTER, 0, Ruling.REUSED),
    ],
)
def test_a_refresh_token_is_judged_by_generation_time_and_client(
    generation: int, client: Client, at: datetime, replays: int, ruling: Ruling
) -> None:
    session = a_session(
        generation=4, rotated_at=NOON, replays=replays, user_agent=LAPTOP.user_agent, network=LAPTOP.network
    )
    assert session.judge(generation, client=client, policy=POLICY, at=at) is ruling


def test_the_window_and_the_number_of_replays_are_settings() -> None:
    strict = SessionPolicy(replay_window=timedelta(), most_replays=0)
    session = a_fresh_session().rotated(client=LAPTOP, policy=strict, at=NOON)
    assert session.judge(0, client=LAPTOP, policy=strict, at=NOON) is Ruling.SUPERSEDED
    assert session.judge(0, client=LAPTOP, policy=strict, at=NOON + MICROSECOND) is Ruling.REUSED


def test_after_a_rotation_the_token_before_it_has_its_replays_again() -> None:
    session = a_fresh_session()
    session = replace(session.rotated(client=LAPTOP, policy=POLICY, at=NOON), replays=5)
    session = session.rotated(client=LAPTOP, policy=POLICY, at=NOON + SECOND)
    assert session.judge(1, client=LAPTOP, policy=POLICY, at=NOON + SECOND) is Ruling.AGAIN
    assert session.judge(0, client=LAPTOP, policy=POLICY, at=NOON + SECOND) is Ruling.REUSED


@given(ids, ids, st.integers(0, 2**64 - 1))
def test_a_refresh_token_survives_being_packed(account_id: UUID, session_id: UUID, generation: int) -> None:
    token = RefreshToken(AccountId(account_id), SessionId(session_id), generation)
    assert RefreshToken.unpack(token.pack()) == token
    assert len(token.pack()) == 40
