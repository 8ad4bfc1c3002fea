"""Changing the address of an account: the new one is proved, the old one is told."""

from dataclasses import dataclass
from datetime import timedelta

from application.access import lock_owner
from application.notices import notify
from application.one_time_tokens import read_one_time_token
from application.passwords import ProvePassword, lock_proved, void_what_was_handed_out
from application.ports.environment import Clock, Ids
from application.ports.security import OpaqueTokens
from application.ports.unit_of_work import Begin
from domain.access import Principal
from domain.accounts import EmailAddress
from domain.assurance import AssurancePolicy
from domain.email_changes import EmailChange, EmailUnchanged
from domain.kernel import EmailChangeId
from domain.mail import MailKind, MailPolicy
from domain.one_time_tokens import Purpose, TokenInvalid


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEmailChange:
    """The owner names a new address; it counts once its mail was read. Whether it has an account is not told."""

    unit_of_work: Begin
    prove: ProvePassword
    assurance: AssurancePolicy
    lifetime: timedelta
    mail_policy: MailPolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, new_email: str, password: str) -> None:
        """Raise StepUpRequired, InvalidEmail, EmailUnchanged, WrongPassword, TooManyAttempts."""
        principal.must_be_fresh(self.assurance, at=self.clock.now())
        account = principal.account
        address = EmailAddress.parse(new_email, field="new_email")
        if address == account.email:
            raise EmailUnchanged("That is the address of this account already.", field="new_email")
        self.prove(principal, password)
        now = self.clock.now()
        change = EmailChange.request(
            id=EmailChangeId(self.ids.new()),
            account_id=account.id,
            new_email=address,
            lifetime=self.lifetime,
            at=now,
        )
        ids = {"account_id": str(account.id), "change_id": str(change.id)}
        with self.unit_of_work() as uow:
            current = lock_proved(uow, principal, at=now)
            uow.email_changes.put(change)
            uow.mail.request(MailKind.EMAIL_CHANGE, address, ids=ids, policy=self.mail_policy, at=now)
            notify(uow, MailKind.EMAIL_CHANGE_REQUESTED, current, ids=self.ids, at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmEmailChange:
    """The owner, signed in, presents the token that the new address received."""

    unit_of_work: Begin
    tokens: OpaqueTokens
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, token: str) -> None:
        """Raise StepUpRequired, TokenInvalid, or EmailTaken if the address has got an account meanwhile."""
        principal.must_be_fresh(self.assurance, at=self.clock.now())
        proof = read_one_time_token(self.tokens, Purpose.EMAIL_CHANGE, token)
        if proof is None:
            raise TokenInvalid
        if proof.account_id != principal.account.id:
            raise TokenInvalid
        now = self.clock.now()
        with self.unit_of_work() as uow:
            current = lock_owner(uow, principal, at=now)
            change = uow.email_changes.take(current.id, EmailChangeId(proof.id), at=now)
            if change is None:
                raise TokenInvalid
            uow.accounts.save(current.change_email(change.new_email, at=now))
            void_what_was_handed_out(uow, current)
            uow.attempts.forget(current.email.digest)
            notify(uow, MailKind.EMAIL_CHANGED, current, ids=self.ids, at=now)
