"""Signing up."""

import pytest

from domain.accounts import EmailTaken, InvalidDisplayName, InvalidEmail
from domain.claims import Registration, RegistrationByInvitation, RegistrationClosed, RegistrationPolicy
from domain.kernel import Forbidden
from domain.one_time_tokens import Purpose, TokenInvalid
from domain.passwords import PasswordTooWeak, Weakness
from domain.sessions import EndReason, InvalidCredentials
from tests.application.world import ADA, ANOTHER, EVE, PASSWORD, World
from tests.builders import HOUR, MINUTE

WITHOUT_VERIFICATION = RegistrationPolicy(requires_verification=False)


def test_an_address_becomes_an_account_once_it_is_proved(world: World) -> None:
    assert world.register(email=" Ada@Example.com ", password=PASSWORD, display_name="Ada") is None
    account = world.verify(token=world.mailed_token("verification"), password=PASSWORD)
    assert (account.email.value, account.display_name) == (ADA, "Ada")
    assert account.email_verified_at == world.clock.now()
    assert world.enter().session.account_id == account.id
    assert world.event_names() == ["claim.made", "account.registered", "session.started"]


def test_signing_up_is_the_same_work_whether_or_not_the_address_has_an_account(world: World) -> None:
    world.an_account(ADA)
    with world.work() as for_a_taken_address:
        world.register(email=ADA, password=ANOTHER, display_name="Ada")
    with world.work() as for_a_free_one:
        world.register(email=EVE, password=ANOTHER, display_name="Ada")
    assert for_a_taken_address == for_a_free_one
    assert for_a_free_one == ["hash", "begin", "claims.add", "mail.request", "commit"]


def test_asking_for_the_mail_again_is_the_same_work_for_every_address(world: World) -> None:
    world.an_account(ADA)
    world.register(email=EVE, password=PASSWORD)
    done = []
    for address in (ADA, EVE, "nobody@example.com"):
        with world.work() as work:
            world.resend(email=address)
        done.append(work)
    assert done == [["begin", "mail.request", "commit"]] * 3


