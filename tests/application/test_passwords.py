"""Judging, proving, changing and resetting passwords."""

import pytest

from domain.accounts import EmailAddress
from domain.attempts import TooManyAttempts
from domain.one_time_tokens import Purpose, TokenInvalid
from domain.passwords import PasswordTooWeak, Weakness, WrongPassword
from domain.sessions import Client, EndReason, InvalidCredentials, SessionEnded
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, PASSWORD, SECOND, World
from tests.builders import MINUTE

# ---- judging


@pytest.mark.parametrize(
    ("password", "reasons"),
    [
        ("short", {Weakness.TOO_SHORT}),
        ("x" * 129, {Weakness.TOO_LONG}),
        ("violet quartz\0lantern", {Weakness.NOT_TEXT}),
        ("violet quartz \ud800 lantern", {Weakness.NOT_TEXT}),
        ("Correct Horse Battery Staple", {Weakness.COMMON}),
        ("aaaaaaaaaaaaa", {Weakness.GUESSABLE}),
        ("ada@example.com", {Weakness.SIMILAR_TO_EMAIL, Weakness.GUESSABLE}),
        ("Ada Lovelace ab", {Weakness.SIMILAR_TO_NAME, Weakness.GUESSABLE}),
    ],
)
def test_a_weak_password_is_refused_with_every_reason(world: World, password: str, reasons: set[Weakness]) -> None:
    with pytest.raises(PasswordTooWeak) as refused:
        world.judge(password, email=EmailAddress(ADA), display_name="Ada Lovelace", field="new_password")
    assert set(refused.value.reasons) == reasons
    assert refused.value.field == "new_password"


def test_a_good_password_is_returned_in_its_normal_form(world: World) -> None:
    judged = world.judge("gru\u0308ne A\u0308pfel im Korb", email=EmailAddress(ADA), display_name="")
    assert judged == "grüne Äpfel im Korb"


# ---- changing


def test_the_owner_changes_the_password_and_is_told(world: World) -> None:
    principal = world.somebody()
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    assert world.mailed("password_changed").to == principal.account.email
    assert world.enter(password=ANOTHER)
    with pytest.raises(InvalidCredentials):
        world.enter(password=PASSWORD)
    assert "account.password_changed" in world.event_names()


def test_a_changed_password_ends_every_session_but_this_one(world: World) -> None:
    principal = world.somebody()
    other = world.enter(client=ELSEWHERE)
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    assert world.sessions(principal.account.id) == [principal.session]
    with pytest.raises(SessionEnded):
        world.refresh(refresh_token=other.refresh_token, client=ELSEWHERE)
    assert world.events()[-1].data["reason"] == EndReason.PASSWORD_CHANGED


def test_a_changed_password_voids_the_tokens_that_were_mailed_before(world: World) -> None:
    principal = world.somebody()
    world.request_reset(email=ADA)
    reset = world.mailed_token("password_reset")
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    change = world.mailed_token("email_change")
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=reset, new_password="a third good one")
    with pytest.raises(TokenInvalid):
        world.confirm_email_change(principal=principal, token=change)


def test_a_wrong_current_password_changes_nothing(world: World) -> None:
    principal = world.somebody()
    with pytest.raises(WrongPassword) as refused:
        world.change_password(principal=principal, current_password="wrong", new_password=ANOTHER)
    assert refused.value.field == "current_password"
    assert world.account(principal.account.id) == principal.account


def test_a_weak_new_password_costs_no_attempt(world: World) -> None:
    principal = world.somebody()
    with world.work() as work, pytest.raises(PasswordTooWeak) as refused:
        world.change_password(principal=principal, current_password=PASSWORD, new_password="weak")
    assert refused.value.field == "new_password"
    assert work == []


def test_who_is_signed_in_guesses_no_more_often_than_a_stranger(world: World) -> None:
    principal = world.somebody()
    for _ in range(5):
        with pytest.raises(WrongPassword):
            world.change_password(principal=principal, current_password="wrong", new_password=ANOTHER)
    with world.work() as work, pytest.raises(TooManyAttempts):
        world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    assert "verify" not in work
    world.clock.advance(SECOND)
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)


def test_a_stranger_cannot_keep_who_is_signed_in_from_changing_the_password(world: World) -> None:
    principal = world.somebody()
    for number in range(100):
        with pytest.raises(InvalidCredentials):
            world.enter(password="a wrong password", client=Client(user_agent="bot", network=f"198.51.100.{number}/32"))
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)


def test_who_stole_a_session_cannot_lock_the_owner_out(world: World) -> None:
    stolen = world.somebody()
    for _ in range(5):
        with pytest.raises(WrongPassword):
            world.change_password(principal=stolen, current_password="wrong", new_password=ANOTHER)
    assert world.enter()


def test_a_right_current_password_costs_no_attempt(world: World) -> None:
    world.an_account()
    signed_in = world.enter()
    for old, new in [(PASSWORD, ANOTHER), (ANOTHER, PASSWORD)] * 4:
        world.change_password(principal=world.who(signed_in), current_password=old, new_password=new)


def test_of_two_changes_at_the_same_moment_one_is_refused(world: World) -> None:
    principal = world.somebody()
    world.hasher.meanwhile = lambda: world.change_password(
        principal=principal, current_password=PASSWORD, new_password=ANOTHER
    )
    with pytest.raises(WrongPassword):
        world.change_password(principal=principal, current_password=PASSWORD, new_password="a third good one")
    assert world.enter(password=ANOTHER)


def test_a_password_is_changed_while_its_hash_is_replaced(world: World) -> None:
    principal = world.somebody()
    world.hasher.scheme = "newer"
    world.hasher.meanwhile = world.enter
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    assert world.enter(password=ANOTHER)


