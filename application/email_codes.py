"""Signing in by a code in a mail."""

from dataclasses import dataclass

from application.attempts import Attempt
from application.one_time_tokens import read_one_time_token
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
from domain.email_codes import EmailCode, EmailCodePolicy, EmailCodeWrong
from domain.kernel import EmailCodeId
from domain.mail import MailKind, MailPolicy
from domain.one_time_tokens import OneTimeToken, Purpose
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
            goes_at = uow.mail.request(
                MailKind.EMAIL_CODE, address, ids={"code_id": str(id)}, policy=self.mail_policy, at=now
            )
            # From when its mail may go: a stranger's requests before it must not make it wait until it has expired.
            expires_at = goes_at + self.policy.lifetime
            uow.email_codes.add(EmailCode(id=id, email=address, created_at=now, expires_at=expires_at))
        return self.tokens.issue(Purpose.EMAIL_CODE, email_code_payload(address, id))


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
        named = read_one_time_token(self.tokens, Purpose.EMAIL_CODE, browser_token)
        if named is None:
            raise EmailCodeWrong
        digest, id, now = named.address_digest, EmailCodeId(named.id), self.clock.now()
        with self.unit_of_work() as uow:
            asked = uow.email_codes.spend_try(digest, id, most=self.policy.tries, at=now)
            if asked is None:
                raise EmailCodeWrong
            attempt = Attempt.by_stranger(asked.email, client)
            blocks = attempt.count(uow, policy=self.attempt_policy, at=now)
        try:
            if not self.codes.are(code, Purpose.EMAIL_CODE, named.pack()):
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
            opened = self.open_session.after_first_factor(
                uow, account, amr=("email",), device=None, client=client, at=now
            )
            attempt.take_back(uow, at=now)
        return opened, account


def email_code_payload(address: EmailAddress, id: EmailCodeId) -> bytes:
    """What the code is derived from, and what the browser's token names."""
    return OneTimeToken.of_address(address.digest, id).pack()
