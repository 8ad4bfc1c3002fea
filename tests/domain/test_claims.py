from datetime import timedelta
from uuid import UUID

import pytest

from domain.accounts import EmailAddress
from domain.claims import (
    AddressClaimed,
    Claim,
    Registration,
    RegistrationByInvitation,
    RegistrationClosed,
    RegistrationPolicy,
)
from domain.kernel import ClaimId
from tests.builders import NOON

ID = ClaimId(UUID(int=1))


def a_fresh_claim(*, lifetime: timedelta = timedelta(hours=24)) -> Claim:
    return Claim.make(
        id=ID,
        email=EmailAddress("ada@example.com"),
        display_name="Ada",
        password_hash="secret",
        lifetime=lifetime,
        at=NOON,
    )


def test_a_claim_waits_for_its_proof() -> None:
    claim = a_fresh_claim(lifetime=timedelta(hours=3))
    assert (claim.id, claim.email.value, claim.display_name) == (ID, "ada@example.com", "Ada")
    assert (claim.created_at, claim.expires_at) == (NOON, NOON + timedelta(hours=3))
    assert claim.tries == 0


def test_a_claim_is_recorded_without_the_address() -> None:
    assert a_fresh_claim().events == (AddressClaimed(claim_id=ID, at=NOON),)


def test_the_password_hash_stays_out_of_the_repr() -> None:
    assert "secret" not in repr(a_fresh_claim())


def test_strangers_may_sign_up_by_default() -> None:
    RegistrationPolicy().must_admit(invited=False)


def test_an_installation_may_take_nobody() -> None:
    with pytest.raises(RegistrationClosed):
        RegistrationPolicy(mode=Registration.CLOSED).must_admit(invited=False)


def test_an_installation_may_take_those_who_are_invited() -> None:
    with pytest.raises(RegistrationByInvitation):
        RegistrationPolicy(mode=Registration.INVITED).must_admit(invited=False)


def test_a_claim_lives_for_a_day_and_five_tries_by_default() -> None:
    assert RegistrationPolicy().claim_lifetime == timedelta(hours=24)
    assert RegistrationPolicy().tries == 5
