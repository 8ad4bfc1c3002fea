"""Passkeys: registered, named, removed, and signed in with."""

from dataclasses import dataclass, field
from uuid import UUID

from application.access import lock_owner
from application.challenges import challenge_token, must_wait_still, spend_challenge
from application.factor_proofs import BY_PASSKEY, ProveFactor, prove_by_recovery_code, use_passkey
from application.ports.environment import Clock, Ids, Secrets
from application.ports.factors import Json, PasskeyVerifier
from application.ports.security import OpaqueTokens
from application.ports.unit_of_work import Begin
from application.refusals import remember_failure
from application.retrying import Retrying
from application.second_factors import note_factors
from application.sessions import SignedIn
from application.signing_in import OpenSession
from domain.access import Principal
from domain.accounts import Account, AccountNotFound, EmailAddress
from domain.assurance import AssurancePolicy
from domain.challenges import Challenge, ChallengeInvalid, ChallengeKind
from domain.kernel import AccountId, ChallengeId, PasskeyId
from domain.passkeys import Passkey, PasskeyNotFound, PasskeyWrong, TooManyPasskeys, parse_passkey_name
from domain.second_factors import FactorPolicy, FactorWrong
from domain.sessions import Client, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyOptions:
    """What the browser is given, and what must come back with its answer."""

    challenge: str = field(repr=False)
    options: Json = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginPasskey:
    """The owner begins to register a passkey."""

    unit_of_work: Begin
    passkeys: PasskeyVerifier
    tokens: OpaqueTokens
    secrets: Secrets
    policy: FactorPolicy
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal) -> PasskeyOptions:
        """Raise StepUpRequired, TooManyPasskeys."""
        now, account = self.clock.now(), principal.account
        principal.must_be_fresh(self.assurance, at=now)
        challenge = Challenge.of_account(
            ChallengeKind.PASSKEY_REGISTRATION,
            id=ChallengeId(self.ids.new()),
            account_id=account.id,
            random=self.secrets.new(32),
            credentials_epoch=account.credentials_epoch,
            lifetime=self.policy.challenge_lifetime,
            at=now,
        )
        with self.unit_of_work() as uow:
            known = uow.passkeys.all(account.id)
            if len(known) >= self.policy.most_passkeys:
                raise TooManyPasskeys
            uow.challenges.add(challenge)
        options = self.passkeys.registration_options(
            account_id=account.id,
            name=account.email.value,
            display_name=account.display_name or account.email.value,
            random=challenge.random,
            known=known,
        )
        return PasskeyOptions(challenge=challenge_token(self.tokens, challenge), options=options)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPasskey:
    """What the owner's device made becomes a passkey of the account. The challenge is spent, whatever comes of it."""

    unit_of_work: Begin
    passkeys: PasskeyVerifier
    tokens: OpaqueTokens
    policy: FactorPolicy
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, challenge: str, credential: Json, name: str) -> Passkey:
        """Raise StepUpRequired, InvalidPasskeyName, ChallengeInvalid, PasskeyRefused, PasskeyTaken, TooManyPasskeys."""
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        display_name = parse_passkey_name(name)
        asked = spend_challenge(
            self.unit_of_work,
            self.tokens,
            challenge,
            ChallengeKind.PASSKEY_REGISTRATION,
            policy=self.policy,
            clock=self.clock,
        )
        if asked.owner_id != principal.account.id or asked.credentials_epoch != principal.account.credentials_epoch:
            raise ChallengeInvalid
        new = self.passkeys.verify_registration(credential, random=asked.random)
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            if not uow.challenges.take(asked.owner_id, asked.id):
                raise ChallengeInvalid
            if len(uow.passkeys.all(account.id)) >= self.policy.most_passkeys:
                raise TooManyPasskeys
            passkey = Passkey.register(
                new, id=PasskeyId(self.ids.new()), account_id=account.id, display_name=display_name, at=now
            )
            uow.passkeys.add(passkey)
            note_factors(uow, account, ids=self.ids, at=now)
        return passkey


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPasskeys:
    """The caller's passkeys, oldest first."""

    autocommit: Begin

    def __call__(self, *, principal: Principal) -> list[Passkey]:
        with self.autocommit() as database:
            return database.passkeys.all(principal.account.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenamePasskey:
    """The owner names a passkey, to know it again."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, principal: Principal, passkey_id: UUID, name: str) -> Passkey:
        """Raise InvalidPasskeyName, PasskeyNotFound."""
        display_name, now = parse_passkey_name(name), self.clock.now()
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            passkey = uow.passkeys.find(account.id, PasskeyId(passkey_id))
            if passkey is None:
                raise PasskeyNotFound
            renamed = passkey.rename(display_name, at=now)
            uow.passkeys.save(renamed)
        return renamed


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePasskey:
    """A passkey is removed. If it is the last factor, a recovery code must come along."""

    unit_of_work: Begin
    prove: ProveFactor
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, passkey_id: UUID, recovery_code: str | None = None) -> None:
        """Raise StepUpRequired, PasskeyNotFound, RecoveryCodeNeeded, FactorWrong, FactorsLocked."""
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        may_fall = True
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            passkey = uow.passkeys.find(account.id, PasskeyId(passkey_id))
            if passkey is None:
                raise PasskeyNotFound
            factors = uow.second_factors.find(account.id)
            if not (factors and factors.totp) and len(uow.passkeys.all(account.id)) == 1:
                may_fall = prove_by_recovery_code(uow, self.prove, account, recovery_code, ids=self.ids, at=now)
            if may_fall:
                uow.passkeys.remove(passkey.remove(at=now))
                note_factors(uow, account, ids=self.ids, at=now)
        if not may_fall:
            raise FactorWrong


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginPasskeySignIn:
    """A browser is asked for a passkey of this site, whosever it is. The answer is the same for everybody."""

    autocommit: Begin
    passkeys: PasskeyVerifier
    tokens: OpaqueTokens
    secrets: Secrets
    policy: FactorPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, email: str | None = None) -> PasskeyOptions:
        """Raise InvalidEmail. Otherwise an address changes nothing: the browser knows which passkeys it has."""
        if email is not None:
            EmailAddress.parse(email)
        challenge = Challenge.of_nobody(
            id=ChallengeId(self.ids.new()),
            random=self.secrets.new(32),
            lifetime=self.policy.challenge_lifetime,
            at=self.clock.now(),
        )
        with self.autocommit() as database:
            database.challenges.add(challenge)
        return PasskeyOptions(
            challenge=challenge_token(self.tokens, challenge),
            options=self.passkeys.sign_in_options(random=challenge.random),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInWithPasskey:
    """A passkey with the user verified is both factors at once: no password, no second factor."""

    unit_of_work: Begin
    autocommit: Begin
    passkeys: PasskeyVerifier
    tokens: OpaqueTokens
    open_session: OpenSession
    policy: FactorPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, challenge: str, credential: Json, client: Client) -> SignedIn:
        """Raise ChallengeInvalid, PasskeyWrong, FactorsLocked."""
        owner, credential_id = self.passkeys.claimed(credential)
        asked = spend_challenge(
            self.unit_of_work,
            self.tokens,
            challenge,
            ChallengeKind.PASSKEY_SIGN_IN,
            policy=self.policy,
            clock=self.clock,
        )
        if owner is None:
            raise PasskeyWrong
        try:
            session, account = Retrying(self._open)(asked, owner, credential, credential_id, client)
        except PasskeyWrong:
            self._remember_failure(owner)
            raise
        return self.open_session.signed_in(session, account, device_id=None, at=self.clock.now())

    def _remember_failure(self, claimed: AccountId) -> None:
        """What a stranger claims may name nobody."""
        account_id: AccountId | None = claimed
        with self.autocommit() as database:
            try:
                database.accounts.get(claimed)
            except AccountNotFound:
                account_id = None
        now = self.clock.now()
        remember_failure(self.unit_of_work, "sign_in_with_passkey", PasskeyWrong, account_id, at=now)

    def _open(
        self, asked: Challenge, owner: AccountId, credential: Json, credential_id: bytes, client: Client
    ) -> tuple[Session, Account]:
        now = self.clock.now()
        session: Session | None = None
        with self.unit_of_work() as uow:
            try:
                account = uow.accounts.lock(owner)
            except AccountNotFound:
                raise PasskeyWrong from None
            if not account.is_active:
                raise PasskeyWrong
            must_wait_still(uow, asked)
            # No failure is counted: a stranger, who knows nothing, could lock the owner out.
            used = use_passkey(
                uow, self.passkeys, account.id, credential, credential_id, asked.random, ids=self.ids, at=now
            )
            if used:
                # Not before: whoever only names an account learns nothing of it, and leaves nothing in it.
                uow.second_factors.lock(account.id).must_be_open(now)
                if not uow.challenges.take(asked.owner_id, asked.id):
                    raise ChallengeInvalid
                session = self.open_session.with_factors(uow, account, amr=BY_PASSKEY, aal=2, client=client, at=now)
        if session is None:  # raised after the block: that a passkey was copied is to be remembered
            raise PasskeyWrong
        return session, account
