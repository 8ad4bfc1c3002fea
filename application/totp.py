"""The authenticator app: enrolled, confirmed and removed."""

from dataclasses import dataclass, field

from application.access import lock_owner, lock_session
from application.factor_proofs import BY_CODE, ProveFactor, prove_by_recovery_code
from application.ports.environment import Clock, Ids
from application.ports.factors import TotpCodes
from application.ports.security import Vault
from application.ports.unit_of_work import Begin
from application.second_factors import note_factors, totp_row
from application.sessions import IssueTokens, SignedIn
from domain.access import Principal
from domain.assurance import AssurancePolicy
from domain.second_factors import CodeWrong, FactorPolicy, FactorWrong
from domain.sessions import Client, SessionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpEnrolment:
    secret: str = field(repr=False)
    uri: str = field(repr=False)
    qr_svg: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginTotp:
    """The owner begins to enrol an authenticator app: its secret is shown once, as text and as a picture."""

    unit_of_work: Begin
    totp: TotpCodes
    vault: Vault
    policy: FactorPolicy
    assurance: AssurancePolicy
    issuer: str
    clock: Clock

    def __call__(self, *, principal: Principal) -> TotpEnrolment:
        """Raise StepUpRequired, TotpEnrolled."""
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        account = principal.account
        secret = self.totp.new_secret()
        sealed = self.vault.seal(secret, row=totp_row(account.id))
        with self.unit_of_work() as uow:
            lock_owner(uow, principal, at=now)
            factors = uow.second_factors.lock(account.id)
            uow.second_factors.save(factors.begin_totp(sealed, policy=self.policy, at=now))
        uri = self.totp.uri(secret, account=account.email.value, issuer=self.issuer)
        return TotpEnrolment(secret=secret, uri=uri, qr_svg=self.totp.qr_svg(uri))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmTotp:
    """A code of the app shows that its owner has it: it counts from now on. That was the second factor, just proved:
    the session rises to AAL 2, and the tokens rotate."""

    unit_of_work: Begin
    totp: TotpCodes
    vault: Vault
    issue_tokens: IssueTokens
    policy: SessionPolicy
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, code: str, client: Client) -> SignedIn:
        """Raise StepUpRequired, FactorsLocked, TotpNotFound, CodeWrong. A wrong code is not counted: the caller was
        shown the secret."""
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        with self.unit_of_work() as uow:
            account, session = lock_session(uow, principal, at=now)
            factors = uow.second_factors.lock(account.id)
            factors.must_be_open(now)
            secret = self.vault.open(factors.pending(now).sealed_secret, row=totp_row(account.id))
            step = self.totp.step_of(secret, code, at=now)
            if step is None:
                raise CodeWrong
            uow.second_factors.save(factors.confirm_totp(step=step, at=now))
            raised = session.step_up(amr=BY_CODE, aal=2, client=client, policy=self.policy, at=now)
            uow.sessions.save(raised)
            note_factors(uow, account, ids=self.ids, at=now)
        return self.issue_tokens(raised, at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveTotp:
    """The authenticator app is removed. If it is the last factor, a recovery code must come along."""

    unit_of_work: Begin
    prove: ProveFactor
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, recovery_code: str | None = None) -> None:
        """Raise StepUpRequired, TotpNotFound, RecoveryCodeNeeded, FactorWrong, FactorsLocked."""
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        may_fall = True
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            factors = uow.second_factors.lock(account.id)
            removed = factors.remove_totp(at=now)
            if not uow.passkeys.all(account.id):
                may_fall = prove_by_recovery_code(uow, self.prove, account, recovery_code, ids=self.ids, at=now)
                removed = uow.second_factors.lock(account.id).remove_totp(at=now)
            if may_fall:
                uow.second_factors.save(removed)
                note_factors(uow, account, ids=self.ids, at=now)
        if not may_fall:
            raise FactorWrong
