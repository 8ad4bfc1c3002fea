"""What mail says, and that it goes out once and in its time."""

from datetime import timedelta

import pytest

from domain.mail import MailKind
from tests.application.use_cases import PUBLIC_URL
from tests.application.world import ADA, ANOTHER, EVE, PASSWORD, SECOND, World
from tests.builders import HOUR, MINUTE

# ---- what it says


def test_a_link_starts_at_the_public_url_and_ends_with_the_token(world: World) -> None:
    principal = world.somebody(EVE)
    world.register(email=ADA, password=PASSWORD)
    world.request_reset(email=EVE)
    world.request_email_change(principal=principal, new_email="eve@new.example", password=PASSWORD)
    mails = {mail.template: mail.values for mail in world.deliver()}
    pages = {"verification": "verify", "password_reset": "reset-password", "email_change": "confirm-email"}
    for template, page in pages.items():
        values = mails[template]
        assert values["link"] == f"{PUBLIC_URL}/{page}#token={values['token']}"


def test_a_mail_says_how_long_its_token_still_lives(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    world.clock.advance(10 * MINUTE)
    assert world.mailed("password_reset").values["minutes"] == "20"
    world.register(email=EVE, password=PASSWORD)
    assert world.mailed("verification").values["hours"] == "24"


def test_the_queue_holds_no_token(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    held = world.queued(ADA)
    token = world.mailed_token("password_reset")
    assert token not in repr(held)
    assert [list(mail.ids) for mail in held] == [["reset_id"]]


@pytest.mark.parametrize("address", [EVE, "suspended@example.com"])
def test_no_reset_is_mailed_to_an_address_without_an_active_account(world: World, address: str) -> None:
    operator, suspended = world.an_operator(), world.an_account("suspended@example.com")
    world.suspend(principal=operator, account_id=suspended.id)
    world.deliver()
    world.request_reset(email=address)
    assert world.deliver() == []
    assert [mail.due_at for mail in world.queued(address) if mail.kind is MailKind.PASSWORD_RESET] == [None]


def test_what_has_expired_before_it_went_out_is_not_mailed(world: World) -> None:
    principal = world.somebody(EVE)
    world.register(email=ADA, password=PASSWORD)
    world.request_reset(email=EVE)
    world.request_email_change(principal=principal, new_email="eve@new.example", password=PASSWORD)
    world.clock.advance(24 * HOUR)
    assert [mail.template for mail in world.deliver()] == ["email_change_requested"]


def test_what_was_used_before_it_went_out_is_not_mailed(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    token = world.mailed_token("verification")
    world.clock.advance(MINUTE)
    world.resend(email=ADA)
    world.verify(token=token, password=PASSWORD)
    assert world.deliver() == []


def test_a_replaced_change_of_address_is_not_mailed(world: World) -> None:
    principal = world.somebody()
    for address in ("first@new.example", "second@new.example"):
        world.request_email_change(principal=principal, new_email=address, password=PASSWORD)
    changes = [mail for mail in world.deliver() if mail.template == "email_change"]
    assert [mail.to.value for mail in changes] == ["second@new.example"]


# ---- that it goes out


def test_nothing_is_sent_while_a_transaction_is_open(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    with world.work() as work:
        world.deliver()
    lease, send, settle = work.index("mail.lease"), work.index("send"), work.index("mail.settle")
    assert lease < work.index("commit") < send < settle
    assert "begin" not in work[work.index("commit") : send]


def test_a_mail_goes_out_once_and_its_address_is_forgotten(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    assert len(world.deliver()) == 1
    assert world.send_queued_mail() == 0
    (kept,) = world.queued(ADA)
    assert (kept.address, kept.ids, kept.due_at) == (None, {}, None)


def test_while_the_mail_server_is_down_nothing_is_lost(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    world.mailer.refuse("421 closing")
    assert world.deliver() == []
    (held,) = world.queued(ADA)
    assert (held.tries, held.last_error, held.due_at) == (1, "421 closing", world.clock.now() + 15 * SECOND)
    world.mailer.refusal = None
    assert world.deliver() == []
    world.clock.advance(15 * SECOND)
    assert world.mailed("password_reset").to.value == ADA


def test_it_is_tried_ever_less_often_and_given_up_after_twenty_times(world: World) -> None:
    principal = world.somebody()
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    world.mailer.refuse("450 try later")
    waits = []
    while (held := world.queued(ADA)[0]).due_at:
        waits.append(held.due_at - world.clock.now())
        world.clock.advance(waits[-1])
        world.send_queued_mail()
    assert waits[:6] == [timedelta(), *(timedelta(seconds=15 * 2**n) for n in range(5))]
    assert (len(waits), max(waits)) == (20, 4 * HOUR)
    assert (held.address, held.last_error) == (None, "450 try later")
    world.mailer.refusal = None
    world.clock.advance(24 * HOUR)
    assert world.deliver() == []


def test_a_mail_that_cannot_be_made_does_not_hold_up_the_others(world: World) -> None:
    world.an_account(ADA)
    world.an_account(EVE)
    for address in (ADA, EVE):
        world.request_reset(email=address)
    world.mailer.meanwhile = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        world.deliver()
    assert len(world.mailer.sent) == 1
    (broken,) = (mail for address in (ADA, EVE) for mail in world.queued(address) if mail.due_at)
    assert (broken.tries, broken.last_error) == (1, "ZeroDivisionError")
    world.clock.advance(15 * SECOND)
    assert len(world.deliver()) == 1


def test_two_relays_send_a_mail_once(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    world.mailer.meanwhile = lambda: world.send_queued_mail()
    assert len(world.deliver()) == 1


def test_what_a_relay_that_died_had_in_hand_goes_out_after_its_lease(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)

    def die() -> None:
        raise KeyboardInterrupt

    world.mailer.meanwhile = die
    with pytest.raises(KeyboardInterrupt):
        world.deliver()
    assert world.deliver() == []
    world.clock.advance(2 * MINUTE)
    assert len(world.deliver()) == 1


def test_what_is_asked_for_while_a_mail_goes_out_stays_queued(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    world.mailer.meanwhile = lambda: world.request_reset(email=ADA)
    first = world.mailed_token("password_reset")
    world.clock.advance(2 * MINUTE)
    second = world.mailed_token("password_reset")
    assert first != second
    world.confirm_reset(token=second, new_password=ANOTHER)


# ---- that a stranger cannot flood anybody


def test_a_stranger_causes_one_mail_a_minute_and_the_newest_counts(world: World) -> None:
    world.an_account()
    for _ in range(10):
        world.request_reset(email=ADA)
        world.deliver()
    assert len(world.mailer.sent) == 1
    world.clock.advance(MINUTE)
    newest = world.mailed_token("password_reset")
    assert newest != world.mailer.sent[0].values["token"]
    world.confirm_reset(token=newest, new_password=ANOTHER)


def test_a_stranger_causes_thirty_mails_an_hour(world: World) -> None:
    world.an_account()
    for _ in range(60):
        world.request_reset(email=ADA)
        world.deliver()
        world.clock.advance(MINUTE)
    assert len(world.mailer.sent) == 30
    world.deliver()
    assert len(world.mailer.sent) == 31


def test_each_kind_and_each_address_has_caps_of_its_own(world: World) -> None:
    world.an_account(ADA)
    world.an_account(EVE)
    world.request_reset(email=ADA)
    world.request_reset(email=EVE)
    world.register(email=ADA, password=ANOTHER)
    assert len(world.deliver()) == 3


def test_notices_are_not_capped(world: World) -> None:
    principal = world.somebody()
    for old, new in [(PASSWORD, ANOTHER), (ANOTHER, PASSWORD)] * 3:
        world.change_password(principal=principal, current_password=old, new_password=new)
        principal = world.who(world.enter(password=new))
    assert len(world.deliver()) == 6


def test_what_has_nothing_to_say_goes_before_what_has_and_all_at_once(world: World) -> None:
    world.an_account(ADA)
    for number in range(15):
        world.request_reset(email=f"nobody{number}@example.com")
    world.request_reset(email=ADA)
    with world.work() as work:
        world.send_queued_mail()
    assert work.count("commit") == 3  # leased, fifteen settled, one sent and settled
    assert len(world.mailer.sent) == 1


def test_while_the_mail_server_crawls_the_rest_is_left_to_whoever_leases_it_next(world: World) -> None:
    for address in (ADA, EVE):
        world.an_account(address)
        world.request_reset(email=address)
    world.mailer.meanwhile = lambda: world.clock.advance(61 * SECOND)
    world.send_queued_mail()
    assert len(world.mailer.sent) == 1
    world.clock.advance(60 * SECOND)
    world.send_queued_mail()
    assert len(world.mailer.sent) == 2
