"""Passwords: judged, proved, changed, and reset when lost."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import lock_owner
from application.attempts import Attempt
from application.notices import notify
from application.one_time_tokens import read_one_time_token
from application.ports.environment import Clock, Ids
from application.ports.security import CommonPasswords, OpaqueTokens, PasswordHasher, PasswordStrength
from application.ports.unit_of_work import Begin, UnitOfWork
from application.refusals import remember_failure
from domain.access import Principal
from domain.accounts import Account, EmailAddress
from domain.api_keys import EndOfKey
from domain.assurance import AssurancePolicy
from domain.attempts import AttemptPolicy, DeviceToken
from domain.kernel import AccountId, PasswordResetId, SessionId
from domain.mail import MailKind, MailPolicy
from domain.one_time_tokens import Purpose, TokenInvalid
from domain.passwords import PasswordPolicy, PasswordReset, Weakness, WrongPassword, normalised
from domain.sessions import EndReason, SessionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePassword:
    """A new password is long, not common, not personal, and hard to guess (ASVS 6.2)."""

    policy: PasswordPolicy
    common: CommonPasswords
    strength: PasswordStrength

    def __call__(self, password: str, *, email: EmailAddress, display_name: str, field: str = "password") -> str:
        """Return it normalised. Raise PasswordTooWeak with every reason."""
        password = normalised(password)
        found = self.policy.weaknesses_at_sight(password, email=email, display_name=display_name)
        if not {Weakness.TOO_SHORT, Weakness.TOO_LONG, Weakness.NOT_TEXT} & set(found):
            personal = [email.value, email.local_part, display_name, *display_name.split()]
            if self.common.contains(password):
                found.append(Weakness.COMMON)
            if self.strength.score(password, personal=personal) < self.policy.least_score:
                found.append(Weakness.GUESSABLE)
        if found:
            raise self.policy.refusal(found, field=field)
        return password


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvePassword:
    """Whoever is signed in shows once more that they know the password, no more often than a stranger may guess it."""

    unit_of_work: Begin
    passwords: PasswordHasher
    policy: AttemptPolicy
    clock: Clock

    def __call__(self, principal: Principal, password: str, *, field: str = "password") -> None:
        """Raise WrongPassword or TooManyAttempts. What follows from the proof is done under `lock_proved`."""
        account = principal.account
        attempt = Attempt.in_session(account.email, principal.session.id)
        with self.unit_of_work() as uow:
            blocks = attempt.count(uow, policy=self.policy, at=self.clock.now())
        if not self.passwords.verify(normalised(password), account.password_hash):
            now = self.clock.now()
            remember_failure(self.unit_of_work, "prove_password", WrongPassword, account.id, blocks=blocks, at=now)
            raise WrongPassword("That is not the password of this account.", field=field)
        # At once: whatever is refused afterwards, the password was right.
        with self.unit_of_work() as uow:
            attempt.take_back(uow, at=self.clock.now())


def lock_proved(uow: UnitOfWork, principal: Principal, *, at: datetime) -> Account:
    """Lock the account whose password was just proved. Raise SessionEnded, or WrongPassword if it is no longer that."""
    current = lock_owner(uow, principal, at=at)
    if current.credentials_epoch != principal.account.credentials_epoch:
        raise WrongPassword("The password or the address has just been changed.")
    return current


def void_what_was_handed_out(uow: UnitOfWork, account: Account) -> None:
    """After a change of credentials no token that was made before may still be used, and no device is trusted."""
    uow.claims.void(account.email.digest)
    uow.password_resets.void(account.email.digest)
    uow.email_changes.void(account.id)
    uow.email_codes.void(account.email.digest)
    uow.challenges.void(account.id)
    uow.trusted_devices.remove_all(account.id)


def remove_factors(uow: UnitOfWork, account: Account) -> None:
    """The account is closed, or its address is proved for the first time: what was enrolled goes, without a word."""
    factors = uow.second_factors.find(account.id)  # nobody else changes them: the account is locked
    if factors:
        uow.second_factors.save(factors.emptied())
    uow.passkeys.remove_all(account.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword:
    """Whoever knows the current password may replace it; every other session ends, and the owner is told by mail."""

    unit_of_work: Begin
    judge: JudgePassword
    prove: ProvePassword
    passwords: PasswordHasher
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, current_password: str, new_password: str) -> None:
        """Raise StepUpRequired, PasswordTooWeak, WrongPassword, TooManyAttempts."""
        principal.must_be_fresh(self.assurance, at=self.clock.now())
        account = principal.account
        password = self.judge(
            new_password, email=account.email, display_name=account.display_name, field="new_password"
        )
        self.prove(principal, current_password, field="current_password")
        password_hash = self.passwords.hash(password)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            current = lock_proved(uow, principal, at=now)
            replace_password(
                uow,
                current.change_password(password_hash, at=now),
                EndReason.PASSWORD_CHANGED,
                keep=principal.session.id,
                ids=self.ids,
                at=now,
            )


def replace_password(
    uow: UnitOfWork,
    changed: Account,
    reason: EndReason,
    *,
    keep: SessionId | None = None,
    ids: Ids,
    at: datetime,
) -> None:
    """Save the account with its new password, and end what the old one had opened."""
    uow.accounts.save(changed)
    uow.sessions.end_all(changed.id, reason, keep=keep, at=at)
    void_what_was_handed_out(uow, changed)
    notify(uow, MailKind.PASSWORD_CHANGED, changed, ids=ids, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPasswordReset:
    """Anybody may ask; only who reads the mail of the address can go on. The same work with and without an account."""

    unit_of_work: Begin
    policy: PasswordPolicy
    mail_policy: MailPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, email: str) -> None:
        """Raise InvalidEmail."""
        address = EmailAddress.parse(email)
        now = self.clock.now()
        id = PasswordResetId(self.ids.new())
        with self.unit_of_work() as uow:
            mail = uow.mail.request(
                MailKind.PASSWORD_RESET, address, ids={"reset_id": str(id)}, policy=self.mail_policy, at=now
            )
            # From when its mail may go: a stranger's requests before it must not make it wait until it has expired.
            expires_at = mail.goes_at + self.policy.reset_lifetime
            uow.password_resets.add(PasswordReset(id=id, email=address, created_at=now, expires_at=expires_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPasswordReset:
    """Whoever holds the token from the mail sets a new password; every session ends.

    The sign-in delay of the address is lifted. A second factor is never touched, unless nobody had proved the address.
    """

    unit_of_work: Begin
    autocommit: Begin
    judge: JudgePassword
    passwords: PasswordHasher
    tokens: OpaqueTokens
    session_policy: SessionPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, token: str, new_password: str) -> str:
        """Return a device token: this device is known from now on. Raise TokenInvalid or PasswordTooWeak."""
        proof = read_one_time_token(self.tokens, Purpose.PASSWORD_RESET, token)
        if proof is None:
            raise TokenInvalid
        digest, reset_id = proof.address_digest, PasswordResetId(proof.id)
        with self.autocommit() as database:
            reset = database.password_resets.find(digest, reset_id, at=self.clock.now())
            account = database.accounts.find_by_email(reset.email) if reset else None
        if account is None or not account.is_active:
            raise TokenInvalid
        # Judged before the token is spent: a refused password costs a second try, not a second mail.
        password = self.judge(
            new_password, email=account.email, display_name=account.display_name, field="new_password"
        )
        password_hash = self.passwords.hash(password)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            current = uow.accounts.lock(account.id)
            spent = uow.password_resets.take(digest, reset_id, at=now)
            if spent is None or not current.is_active or current.email != spent.email:
                raise TokenInvalid
            changed = current.reset_password(password_hash, at=now)
            if not current.email_verified_at:  # the first proof: what somebody planted on the address goes
                changed = changed.note_second_factor(is_enrolled=False)
                remove_factors(uow, changed)
            replace_password(uow, changed, EndReason.PASSWORD_RESET, ids=self.ids, at=now)
            uow.api_keys.end_all(changed.id, EndOfKey.PASSWORD_RESET, at=now)
            uow.attempts.forget(digest)
        return issue_device_token(self.tokens, changed, device_id=self.ids.new(), policy=self.session_policy, at=now)


def issue_device_token(
    tokens: OpaqueTokens, account: Account, *, device_id: UUID, policy: SessionPolicy, at: datetime
) -> str:
    device = DeviceToken(
        account_id=account.id,
        device_id=device_id,
        credentials_epoch=account.credentials_epoch,
        expires_at=at + policy.device_lifetime,
    )
    return tokens.issue(Purpose.DEVICE, device.pack())


def read_device_token(
    tokens: OpaqueTokens, token: str | None, account: Account | None, *, at: datetime
) -> DeviceToken | None:
    """The device, if the account's owner signed in from it before and has not changed the credentials since."""
    packed = tokens.read(Purpose.DEVICE, token) if token else None
    if packed is None:
        return None
    device = DeviceToken.unpack(packed)
    expected: tuple[AccountId, int] | None = (account.id, account.credentials_epoch) if account else None
    is_known = (device.account_id, device.credentials_epoch) == expected and at < device.expires_at
    return device if is_known else None
