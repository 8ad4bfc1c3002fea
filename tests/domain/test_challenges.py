from uuid import UUID

import pytest

from domain.challenges import Challenge, ChallengeInvalid, ChallengeKind
from domain.kernel import AccountId, ChallengeId
from tests.builders import MINUTE, NOON, a_challenge

ADA, ID, DEVICE = AccountId(UUID(int=1)), ChallengeId(UUID(int=2)), UUID(int=3)


@pytest.mark.parametrize("kind", ChallengeKind)
def test_a_challenge_of_an_account_belongs_to_it_and_is_untried(kind: ChallengeKind) -> None:
    challenge = Challenge.of_account(
        kind,
        id=ID,
        account_id=ADA,
        random=b"random",
        amr=("pwd",),
        credentials_epoch=3,
        device_id=DEVICE,
        lifetime=5 * MINUTE,
        at=NOON,
    )
    assert challenge == Challenge(
        owner_id=ADA,
        id=ID,
        kind=kind,
        account_id=ADA,
        random=b"random",
        amr=("pwd",),
        credentials_epoch=3,
        device_id=DEVICE,
        tries=0,
        expires_at=NOON + 5 * MINUTE,
    )


def test_a_challenge_of_nobody_belongs_to_itself_and_says_nothing_of_anybody() -> None:
    challenge = Challenge.of_nobody(id=ID, random=b"random", lifetime=5 * MINUTE, at=NOON)
    assert challenge == Challenge(
        owner_id=ID,
        id=ID,
        kind=ChallengeKind.PASSKEY_SIGN_IN,
        account_id=None,
        random=b"random",
        expires_at=NOON + 5 * MINUTE,
    )
    assert (challenge.amr, challenge.credentials_epoch, challenge.device_id, challenge.tries) == ((), 0, None, 0)


def test_what_a_passkey_signs_stays_out_of_the_repr() -> None:
    assert "unforeseen" not in repr(a_challenge(random=b"unforeseen"))


def test_a_challenge_that_is_over_names_its_field() -> None:
    assert ChallengeInvalid().field == "challenge"
