"""Stepping up: the owner of a session proves once more who they are."""

from dataclasses import dataclass

from application.access import lock_session
from application.challenges import must_wait_still, spend_challenge
from application.factor_proofs import Proof, ProveFactor, prove_or_count
from application.passwords import ProvePassword
from application.ports.environment import Clock, Ids
from application.ports.security import OpaqueTokens
from application.ports.unit_of_work import Begin
from application.retrying import Retrying
from application.sessions import IssueTokens, SignedIn
from domain.access import Principal
from domain.assurance import StepUpRequired
from domain.challenges import Challenge, ChallengeInvalid, ChallengeKind
from domain.second_factors import FactorPolicy, FactorWrong
from domain.sessions import Client, Session, SessionEnded, SessionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """With a factor enrolled only that one counts, and raises the session to AAL 2; without any, the password does. The
    tokens rotate."""

    unit_of_work: Begin
    tokens: OpaqueTokens
    prove_password: ProvePassword
    prove: ProveFactor
    issue_tokens: IssueTokens
    policy: SessionPolicy
    factor_policy: FactorPolicy
    clock: Clock
    ids: Ids

    def __call__(
        self,
        *,
        principal: Principal,
        password: str | None = None,
        proof: Proof | None = None,
        challenge: str | None = None,
        client: Client,
    ) -> SignedIn:
        """`challenge` is the one of POST /v1/passkey-sessions/options that a passkey answered.

        Raise StepUpRequired for a password where a factor is enrolled, WrongPassword, TooManyAttempts,
        ChallengeInvalid, FactorWrong, FactorsLocked, SessionEnded.
        """
        account = principal.account
        if proof is None:
            if account.has_second_factor:
                raise StepUpRequired(aal=2, max_age=None, has_second_factor=True)
            self.prove_password(principal, password or "")
        asked = None
        if challenge is not None:
            asked = spend_challenge(
                self.unit_of_work,
                self.tokens,
                challenge,
                ChallengeKind.PASSKEY_SIGN_IN,
                policy=self.factor_policy,
                clock=self.clock,
            )
        session = Retrying(self._raise)(principal, proof, asked, client)
        return self.issue_tokens(session, at=self.clock.now())

    def _raise(self, principal: Principal, proof: Proof | None, asked: Challenge | None, client: Client) -> Session:
        now = self.clock.now()
        raised: Session | None = None
        with self.unit_of_work() as uow:
            account, session = lock_session(uow, principal, at=now)
            if account.credentials_epoch != principal.account.credentials_epoch:
                raise SessionEnded
            if proof is None and account.has_second_factor:  # enrolled meanwhile
                raise StepUpRequired(aal=2, max_age=None, has_second_factor=True)
            amr: tuple[str, ...] = ("pwd",)
            aal, proved = session.aal, None
            if asked:
                must_wait_still(uow, asked)
            if proof is not None:
                proved = prove_or_count(
                    uow, self.prove, account, proof, random=asked.random if asked else None, ids=self.ids, at=now
                )
                if proved:
                    amr, aal = proved.amr, 2
            if proof is None or proved:
                if asked and not uow.challenges.take(asked.owner_id, asked.id):
                    raise ChallengeInvalid
                raised = session.step_up(amr=amr, aal=aal, client=client, policy=self.policy, at=now)
                uow.sessions.save(raised)
        if raised is None:  # raised after the block: the failure is to be remembered
            raise FactorWrong
        return raised
