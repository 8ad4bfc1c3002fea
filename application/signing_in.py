"""What every way of signing in ends with: a session, or the question for a second factor."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from application.attempts import Attempt
from application.challenges import challenge_token, must_wait_still, spend_challenge
from application.factor_proofs import Proof, ProveFactor, prove_or_count
from application.passwords import issue_device_token, read_device_token
from application.ports.environment import Clock, Ids, Secrets
from application.ports.factors import Json, PasskeyVerifier
from application.ports.security import OpaqueTokens, PasswordHasher
from application.ports.unit_of_work import Begin, UnitOfWork
from application.refusals import remember_failure
from application.retrying import Retrying
from application.second_factors import enrolled_factors
from application.sessions import IssueTokens, SignedIn
from domain.accounts import Account, EmailAddress
from domain.attempts import AttemptPolicy, DeviceToken
from domain.challenges import Challenge, ChallengeInvalid, ChallengeKind
from domain.kernel import AccountId, ChallengeId, SessionId
from domain.passwords import normalised
from domain.second_factors import Factor, FactorPolicy, FactorWrong
from domain.sessions import Client, InvalidCredentials, Session, SessionPolicy
from domain.trusted_devices import TrustedDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorDue:
    """The first factor was right. One of `factors` must follow, with the challenge."""

    challenge: str = field(repr=False)
    factors: tuple[Factor, ...]
    passkey_options: Json | None = field(repr=False)
    expires_in: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A challenge that was made, and which factors answer it."""

    challenge: Challenge
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """Opens a session for a locked account, unless a second factor is due."""

    issue_tokens: IssueTokens
    opaque_tokens: OpaqueTokens
    passkeys: PasskeyVerifier
    policy: SessionPolicy
    factor_policy: FactorPolicy
    secrets: Secrets
    ids: Ids

    def after_first_factor(
        self,
        uow: UnitOfWork,
        account: Account,
        *,
        amr: tuple[str, ...],
        device: DeviceToken | None,
        client: Client,
        at: datetime,
    ) -> Session | Asked:
        """A trusted device skips the second factor; the session stays at AAL 1 for it."""
        if not account.has_second_factor or self._is_trusted(uow, account, device, at):
            return self.with_factors(uow, account, amr=amr, aal=1, client=client, at=at)
        challenge = Challenge.of_account(
            ChallengeKind.SECOND_FACTOR,
            id=ChallengeId(self.ids.new()),
            account_id=account.id,
            random=self.secrets.new(32),
            amr=amr,
            credentials_epoch=account.credentials_epoch,
            device_id=device.device_id if device else None,
            lifetime=self.factor_policy.challenge_lifetime,
            at=at,
        )
        uow.challenges.add(challenge)
        return Asked(challenge=challenge, factors=enrolled_factors(uow, account))

    def with_factors(
        self, uow: UnitOfWork, account: Account, *, amr: tuple[str, ...], aal: int, client: Client, at: datetime
    ) -> Session:
        uow.sessions.make_room(account.id, most=self.policy.most_live - 1, at=at)
        session = Session.start(
            id=SessionId(self.ids.new()),
            account_id=account.id,
            amr=amr,
            aal=aal,
            client=client,
            policy=self.policy,
            at=at,
        )
        uow.sessions.add(session)
        return session

    def answer(
        self, opened: Session | Asked, account: Account, *, device_id: UUID | None, at: datetime
    ) -> SignedIn | SecondFactorDue:
        """After the commit: the tokens of the session, or of the challenge."""
        if isinstance(opened, Asked):
            return self._due(opened)
        return self.signed_in(opened, account, device_id=device_id, at=at)

    def signed_in(self, session: Session, account: Account, *, device_id: UUID | None, at: datetime) -> SignedIn:
        token = issue_device_token(
            self.opaque_tokens, account, device_id=device_id or self.ids.new(), policy=self.policy, at=at
        )
        return self.issue_tokens(session, device_token=token, at=at)

    def _due(self, asked: Asked) -> SecondFactorDue:
        with_passkey = Factor.PASSKEY in asked.factors
        return SecondFactorDue(
            challenge=challenge_token(self.opaque_tokens, asked.challenge),
            factors=asked.factors,
            passkey_options=self.passkeys.sign_in_options(random=asked.challenge.random) if with_passkey else None,
            expires_in=self.factor_policy.challenge_lifetime,
        )

    def _is_trusted(self, uow: UnitOfWork, account: Account, device: DeviceToken | None, at: datetime) -> bool:
        trusted = uow.trusted_devices.find(account.id, device.device_id) if device else None
        return trusted is not None and trusted.counts(credentials_epoch=account.credentials_epoch, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Whoever knows the password of an active account gets a session on this device, or is asked for a second factor.

    The attempt is counted before the hash is made and taken back once it succeeds. An unknown address costs the
    same work as a wrong password and gets the same answer (ASVS 6.3.8).
    """

    unit_of_work: Begin
    passwords: PasswordHasher
    opaque_tokens: OpaqueTokens
    open_session: OpenSession
    attempt_policy: AttemptPolicy
    clock: Clock

    def __call__(
        self, *, email: str, password: str, device_token: str | None = None, client: Client
    ) -> SignedIn | SecondFactorDue:
        """Raise InvalidEmail, InvalidCredentials, TooManyAttempts."""
        address = EmailAddress.parse(email)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            found = uow.accounts.find_by_email(address)
            device = read_device_token(self.opaque_tokens, device_token, found, at=now)
            attempt = Attempt.by_device(address, device) if device else Attempt.by_stranger(address, client)
            blocks = attempt.count(uow, policy=self.attempt_policy, at=now)

        password = normalised(password)
        try:
            verified = self._verified(password, found)
            # Only this step again, if need be: the attempt is counted, and the hash made, once.
            opened, account = Retrying(self._open)(
                verified, attempt, device, client, self._upgraded(password, verified)
            )
        except InvalidCredentials:
            account_id, now = found.id if found else None, self.clock.now()
            remember_failure(self.unit_of_work, "sign_in", InvalidCredentials, account_id, blocks=blocks, at=now)
            raise
        device_id = device.device_id if device else None
        return self.open_session.answer(opened, account, device_id=device_id, at=self.clock.now())

    def _verified(self, password: str, account: Account | None) -> Account:
        if account is None or not account.is_active:
            self.passwords.verify_nothing(password)
            raise InvalidCredentials
        if not self.passwords.verify(password, account.password_hash):
            if self.passwords.is_outdated(account.password_hash):
                # An older hash may be cheaper: it must not make the account stand out from what is unknown.
                self.passwords.verify_nothing(password)
            raise InvalidCredentials
        return account

    def _upgraded(self, password: str, account: Account) -> str | None:
        """The password under the present scheme, if its hash is of an older one."""
        return self.passwords.hash(password) if self.passwords.is_outdated(account.password_hash) else None

    def _open(
        self, verified: Account, attempt: Attempt, device: DeviceToken | None, client: Client, new_hash: str | None
    ) -> tuple[Session | Asked, Account]:
        now = self.clock.now()
        with self.unit_of_work() as uow:
            # Locked, so that no session slips in while the account is being suspended or its password changed.
            account = uow.accounts.lock(verified.id)
            # By the epoch, not the hash: another sign-in may have put the same password under the newer scheme.
            if not account.is_active or account.credentials_epoch != verified.credentials_epoch:
                raise InvalidCredentials
            if new_hash:
                uow.accounts.save(account.rehash_password(new_hash, at=now))
            opened = self.open_session.after_first_factor(
                uow, account, amr=("pwd",), device=device, client=client, at=now
            )
            attempt.take_back(uow, at=now)
        return opened, account


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishSignIn:
    """Whoever proved the first factor proves the second, and gets the session. A try is spent before anything is
    compared; wrong ones count until all factors are locked."""

    unit_of_work: Begin
    tokens: OpaqueTokens
    prove: ProveFactor
    open_session: OpenSession
    policy: FactorPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, challenge: str, proof: Proof, trust_device: bool, client: Client) -> SignedIn:
        """Raise ChallengeInvalid, FactorWrong, FactorsLocked, PasskeyWrong."""
        asked = spend_challenge(
            self.unit_of_work, self.tokens, challenge, ChallengeKind.SECOND_FACTOR, policy=self.policy, clock=self.clock
        )
        # Only this step again, if need be: the try is spent once.
        session, account, device_id = Retrying(self._open)(asked, proof, trust_device, client)
        return self.open_session.signed_in(session, account, device_id=device_id, at=self.clock.now())

    def _open(
        self, asked: Challenge, proof: Proof, trust_device: bool, client: Client
    ) -> tuple[Session, Account, UUID]:
        now, device_id = self.clock.now(), asked.device_id or self.ids.new()
        session: Session | None = None
        with self.unit_of_work() as uow:
            account = uow.accounts.lock(AccountId(asked.owner_id))
            if not account.is_active or account.credentials_epoch != asked.credentials_epoch:
                raise ChallengeInvalid
            must_wait_still(uow, asked)
            proved = prove_or_count(uow, self.prove, account, proof, random=asked.random, ids=self.ids, at=now)
            if proved:
                if not uow.challenges.take(asked.owner_id, asked.id):
                    raise ChallengeInvalid
                session = self.open_session.with_factors(
                    uow, account, amr=(*asked.amr, *proved.amr), aal=2, client=client, at=now
                )
                if trust_device:
                    uow.second_factors.save(uow.second_factors.lock(account.id).trust(device_id, at=now))
                    uow.trusted_devices.put(
                        TrustedDevice.trust(
                            account_id=account.id,
                            id=device_id,
                            client=client,
                            credentials_epoch=account.credentials_epoch,
                            at=now,
                            expires_at=now + self.policy.trust_lifetime,
                        )
                    )
        if session is None:  # raised after the block: the failure is to be remembered
            raise FactorWrong
        return session, account, device_id
