"""Sending what was queued. The token of a mail is derived here, at the last moment, and stands in no table."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from application.email_codes import email_code_payload
from application.ports.environment import Clock
from application.ports.factors import DerivedCodes
from application.ports.mail import Mailer, MailNotSent, OutgoingMail
from application.ports.security import OpaqueTokens
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.accounts import EmailAddress
from domain.email_changes import EmailChange
from domain.kernel import (
    AccountId,
    ClaimId,
    EmailCodeId,
    InvitationId,
    OrganizationId,
    PasswordResetId,
    Stale,
    WebhookId,
)
from domain.mail import MailKind, MailPolicy, QueuedMail
from domain.one_time_tokens import OneTimeToken, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeMail:
    """What a queued mail has to say now: the account is looked up here, where nobody waits for the answer."""

    autocommit: Begin
    tokens: OpaqueTokens
    codes: DerivedCodes
    public_url: str
    """Where links start, never from a Host header (ASVS 13.1.1). Tokens stand in the fragment, which no log sees."""
    clock: Clock

    def __call__(self, mail: QueuedMail) -> OutgoingMail | None:
        """None if there is nothing to say any more, or never was."""
        if mail.address is None:
            return None
        with self.autocommit() as database:
            match mail.kind:
                case MailKind.VERIFICATION:
                    return self._verification(mail, mail.address, database)
                case MailKind.PASSWORD_RESET:
                    return self._password_reset(mail, mail.address, database)
                case MailKind.EMAIL_CHANGE:
                    return self._email_change(mail, mail.address, database)
                case MailKind.INVITATION:
                    return self._invitation(mail, mail.address, database)
                case MailKind.EMAIL_CODE:
                    return self._email_code(mail, mail.address, database)
                case MailKind.WEBHOOK_DISABLED:
                    return self._webhook_disabled(mail, mail.address, database)
                case notice:
                    return self._about(mail.address, notice.value)

    def _verification(self, mail: QueuedMail, to: EmailAddress, database: UnitOfWork) -> OutgoingMail | None:
        now = self.clock.now()
        if "claim_id" in mail.ids:
            claim = database.claims.find(to.digest, ClaimId(UUID(mail.ids["claim_id"])))
        else:
            claim = database.claims.newest(to.digest, at=now)
        if claim is None or claim.expires_at <= now:
            return None
        account = database.accounts.find_by_email(to)
        if account and account.email_verified_at:
            return self._about(to, "account_exists")
        token = OneTimeToken.of_address(to.digest, claim.id)
        return self._with_token(to, "verification", "verify", Purpose.VERIFICATION, token, claim.expires_at, now)

    def _password_reset(self, mail: QueuedMail, to: EmailAddress, database: UnitOfWork) -> OutgoingMail | None:
        now = self.clock.now()
        reset = database.password_resets.find(to.digest, PasswordResetId(UUID(mail.ids["reset_id"])), at=now)
        account = database.accounts.find_by_email(to)
        if reset is None or account is None or not account.is_active:
            return None
        token = OneTimeToken.of_address(to.digest, reset.id)
        return self._with_token(
            to, "password_reset", "reset-password", Purpose.PASSWORD_RESET, token, reset.expires_at, now
        )

    def _email_change(self, mail: QueuedMail, to: EmailAddress, database: UnitOfWork) -> OutgoingMail | None:
        now = self.clock.now()
        account_id = AccountId(UUID(mail.ids["account_id"]))
        change: EmailChange | None = database.email_changes.find(account_id, at=now)
        if change is None or str(change.id) != mail.ids["change_id"]:
            return None
        if database.accounts.find_by_email(to):
            return self._about(to, "email_change_taken")
        token = OneTimeToken.of_account(account_id, change.id)
        return self._with_token(
            to, "email_change", "confirm-email", Purpose.EMAIL_CHANGE, token, change.expires_at, now
        )

    def _invitation(self, mail: QueuedMail, to: EmailAddress, database: UnitOfWork) -> OutgoingMail | None:
        now = self.clock.now()
        organization_id = OrganizationId(UUID(mail.ids["organization_id"]))
        invitation = database.invitations.find(organization_id, InvitationId(UUID(mail.ids["invitation_id"])), at=now)
        organization = database.organizations.some({organization_id}).get(organization_id)
        if invitation is None or organization is None:
            return None
        token = OneTimeToken.of_organization(organization_id, invitation.id)
        composed = self._with_token(
            to, "invitation", "accept-invitation", Purpose.INVITATION, token, invitation.expires_at, now
        )
        return replace(composed, values={**composed.values, "organization": organization.name})

    def _email_code(self, mail: QueuedMail, to: EmailAddress, database: UnitOfWork) -> OutgoingMail | None:
        now = self.clock.now()
        asked = database.email_codes.find(to.digest, EmailCodeId(UUID(mail.ids["code_id"])), at=now)
        account = database.accounts.find_by_email(to)
        if asked is None or account is None or not account.is_active or not account.email_verified_at:
            return None
        code = self.codes.digits(Purpose.EMAIL_CODE, email_code_payload(to, asked.id))
        minutes = max(1, round((asked.expires_at - now).total_seconds() / 60))
        values = {"public_url": self.public_url, "code": code, "minutes": str(minutes)}
        return OutgoingMail(to=to, template="email_code", values=values)

    def _webhook_disabled(self, mail: QueuedMail, to: EmailAddress, database: UnitOfWork) -> OutgoingMail | None:
        webhook_id = WebhookId(UUID(mail.ids["webhook_id"]))
        endpoint = database.webhooks.find(UUID(mail.ids["owner_id"]), webhook_id)
        if endpoint is None or endpoint.is_active:
            return None
        about = self._about(to, mail.kind.value)
        # Not the whole address: its path may hold what opens the receiver.
        values = {"host": urlsplit(endpoint.url).hostname or "", "webhook_id": str(endpoint.id)}
        return replace(about, values={**about.values, **values})

    def _about(self, to: EmailAddress, template: str) -> OutgoingMail:
        return OutgoingMail(to=to, template=template, values={"public_url": self.public_url})

    def _with_token(
        self,
        to: EmailAddress,
        template: str,
        page: str,
        purpose: Purpose,
        token: OneTimeToken,
        expires_at: datetime,
        now: datetime,
    ) -> OutgoingMail:
        text = self.tokens.issue(purpose, token.pack())
        minutes = max(1, round((expires_at - now).total_seconds() / 60))
        values = {
            "public_url": self.public_url,
            "link": f"{self.public_url}/{page}#token={text}",
            "token": text,
            "minutes": str(minutes),
            "hours": str(max(1, round(minutes / 60))),
        }
        return OutgoingMail(to=to, template=template, values=values)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendQueuedMail:
    """Mail goes out at least once, in its time, whatever the mail server does meanwhile.

    Mails are leased, so that any number of relays may run; the call to the mail server is made outside any transaction.
    Those that have nothing to say are settled first and together: anybody can queue them, for any address.
    """

    unit_of_work: Begin
    compose: ComposeMail
    mailer: Mailer
    policy: MailPolicy
    clock: Clock
    batch: int = 20

    def __call__(self) -> bool:
        """Handle those that have been due longest. False means that none is due.

        What goes wrong with one other than MailNotSent holds up no other: it is raised when all are handled.
        """
        leased_at = self.clock.now()
        with self.unit_of_work() as uow:
            leased = uow.mail.lease(limit=self.batch, lease=self.policy.lease, at=leased_at)
        bugs: list[Exception] = []
        silent: list[QueuedMail] = []
        telling: list[tuple[QueuedMail, OutgoingMail]] = []
        for mail in leased:
            try:
                outgoing = self.compose(mail)
            except Exception as bug:
                bugs.append(bug)
                silent.append(self._failed(mail, type(bug).__name__))
            else:
                if outgoing:
                    telling.append((mail, outgoing))
                else:
                    silent.append(mail.gone())
        if silent:
            self._settle(silent)
        for mail, outgoing in telling:
            if self.clock.now() - leased_at > self.policy.lease / 2:
                break  # the mail server crawls: what is left must not be sent here once its lease is another's
            try:
                self.mailer.send(outgoing)
            except MailNotSent as error:
                settled = self._failed(mail, str(error))
            except Exception as bug:
                bugs.append(bug)
                settled = self._failed(mail, type(bug).__name__)
            else:
                settled = mail.gone()
            self._settle([settled])
        if bugs:
            raise bugs[0]
        return bool(leased)

    def _failed(self, mail: QueuedMail, why: str) -> QueuedMail:
        return mail.failed(why, policy=self.policy, at=self.clock.now())

    def _settle(self, mails: list[QueuedMail]) -> None:
        with self.unit_of_work() as uow:
            for mail in mails:
                with suppress(Stale):  # requested again meanwhile: it stays queued, with what is new
                    uow.mail.settle(mail)
