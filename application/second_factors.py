"""Second factors: enrolled, proved, lost and found again."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.access import lock_owner, lock_session
from application.notices import notify
from application.ports.environment import Clock, Ids, Secrets
from application.ports.factors import Json, PasskeyVerifier, TotpCodes
from application.ports.security import OpaqueTokens, SecretHasher, Vault
from application.ports.unit_of_work import Begin, UnitOfWork
from application.retrying import Retrying
from application.sessions import IssueTokens, SignedIn
from application.signing_in import OpenSession, enrolled_factors
from domain.access import Principal
from domain.accounts import Account, AccountNotFound, EmailAddress
from domain.assurance import AssurancePolicy
from domain.challenges import Challenge, ChallengeInvalid, ChallengeKind
from domain.kernel import AccountId, ChallengeId
from domain.mail import MailKind
from domain.one_time_tokens import OneTimeToken, Purpose
from domain.passkeys import PasskeyWrong
from domain.second_factors import (
    RECOVERY_CODES,
    CodeWrong,
    Factor,
    FactorPolicy,
    FactorWrong,
    NoFactor,
    RecoveryCodeNeeded,
    SecondFactors,
)
from domain.sessions import Client, EndReason, Session, SessionPolicy
from domain.trusted_devices import TrustedDevice

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 letters and digits that nobody takes for one another."""
_RECOVERY_LENGTH = 24
"""Of 5 bits each: 120 bits."""
BY_CODE = ("otp", "mfa")
BY_PASSKEY = ("pop", "user", "mfa")
"""RFC 8176: possession was proved, the user was verified, and that is more than one factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One of the three."""

    code: str | None = field(default=None, repr=False)
    recovery_code: str | None = field(default=None, repr=False)
    passkey: Json | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    factors: SecondFactors
    factor: Factor
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveFactor:
    """Judges one proof against the locked factors of an account. What fails is counted by who calls."""

    totp: TotpCodes
    passkeys: PasskeyVerifier
    secret_hasher: SecretHasher
    vault: Vault
    policy: FactorPolicy
    ids: Ids

    def __call__(
        self, uow: UnitOfWork, factors: SecondFactors, proof: Proof, *, random: bytes | None, at: datetime
    ) -> Proved | None:
        """None if it does not fit. `random` is what a passkey must have signed. Raise PasskeyWrong."""
        if proof.passkey is not None and random is not None:
            return self._by_passkey(uow, factors, proof.passkey, random, at)
        if proof.recovery_code is not None:
            found = self._opened(proof.recovery_code, factors)
            taken = factors.take_recovery_code(found, at=at)
            return Proved(factors=taken, factor=Factor.RECOVERY_CODE, amr=BY_CODE) if taken else None
        if proof.code is not None and factors.totp:
            secret = self.vault.open(factors.totp.sealed_secret, row=totp_row(factors.account_id))
            taken = factors.take_step(self.totp.step_of(secret, proof.code, at=at))
            return Proved(factors=taken, factor=Factor.TOTP, amr=BY_CODE) if taken else None
        return None

    def _opened(self, code: str, factors: SecondFactors) -> str | None:
        text = normalised_recovery_code(code)
        if not text.isascii():
            return None
        return next((each for each in factors.recovery_hashes if self.secret_hasher.verify(text, each)), None)

    def _by_passkey(
        self, uow: UnitOfWork, factors: SecondFactors, credential: Json, random: bytes, at: datetime
    ) -> Proved | None:
        owner, credential_id = self.passkeys.claimed(credential)
        if owner not in (None, factors.account_id):
            return None
        used = use_passkey(
            uow, self.passkeys, factors.account_id, credential, credential_id, random, ids=self.ids, at=at
        )
        return Proved(factors=factors.proved(), factor=Factor.PASSKEY, amr=BY_PASSKEY) if used else None


def use_passkey(
    uow: UnitOfWork,
    passkeys: PasskeyVerifier,
    account_id: AccountId,
    credential: Json,
    credential_id: bytes,
    random: bytes,
    *,
    ids: Ids,
    at: datetime,
) -> bool:
    """Whether the account's passkey answers the challenge. One whose counter went back was copied: it is refused, and
    its owner told (WebAuthn section 6.1.1). Raise PasskeyWrong."""
    passkey = uow.passkeys.lock_by_credential(account_id, credential_id)
    if passkey is None:
        return False
    count = passkeys.verify_sign_in(credential, random=random, passkey=passkey)
    if passkey.is_copy(count):
        uow.passkeys.save(passkey.note_copy(at=at))
        notify(uow, MailKind.PASSKEY_CLONED, uow.accounts.get(account_id), ids=ids, at=at)
        return False
    uow.passkeys.save(passkey.used(count, at=at))
    return True


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


def spend_challenge(
    begin: Begin, tokens: OpaqueTokens, challenge: str, kind: ChallengeKind, *, policy: FactorPolicy, clock: Clock
) -> Challenge:
    """Count a try, committed before anything is compared. Raise ChallengeInvalid."""
    packed = tokens.read(Purpose.CHALLENGE, challenge)
    if packed is None:
        raise ChallengeInvalid
    named = OneTimeToken.unpack(packed)
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


