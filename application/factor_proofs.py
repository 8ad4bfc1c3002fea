"""A second factor is proved: by a code of the app, a recovery code or a passkey. What fails is counted."""

from dataclasses import dataclass, field
from datetime import datetime

from application.notices import notify
from application.ports.environment import Ids
from application.ports.factors import Json, PasskeyVerifier, TotpCodes
from application.ports.security import SecretHasher, Vault
from application.ports.unit_of_work import UnitOfWork
from application.recovery_codes import normalised_recovery_code
from application.refusals import refused
from application.second_factors import totp_row
from domain.accounts import Account
from domain.kernel import AccountId
from domain.mail import MailKind
from domain.passkeys import PasskeyWrong
from domain.second_factors import Factor, FactorPolicy, FactorWrong, RecoveryCodeNeeded, SecondFactors

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
            found = self._matching(proof.recovery_code, factors)
            taken = factors.take_recovery_code(found, at=at)
            return Proved(factors=taken, factor=Factor.RECOVERY_CODE, amr=BY_CODE) if taken else None
        if proof.code is not None and factors.totp:
            secret = self.vault.open(factors.totp.sealed_secret, row=totp_row(factors.account_id))
            taken = factors.take_step(self.totp.step_of(secret, proof.code, at=at))
            return Proved(factors=taken, factor=Factor.TOTP, amr=BY_CODE) if taken else None
        return None

    def _matching(self, code: str, factors: SecondFactors) -> str | None:
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
        uow.audit.note(refused("prove_factor", FactorWrong, account.id, at=at))
        if failed.locked_until != factors.locked_until:
            notify(uow, MailKind.FACTORS_LOCKED, account, ids=ids, at=at)
        return None
    uow.second_factors.save(proved.factors)
    if proved.factor is Factor.RECOVERY_CODE:
        notify(uow, MailKind.RECOVERY_CODE_USED, account, ids=ids, at=at)
    return proved


def prove_by_recovery_code(
    uow: UnitOfWork, prove: ProveFactor, account: Account, recovery_code: str | None, *, ids: Ids, at: datetime
) -> bool:
    """Whether the last factor may fall: what must come along is what stands in for it, or nobody would come in again.

    Raise RecoveryCodeNeeded, FactorsLocked."""
    if recovery_code is None:
        raise RecoveryCodeNeeded
    proof = Proof(recovery_code=recovery_code)
    return prove_or_count(uow, prove, account, proof, random=None, ids=ids, at=at) is not None
