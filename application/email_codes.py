"""Signing in by a code in a mail."""

from dataclasses import dataclass

from application.attempts import Attempt
from application.ports.environment import Clock, Ids
from application.ports.factors import DerivedCodes
from application.ports.security import OpaqueTokens
from application.ports.unit_of_work import Begin
from application.refusals import remember_failure
from application.retrying import Retrying
from application.sessions import SignedIn
from application.signing_in import Asked, OpenSession, SecondFactorDue
from domain.accounts import Account, EmailAddress
from domain.attempts import AttemptPolicy
from domain.email_codes import BrowserToken, EmailCode, EmailCodePolicy, EmailCodeWrong
from domain.kernel import EmailCodeId
from domain.mail import MailKind, MailPolicy
from domain.one_time_tokens import Purpose
from domain.sessions import Client, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEmailCode:
    """Anybody may ask; the code goes to the address, and works only for the browser that asked. The same work with and
    without an account."""

    unit_of_work: Begin
    tokens: OpaqueTokens
    policy: EmailCodePolicy
    mail_policy: MailPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, email: str) -> str:
        """Return what the browser keeps. Raise InvalidEmail."""
        address, now = EmailAddress.parse(email), self.clock.now()
        id = EmailCodeId(self.ids.new())
        with self.unit_of_work() as uow:
            mail = uow.mail.request(
                MailKind.EMAIL_CODE, address, ids={"code_id": str(id)}, policy=self.mail_policy, at=now
            )
            # From when its mail may go: a stranger's requests before it must not make it wait until it has expired.
            expires_at = mail.goes_at + self.policy.lifetime
            uow.email_codes.add(EmailCode(id=id, email=address, created_at=now, expires_at=expires_at))
        kept = BrowserToken(address_digest=address.digest, id=id, scheduled_at=mail.scheduled_at)
        return self.tokens.issue(Purpose.EMAIL_CODE, kept.pack())


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInWithEmailCode:
    """The browser that asked shows the code from the mail: a session, or the question for a second factor.

    A try is spent, and an attempt on the address counted, before anything is compared: who asks for code after code
    guesses no more often than at a password.
    """

    unit_of_work: Begin
    autocommit: Begin
    tokens: OpaqueTokens
    codes: DerivedCodes
    open_session: OpenSession
    policy: EmailCodePolicy
    attempt_policy: AttemptPolicy
    clock: Clock

    def __call__(self, *, browser_token: str, code: str, client: Client) -> SignedIn | SecondFactorDue:
        """Raise EmailCodeWrong, TooManyAttempts."""
        packed = self.tokens.read(Purpose.EMAIL_CODE, browser_token)
        if packed is None:
            raise EmailCodeWrong
        kept, now = BrowserToken.unpack(packed), self.clock.now()
        with self.unit_of_work() as uow:
            asked = uow.email_codes.spend_try(kept.address_digest, kept.id, most=self.policy.tries, at=now)
            if asked is None:
                raise EmailCodeWrong
            attempt = Attempt.by_stranger(asked.email, client)
            blocks = attempt.count(uow, policy=self.attempt_policy, at=now)
        try:
            if not self.codes.are(code, Purpose.EMAIL_CODE, kept.code_payload):
                raise EmailCodeWrong
            opened, account = Retrying(self._open)(asked, attempt, client)
        except EmailCodeWrong:
            self._remember_failure(asked, blocks)
            raise
        return self.open_session.answer(opened, account, device_id=None, at=self.clock.now())

    def _remember_failure(self, asked: EmailCode, blocks: bool) -> None:
        with self.autocommit() as database:
            found = database.accounts.find_by_email(asked.email)
        account_id, now = found.id if found else None, self.clock.now()
        remember_failure(
            self.unit_of_work, "sign_in_with_email_code", EmailCodeWrong, account_id, blocks=blocks, at=now
        )

    def _open(self, asked: EmailCode, attempt: Attempt, client: Client) -> tuple[Session | Asked, Account]:
        now = self.clock.now()
        with self.unit_of_work() as uow:
            found = uow.accounts.find_by_email(asked.email)
            if found is None:
                raise EmailCodeWrong
            account = uow.accounts.lock(found.id)
            # An address that nobody has proved may hold what a stranger planted: only its sign-up proves it.
            if not account.is_active or account.email != asked.email or not account.email_verified_at:
                raise EmailCodeWrong
            if not uow.email_codes.take(asked.email.digest, asked.id):
                raise EmailCodeWrong
            uow.email_codes.void(asked.email.digest)  # the same code would open for whoever else asked
            opened = self.open_session.after_first_factor(
                uow, account, amr=("email",), device=None, client=client, at=now
            )
            attempt.take_back(uow, at=now)
        return opened, account