# ---- resetting


def test_who_reads_the_mail_sets_a_new_password(world: World) -> None:
    account = world.an_account()
    world.request_reset(email=ADA)
    world.confirm_reset(token=world.mailed_token("password_reset"), new_password=ANOTHER)
    assert world.enter(password=ANOTHER)
    assert world.mailed("password_changed").to == account.email
    assert "account.password_reset" in world.event_names()


def test_a_reset_ends_every_session(world: World) -> None:
    principal = world.somebody()
    world.request_reset(email=ADA)
    world.confirm_reset(token=world.mailed_token("password_reset"), new_password=ANOTHER)
    assert world.sessions(principal.account.id) == []
    assert world.events()[-1].data["reason"] == EndReason.PASSWORD_RESET


def test_a_reset_token_is_used_once(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    token = world.mailed_token("password_reset")
    world.confirm_reset(token=token, new_password=ANOTHER)
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=token, new_password="a third good one")
    assert world.enter(password=ANOTHER)


def test_a_reset_token_lives_thirty_minutes(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    token = world.mailed_token("password_reset")
    world.clock.advance(30 * MINUTE)
    with world.work() as work, pytest.raises(TokenInvalid):
        world.confirm_reset(token=token, new_password=ANOTHER)
    assert "hash" not in work


def test_a_weak_password_does_not_spend_the_token(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    token = world.mailed_token("password_reset")
    with pytest.raises(PasswordTooWeak):
        world.confirm_reset(token=token, new_password="weak")
    world.confirm_reset(token=token, new_password=ANOTHER)


def test_a_reset_voids_the_other_tokens(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    change = world.mailed_token("email_change")
    tokens = []
    for _ in range(2):
        world.request_reset(email=ADA)
        tokens.append(world.mailed_token("password_reset"))
        world.clock.advance(MINUTE)
    world.confirm_reset(token=tokens[1], new_password=ANOTHER)
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=tokens[0], new_password="a third good one")
    with pytest.raises(TokenInvalid):
        world.confirm_email_change(principal=world.who(world.enter(password=ANOTHER)), token=change)


def test_a_reset_lifts_the_delay_and_makes_the_device_known(world: World) -> None:
    world.an_account()
    for number in range(100):
        with pytest.raises(InvalidCredentials):
            world.enter(password="a wrong password", client=Client(user_agent="bot", network=f"198.51.100.{number}/32"))
    world.request_reset(email=ADA)
    device = world.confirm_reset(token=world.mailed_token("password_reset"), new_password=ANOTHER)
    assert world.enter(password=ANOTHER)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            world.enter(password="a wrong password")
    assert world.enter(password=ANOTHER, device_token=device)


def test_a_reset_proves_the_address(world: World) -> None:
    account = world.an_account(verified=False)
    world.request_reset(email=ADA)
    world.confirm_reset(token=world.mailed_token("password_reset"), new_password=ANOTHER)
    assert world.account(account.id).email_verified_at == world.clock.now()


def test_only_an_active_account_can_be_reset(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.request_reset(email=ADA)
    token = world.mailed_token("password_reset")
    world.suspend(principal=operator, account_id=account.id)
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=token, new_password=ANOTHER)
    world.reactivate(principal=operator, account_id=account.id)
    world.confirm_reset(token=token, new_password=ANOTHER)


def test_a_reset_counts_once_the_account_exists(world: World) -> None:
    """Whose account it is, is asked when the mail goes out, and again when its token comes back."""
    world.request_reset(email=ADA)
    world.an_account()
    world.confirm_reset(token=world.mailed_token("password_reset"), new_password=ANOTHER)
    assert world.enter(password=ANOTHER)


def test_a_reset_without_an_account_is_never_mailed(world: World) -> None:
    world.request_reset(email=ADA)
    assert world.deliver() == []
    world.an_account()
    assert world.deliver() == []


def test_an_account_that_was_suspended_meanwhile_is_not_reset(world: World) -> None:
    operator, account = world.an_operator(), world.an_account()
    world.request_reset(email=ADA)
    token = world.mailed_token("password_reset")
    world.hasher.meanwhile_hashing = lambda: world.suspend(principal=operator, account_id=account.id)
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=token, new_password=ANOTHER)


def test_of_two_resets_with_one_token_at_the_same_moment_one_counts(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    token = world.mailed_token("password_reset")
    world.hasher.meanwhile_hashing = lambda: world.confirm_reset(token=token, new_password=ANOTHER)
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=token, new_password="a third good one")
    assert world.enter(password=ANOTHER)


@pytest.mark.parametrize("token", ["", "ptp_", "garbage", "\ud800"])
def test_what_is_no_reset_token_is_refused_without_a_query(world: World, token: str) -> None:
    with world.work() as work, pytest.raises(TokenInvalid):
        world.confirm_reset(token=token, new_password=ANOTHER)
    assert work == []


def test_a_verification_token_resets_nothing(world: World) -> None:
    world.an_account()
    world.register(email=EVE, password=PASSWORD)
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=world.mailed_token("verification"), new_password=ANOTHER)
    unknown = world.tokens.issue(Purpose.PASSWORD_RESET, bytes(48))
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=unknown, new_password=ANOTHER)


def test_a_reset_lives_from_when_its_mail_may_go(world: World) -> None:
    world.an_account()
    for _ in range(30):
        world.request_reset(email=ADA)
        world.deliver()
        world.clock.advance(MINUTE)
    world.request_reset(email=ADA)  # the hour's thirty are used up: it goes at the hour's end
    world.clock.advance(30 * MINUTE)
    token = world.mailed_token("password_reset")
    world.clock.advance(29 * MINUTE)
    world.confirm_reset(token=token, new_password=ANOTHER)