def prove_or_count(
    uow: UnitOfWork,
    prove: ProveFactor,
    account: Account,
    proof: Proof,
    *,
    random: bytes | None,
    ids: Ids,
    at: datetime,
) -> Proved | None:
    """Prove a factor of the locked account, or count the failure. Raise FactorsLocked."""
    factors = uow.second_factors.lock(account.id)
    factors.must_be_open(at)
    try:
        proved = prove(uow, factors, proof, random=random, at=at)
    except PasskeyWrong:
        proved = None
    if proved is None:
        failed = factors.failed(policy=prove.policy, at=at)
        uow.second_factors.save(failed)
        if failed.locked_until != factors.locked_until:
            notify(uow, MailKind.FACTORS_LOCKED, account, ids=ids, at=at)
        return None
    uow.second_factors.save(proved.factors)
    if proved.factor is Factor.RECOVERY_CODE:
        notify(uow, MailKind.RECOVERY_CODE_USED, account, ids=ids, at=at)
    return proved


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
        has_fallen = True
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            factors = uow.second_factors.lock(account.id)
            removed = factors.remove_totp(at=now)
            if not uow.passkeys.all(account.id):
                has_fallen = prove_last(uow, self.prove, account, recovery_code, ids=self.ids, at=now)
                removed = uow.second_factors.lock(account.id).remove_totp(at=now)
            if has_fallen:
                uow.second_factors.save(removed)
                note_factors(uow, account, ids=self.ids, at=now)
        if not has_fallen:
            raise FactorWrong


def prove_last(
    uow: UnitOfWork, prove: ProveFactor, account: Account, recovery_code: str | None, *, ids: Ids, at: datetime
) -> bool:
    """The last factor is to fall. Raise RecoveryCodeNeeded, FactorsLocked."""
    if recovery_code is None:
        raise RecoveryCodeNeeded
    proof = Proof(recovery_code=recovery_code)
    return prove_or_count(uow, prove, account, proof, random=None, ids=ids, at=at) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeRecoveryCodes:
    """Ten new recovery codes, shown once; the old ones are void."""

    unit_of_work: Begin
    secrets: Secrets
    secret_hasher: SecretHasher
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal) -> list[str]:
        """Raise StepUpRequired, NoFactor if there is nothing that they could stand in for."""
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        codes = [self._new() for _ in range(RECOVERY_CODES)]
        hashes = tuple(self.secret_hasher.hash(normalised_recovery_code(code)) for code in codes)
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            if not account.has_second_factor:
                raise NoFactor
            factors = uow.second_factors.lock(account.id)
            uow.second_factors.save(factors.with_recovery_codes(hashes, at=now))
            notify(uow, MailKind.FACTORS_CHANGED, account, ids=self.ids, at=now)
        return codes

    def _new(self) -> str:
        letters = "".join(_ALPHABET[byte & 31] for byte in self.secrets.new(_RECOVERY_LENGTH))
        return "-".join(letters[at : at + 6] for at in range(0, _RECOVERY_LENGTH, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledFactors:
    factors: tuple[Factor, ...]
    recovery_codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFactors:
    """What the caller has enrolled beside the password, and how many recovery codes are left."""

    autocommit: Begin

    def __call__(self, *, principal: Principal) -> EnrolledFactors:
        with self.autocommit() as database:
            factors = database.second_factors.find(principal.account.id)
            return EnrolledFactors(
                factors=enrolled_factors(database, principal.account),
                recovery_codes_left=len(factors.recovery_hashes) if factors else 0,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetFactors:
    """An operator removes every factor of an account, so that its owner can begin anew; every session ends, and the
    owner is told."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, account_id: UUID) -> None:
        """Raise OperatorRequired, StepUpRequired, AccountNotFound."""
        now = self.clock.now()
        principal.must_be_operator(self.assurance)
        principal.must_be_fresh(self.assurance, at=now)
        with self.unit_of_work() as uow:
            account = uow.accounts.lock(AccountId(account_id))
            reset_factors(uow, account, by=principal.account.id, ids=self.ids, at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetFactorsByEmail:
    """Whoever holds the machine does the same: the last operator may have lost everything."""

    unit_of_work: Begin
    clock: Clock
    ids: Ids

    def __call__(self, *, email: str) -> Account:
        """Raise InvalidEmail, AccountNotFound."""
        address = EmailAddress.parse(email)
        with self.unit_of_work() as uow:
            found = uow.accounts.find_by_email(address)
            if found is None:
                raise AccountNotFound("That address has no account.")
            account = uow.accounts.lock(found.id)
            reset_factors(uow, account, by=None, ids=self.ids, at=self.clock.now())
        return account


def reset_factors(uow: UnitOfWork, account: Account, *, by: AccountId | None, ids: Ids, at: datetime) -> None:
    """Of a locked account."""
    uow.second_factors.save(uow.second_factors.lock(account.id).reset(by=by, at=at))
    uow.passkeys.remove_all(account.id)
    uow.trusted_devices.remove_all(account.id)
    uow.challenges.void(account.id)
    uow.accounts.save(account.note_second_factor(is_enrolled=False))
    uow.sessions.end_all(account.id, EndReason.FACTORS_RESET, at=at)
    notify(uow, MailKind.FACTORS_RESET, account, ids=ids, at=at)


def note_factors(uow: UnitOfWork, account: Account, *, ids: Ids, at: datetime) -> None:
    """After a change: whether the locked account has a factor is written down, and its owner is told."""
    is_enrolled = bool({Factor.TOTP, Factor.PASSKEY} & set(enrolled_factors(uow, account)))
    if is_enrolled != account.has_second_factor:
        uow.accounts.save(account.note_second_factor(is_enrolled=is_enrolled))
    if not is_enrolled:  # what stood in for the last factor must not stand in for the next one, unseen
        uow.second_factors.save(uow.second_factors.lock(account.id).without_recovery_codes())
        uow.trusted_devices.remove_all(account.id)
    notify(uow, MailKind.FACTORS_CHANGED, account, ids=ids, at=at)


def totp_row(account_id: AccountId) -> str:
    """What its secret is sealed for."""
    return f"second_factors/{account_id}"


def normalised_recovery_code(code: str) -> str:
    """As people copy it: with any hyphens and spaces, in either case."""
    return re.sub(r"[\s-]", "", code).upper()