def test_a_claim_cannot_sign_in(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    with pytest.raises(InvalidCredentials):
        world.enter()


def test_the_password_must_be_that_of_the_very_sign_up(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    first = world.mailed_token("verification")
    world.clock.advance(MINUTE)
    world.register(email=ADA, password=ANOTHER)
    second = world.mailed_token("verification")
    with pytest.raises(TokenInvalid):
        world.verify(token=first, password=ANOTHER)
    world.verify(token=second, password=ANOTHER)
    assert world.enter(password=ANOTHER)


def test_the_password_of_a_sign_up_is_compared_in_its_normal_form(world: World) -> None:
    world.register(email=ADA, password="grüne Äpfel im Korb")
    token = world.mailed_token("verification")
    assert world.verify(token=token, password="gru\u0308ne A\u0308pfel im Korb")


def test_a_sign_up_admits_five_tries(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    token = world.mailed_token("verification")
    for _ in range(5):
        with pytest.raises(TokenInvalid):
            world.verify(token=token, password="a wrong one")
    with world.work() as work, pytest.raises(TokenInvalid):
        world.verify(token=token, password=PASSWORD)
    assert "verify" not in work


def test_the_fifth_try_may_still_be_the_right_one(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    token = world.mailed_token("verification")
    for _ in range(4):
        with pytest.raises(TokenInvalid):
            world.verify(token=token, password="a wrong one")
    assert world.verify(token=token, password=PASSWORD)


def test_a_claim_expires_after_a_day(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    token = world.mailed_token("verification")
    world.clock.advance(24 * HOUR)
    with pytest.raises(TokenInvalid):
        world.verify(token=token, password=PASSWORD)


def test_a_token_makes_one_account(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    token = world.mailed_token("verification")
    world.verify(token=token, password=PASSWORD)
    with pytest.raises(TokenInvalid):
        world.verify(token=token, password=PASSWORD)


def test_two_who_verify_at_the_same_moment_make_one_account(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    token = world.mailed_token("verification")
    world.hasher.meanwhile = lambda: world.verify(token=token, password=PASSWORD)
    with pytest.raises(TokenInvalid):
        world.verify(token=token, password=PASSWORD)
    assert world.event_names().count("account.registered") == 1


def test_the_other_claims_of_an_address_lapse_once_it_is_proved(world: World) -> None:
    world.register(email=ADA, password=PASSWORD)
    lapsing = world.mailed_token("verification")
    world.clock.advance(MINUTE)
    world.register(email=ADA, password=ANOTHER)
    world.verify(token=world.mailed_token("verification"), password=ANOTHER)
    with world.work() as work, pytest.raises(TokenInvalid):
        world.verify(token=lapsing, password=PASSWORD)
    assert "verify" not in work


def test_a_token_that_was_not_issued_for_verification_is_refused(world: World) -> None:
    world.an_account()
    world.request_reset(email=ADA)
    for token in ("", "garbage", world.mailed_token("password_reset")):
        with pytest.raises(TokenInvalid):
            world.verify(token=token, password=PASSWORD)
    unknown = world.tokens.issue(Purpose.VERIFICATION, bytes(48))
    with pytest.raises(TokenInvalid):
        world.verify(token=unknown, password=PASSWORD)


def test_the_owner_of_a_verified_account_is_told_that_somebody_signs_up(world: World) -> None:
    account = world.an_account()
    world.register(email=ADA, password=ANOTHER)
    mail = world.mailed("account_exists")
    assert "token" not in mail.values
    assert world.account(account.id) == account


def test_a_claim_made_before_another_proved_the_address_gets_nothing(world: World) -> None:
    world.register(email=ADA, password=ANOTHER)
    token = world.mailed_token("verification")
    account = world.an_account()  # an e-mail change, for instance, brought the address here meanwhile
    with pytest.raises(TokenInvalid):
        world.verify(token=token, password=ANOTHER)
    assert world.account(account.id) == account


def test_the_mail_of_the_newest_sign_up_is_sent_again(world: World) -> None:
    for password in (PASSWORD, ANOTHER):
        world.register(email=ADA, password=password)
        world.deliver()
        world.clock.advance(MINUTE)
    world.resend(email=ADA)
    assert world.verify(token=world.mailed_token("verification"), password=ANOTHER)


def test_nothing_is_sent_again_to_an_address_without_a_sign_up(world: World) -> None:
    world.resend(email=ADA)
    assert world.deliver() == []


@pytest.mark.parametrize(
    ("mode", "refusal"),
    [(Registration.CLOSED, RegistrationClosed), (Registration.INVITED, RegistrationByInvitation)],
)
def test_an_installation_may_take_no_strangers(mode: Registration, refusal: type[Forbidden]) -> None:
    world = World(registration=RegistrationPolicy(mode=mode))
    with pytest.raises(refusal):
        world.register(email=ADA, password=PASSWORD)
    assert world.journal == []


def test_a_sign_up_that_cannot_be_right_costs_no_hash(world: World) -> None:
    with pytest.raises(InvalidEmail):
        world.register(email="ada", password=PASSWORD)
    with pytest.raises(InvalidDisplayName):
        world.register(email=ADA, password=PASSWORD, display_name="\0")
    with pytest.raises(PasswordTooWeak) as refused:
        world.register(email=ADA, password="short")
    assert refused.value.reasons == (Weakness.TOO_SHORT,)
    assert world.journal == []


def test_without_verification_there_is_an_account_at_once() -> None:
    world = World(registration=WITHOUT_VERIFICATION)
    account = world.register(email=ADA, password=PASSWORD, display_name="Ada")
    assert account
    assert account.email_verified_at is None
    assert world.enter().session.account_id == account.id


def test_without_verification_a_taken_address_is_refused() -> None:
    world = World(registration=WITHOUT_VERIFICATION)
    world.register(email=ADA, password=PASSWORD)
    world.deliver()
    with pytest.raises(EmailTaken):
        world.register(email=ADA, password=ANOTHER)
    world.clock.advance(HOUR)
    assert world.deliver() == []


def test_an_account_that_was_there_at_once_can_still_be_verified() -> None:
    world = World(registration=WITHOUT_VERIFICATION)
    account = world.register(email=ADA, password=PASSWORD)
    assert account
    verified = world.verify(token=world.mailed_token("verification"), password=PASSWORD)
    assert verified.id == account.id
    assert world.account(account.id).email_verified_at == world.clock.now()


def test_the_first_proof_of_an_address_removes_what_others_planted_on_it(world: World) -> None:
    planted = world.an_account(ADA, ANOTHER, verified=False)
    intruder = world.enter(password=ANOTHER)
    world.request_reset(email=ADA)
    reset_token = world.mailed_token("password_reset")
    world.request_email_change(principal=world.who(intruder), new_email=EVE, password=ANOTHER)
    change_token = world.mailed_token("email_change")

    world.register(email=ADA, password=PASSWORD, display_name="The real Ada")
    verified = world.verify(token=world.mailed_token("verification"), password=PASSWORD)

    assert (verified.id, verified.display_name) == (planted.id, "The real Ada")
    assert world.sessions(planted.id) == []
    assert world.events()[-1].data["reason"] == EndReason.EMAIL_VERIFIED
    with pytest.raises(InvalidCredentials):
        world.enter(password=ANOTHER, device_token=intruder.device_token)
    owner = world.who(world.enter(password=PASSWORD))
    with pytest.raises(TokenInvalid):
        world.confirm_email_change(principal=owner, token=change_token)
    with pytest.raises(TokenInvalid):
        world.confirm_reset(token=reset_token, new_password="a third good one")


def test_a_suspended_account_is_not_proved_back_into_use(world: World) -> None:
    operator = world.an_operator()
    account = world.an_account(verified=False)
    world.suspend(principal=operator, account_id=account.id)
    world.deliver()
    world.register(email=ADA, password=ANOTHER)
    with pytest.raises(TokenInvalid):
        world.verify(token=world.mailed_token("verification"), password=ANOTHER)
