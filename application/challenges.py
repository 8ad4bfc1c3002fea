"""Challenges: given out as a token, and spent before anything is compared."""

from application.one_time_tokens import read_one_time_token
from application.ports.environment import Clock
from application.ports.security import OpaqueTokens
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.challenges import Challenge, ChallengeInvalid, ChallengeKind
from domain.kernel import ChallengeId
from domain.one_time_tokens import OneTimeToken, Purpose
from domain.second_factors import FactorPolicy


def challenge_token(tokens: OpaqueTokens, challenge: Challenge) -> str:
    return tokens.issue(Purpose.CHALLENGE, OneTimeToken.of_owner(challenge.owner_id, challenge.id).pack())


def spend_challenge(
    begin: Begin, tokens: OpaqueTokens, challenge: str, kind: ChallengeKind, *, policy: FactorPolicy, clock: Clock
) -> Challenge:
    """Count a try, committed before anything is compared. Raise ChallengeInvalid."""
    named = read_one_time_token(tokens, Purpose.CHALLENGE, challenge)
    if named is None:
        raise ChallengeInvalid
    with begin() as uow:
        spent = uow.challenges.spend_try(
            named.owner_id, ChallengeId(named.id), most=policy.challenge_tries, at=clock.now()
        )
    if spent is None or spent.kind is not kind:
        raise ChallengeInvalid
    return spent


def must_wait_still(uow: UnitOfWork, challenge: Challenge) -> None:
    """Raise ChallengeInvalid if it was answered meanwhile: what is merely sent twice, by a double click or a proxy, is
    neither a wrong proof nor that of a copied passkey."""
    if not uow.challenges.holds(challenge.owner_id, challenge.id):
        raise ChallengeInvalid
