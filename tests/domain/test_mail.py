from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import EmailAddress
from domain.mail import MailKind, MailPolicy, QueuedMail
from tests.builders import HOUR, MINUTE, NOON, a_notice

SECOND = timedelta(seconds=1)
POLICY = MailPolicy()
ADA = EmailAddress("ada@example.com")


def a_capped_mail() -> QueuedMail:
    return QueuedMail.capped(MailKind.VERIFICATION, ADA, ids={"claim_id": "1"}, at=NOON)


def again(mail: QueuedMail, at: datetime, *, claim_id: str = "2") -> QueuedMail:
    return mail.requested_again(ADA, ids={"claim_id": claim_id}, policy=POLICY, at=at)


def sent(requests: Iterator[datetime]) -> list[datetime]:
    """When mail goes that is requested at these times, by a relay that is never late."""
    mail, times = a_capped_mail(), []
    for at in requests:
        if mail.due_at is not None and mail.due_at <= at:
            times.append(mail.due_at)
            mail = mail.gone()
        mail = again(mail, at)
    return times


def test_a_capped_mail_goes_at_once_from_the_one_slot_of_its_kind() -> None:
    mail = a_capped_mail()
    assert (mail.address_digest, mail.slot) == (ADA.digest, "verification")
    assert (mail.address, mail.ids, mail.due_at, mail.tries) == (ADA, {"claim_id": "1"}, NOON, 0)


def test_a_notice_goes_at_once_from_a_slot_of_its_own() -> None:
    notice = QueuedMail.notice(MailKind.PASSWORD_CHANGED, ADA, slot=UUID(int=1), at=NOON)
    other = QueuedMail.notice(MailKind.PASSWORD_CHANGED, ADA, slot=UUID(int=2), ids={"session_id": "3"}, at=NOON)
    assert (notice.address_digest, notice.address, notice.due_at, notice.ids) == (ADA.digest, ADA, NOON, {})
    assert notice.slot != other.slot
    assert other.ids == {"session_id": "3"}


def test_a_request_takes_the_place_of_the_one_that_still_waits() -> None:
    waiting = a_capped_mail()
    assert again(waiting, NOON + HOUR) == replace(waiting, ids={"claim_id": "2"})


def test_a_request_does_not_pay_for_the_failures_of_the_one_before() -> None:
    waiting = a_capped_mail()
    for _ in range(8):
        waiting = waiting.failed("it is down", policy=POLICY, at=NOON)
    merged = again(waiting, NOON + SECOND)
    assert (merged.due_at, merged.tries, merged.last_error) == (NOON + SECOND + POLICY.first_retry, 0, "")


def test_the_next_mail_goes_a_minute_after_the_last_at_the_earliest() -> None:
    gone = a_capped_mail().gone()
    assert again(gone, NOON).due_at == NOON + MINUTE
    assert again(gone, NOON + 59 * SECOND).due_at == NOON + MINUTE
    assert again(gone, NOON + MINUTE).due_at == NOON + MINUTE
    assert again(gone, NOON + 5 * MINUTE).due_at == NOON + 5 * MINUTE


def test_the_next_mail_starts_with_all_its_tries() -> None:
    mail = a_capped_mail().failed("it is down", policy=POLICY, at=NOON).gone()
    requested = again(mail, NOON + HOUR)
    assert (requested.tries, requested.last_error) == (0, "")
    assert (requested.address, requested.ids) == (ADA, {"claim_id": "2"})


def test_a_stranger_who_never_stops_asking_causes_one_mail_a_minute_and_thirty_an_hour() -> None:
    times = sent(NOON + seconds * SECOND for seconds in range(4 * 3600))
    assert times[:30] == [NOON + minutes * MINUTE for minutes in range(30)]
    assert [sum(NOON + h * HOUR <= time < NOON + (h + 1) * HOUR for time in times) for h in range(4)] == [30] * 4


@given(st.lists(st.integers(0, 600), min_size=1, max_size=200))
def test_no_course_of_requests_exceeds_one_mail_a_minute_and_thirty_in_a_counted_hour(
    pauses: list[int],
) -> None:
    mail, now, times = a_capped_mail(), NOON, []
    hours: dict[datetime, int] = {}
    for pause in pauses:
        now += pause * SECOND
        if mail.due_at is not None and mail.due_at <= now:
            times.append(mail.due_at)
            hours[mail.hour_started_at] = hours.get(mail.hour_started_at, 0) + 1
            mail = mail.gone()
        mail = again(mail, now)
    assert all(later - earlier >= MINUTE for earlier, later in pairwise(times))
    assert max(hours.values(), default=0) <= 30
    assert all(later - earlier >= HOUR for earlier, later in pairwise(sorted(hours)))


def test_the_thirty_first_mail_of_an_hour_goes_when_the_hour_is_over() -> None:
    full = replace(a_capped_mail().gone(), sent_this_hour=30, scheduled_at=NOON + 40 * MINUTE)
    requested = again(full, NOON + 50 * MINUTE)
    assert requested.due_at == NOON + HOUR
    assert (requested.hour_started_at, requested.sent_this_hour) == (NOON + HOUR, 1)


def test_an_hour_is_counted_from_its_first_mail() -> None:
    gone = a_capped_mail().gone()
    requested = again(gone, NOON + 3 * HOUR)
    assert (requested.due_at, requested.hour_started_at, requested.sent_this_hour) == (
        NOON + 3 * HOUR,
        NOON + 3 * HOUR,
        1,
    )
    assert again(requested.gone(), NOON + 3 * HOUR + MINUTE).sent_this_hour == 2


@pytest.mark.parametrize("mail", [a_capped_mail(), a_notice()], ids=["capped", "notice"])
def test_what_has_gone_is_nobodys_data_any_more(mail: QueuedMail) -> None:
    gone = mail.gone()
    assert (gone.address, gone.ids, gone.due_at, gone.last_error) == (None, {}, None, "")
    assert (gone.address_digest, gone.slot, gone.scheduled_at) == (mail.address_digest, mail.slot, mail.scheduled_at)


def test_a_mail_that_failed_is_tried_again_ever_less_often() -> None:
    mail, now, waits = a_notice(tries=0), NOON, []
    for _ in range(12):
        mail = mail.failed("451 later", policy=POLICY, at=now)
        assert mail.due_at is not None
        waits.append((mail.due_at - now) // SECOND)
        now = mail.due_at
    assert waits == [15, 30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 14400, 14400]
    assert (mail.tries, mail.last_error) == (12, "451 later")


def test_after_twenty_tries_a_mail_is_given_up_and_its_error_kept() -> None:
    mail = a_notice(tries=18).failed("451 later", policy=POLICY, at=NOON)
    assert mail.due_at == NOON + 4 * HOUR
    given_up = mail.failed("550 never", policy=POLICY, at=NOON)
    assert (given_up.due_at, given_up.address, given_up.ids) == (None, None, {})
    assert (given_up.tries, given_up.last_error) == (20, "550 never")


def test_a_mail_server_may_be_down_for_a_day() -> None:
    mail, now = a_notice(tries=0), NOON
    while mail.due_at is not None:
        now = mail.due_at
        mail = mail.failed("it is down", policy=POLICY, at=now)
    assert now > NOON + timedelta(days=1)


def test_an_error_stays_out_of_the_repr() -> None:
    assert "ada said" not in repr(a_notice(last_error="550 ada said no"))
