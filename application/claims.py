"""Signing up: an address is claimed, and becomes an account once it is proved."""

from dataclasses import dataclass

from application.one_time_tokens import read_one_time_token
from application.passwords import JudgePassword, remove_factors, void_what_was_handed_out
from application.ports.environment import Clock, Ids
from application.ports.security import OpaqueTokens, PasswordHasher
from application.ports.unit_of_work import Begin, UnitOfWork
from application.refusals import remember_failure
from application.retrying import Retrying
from domain.accounts import Account, EmailAddress, EmailTaken, parse_display_name
from domain.api_keys import EndOfKey
from domain.claims import Claim, RegistrationPolicy
from domain.kernel import AccountId, ClaimId, InvitationId
from domain.mail import MailKind, MailPolicy
from domain.one_time_tokens import Purpose, TokenInvalid
from domain.passwords import normalised
from domain.sessions import EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterAccount:
    """Whoever may sign up claims an address, whether or not it has an account; a mail tells its owner.

    The work is the same in both cases, so that no address can be probed (ASVS 6.3.8). Where verification is
    switched off there is an account at once, and a taken address is refused.
    """

    unit_of_work: Begin
    autocommit: Begin
    judge: JudgePassword
    passwords: PasswordHasher
    tokens: OpaqueTokens
    policy: RegistrationPolicy
    mail_policy: MailPolicy
    clock: Clock
    ids: Ids

    def __call__(
        self, *, email: str, password: str, display_name: str = "", invitation_token: str | None = None
    ) -> Account | None:
        """Return the account where verification is off, otherwise None. The token of an invitation counts where
        accounts are by invitation only.

        Raise RegistrationClosed, RegistrationByInvitation, InvalidEmail, InvalidDisplayName, PasswordTooWeak; with
        verification off EmailTaken.
        """
        address = EmailAddress.parse(email)
        self.policy.must_admit(invited=self._is_invited(address, invitation_token))
        name = parse_display_name(display_name)
        password_hash = self.passwords.hash(self.judge(password, email=address, display_name=name))
        now = self.clock.now()
        claim = Claim.make(
            id=ClaimId(self.ids.new()),
            email=address,
            display_name=name,
            password_hash=password_hash,
            lifetime=self.policy.claim_lifetime,
            at=now,
        )
        account = None
        if not self.policy.requires_verification:
            account = Account.register(
                id=AccountId(self.ids.new()),
                email=address,
                display_name=name,
                password_hash=password_hash,
                verified=False,
                at=now,
            )
        with self.unit_of_work() as uow:
            if account:
                uow.accounts.add(account)
            uow.claims.add(claim)
            uow.mail.request(
                MailKind.VERIFICATION, address, ids={"claim_id": str(claim.id)}, policy=self.mail_policy, at=now
            )
        return account

    def _is_invited(self, address: EmailAddress, token: str | None) -> bool:
        proof = read_one_time_token(self.tokens, Purpose.INVITATION, token) if token else None
        if proof is None:
            return False
        with self.autocommit() as database:
            invitation = database.invitations.find(proof.organization_id, InvitationId(proof.id), at=self.clock.now())
            is_live = proof.organization_id in database.organizations.some({proof.organization_id})
        return is_live and invitation is not None and invitation.email == address


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendVerification:
    """Anybody may ask for the mail of an address's newest sign-up once more. The same work whether there is one."""

    unit_of_work: Begin
    mail_policy: MailPolicy
    clock: Clock

    def __call__(self, *, email: str) -> None:
        address = EmailAddress.parse(email)
        with self.unit_of_work() as uow:
            uow.mail.request(MailKind.VERIFICATION, address, ids={}, policy=self.mail_policy, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAccount:
    """Whoever holds the token from the mail and knows the password of that very sign-up gets the account.

    So neither who typed a foreign address nor who merely read the mail gets in. The address's other claims lapse.
    """

    unit_of_work: Begin
    passwords: PasswordHasher
    tokens: OpaqueTokens
    policy: RegistrationPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, token: str, password: str) -> Account:
        """Raise TokenInvalid if anything is wrong with either."""
        proof = read_one_time_token(self.tokens, Purpose.VERIFICATION, token)
        if proof is None:
            raise TokenInvalid
        digest, claim_id = proof.address_digest, ClaimId(proof.id)
        with self.unit_of_work() as uow:
            claim = uow.claims.spend_try(digest, claim_id, most=self.policy.tries, at=self.clock.now())
        if claim is None:
            raise TokenInvalid
        if not self.passwords.verify(normalised(password), claim.password_hash):
            now = self.clock.now()
            remember_failure(self.unit_of_work, "verify_account", TokenInvalid, None, target_id=claim.id, at=now)
            raise TokenInvalid
        # Only this step again, if need be: the try is spent once.
        return Retrying(self._account_of)(claim)

    def _account_of(self, claim: Claim) -> Account:
        with self.unit_of_work() as uow:
            existing = uow.accounts.find_by_email(claim.email)
            return self._taken_over(existing, claim, uow) if existing else self._registered(claim, uow)

    def _registered(self, claim: Claim, uow: UnitOfWork) -> Account:
        account = Account.register(
            id=AccountId(self.ids.new()),
            email=claim.email,
            display_name=claim.display_name,
            password_hash=claim.password_hash,
            verified=True,
            at=self.clock.now(),
        )
        try:
            uow.accounts.add(account)
        except EmailTaken:  # another has just proved it
            raise TokenInvalid from None
        _take(claim, uow)
        return account

    def _taken_over(self, existing: Account, claim: Claim, uow: UnitOfWork) -> Account:
        """Made while verification was off, perhaps by someone who does not hold the address: what they planted goes."""
        locked = uow.accounts.lock(existing.id)
        if locked.email_verified_at or not locked.is_active:
            raise TokenInvalid
        _take(claim, uow)
        now = self.clock.now()
        proved = locked.prove_email(password_hash=claim.password_hash, display_name=claim.display_name, at=now)
        uow.accounts.save(proved.note_second_factor(is_enrolled=False))
        remove_factors(uow, proved)
        uow.sessions.end_all(proved.id, EndReason.EMAIL_VERIFIED, at=now)
        uow.api_keys.end_all(proved.id, EndOfKey.EMAIL_VERIFIED, at=now)
        void_what_was_handed_out(uow, proved)
        return proved


def _take(claim: Claim, uow: UnitOfWork) -> None:
    if not uow.claims.take(claim.email.digest, claim.id):  # another was faster
        raise TokenInvalid
