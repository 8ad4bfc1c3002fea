"""All use cases over the memory adapter, wired by hand, and the people who use them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from adapters.environment import Uuid7Ids
from adapters.memory import MemoryDatabase
from adapters.security.ec_keys import EcKeyMaker
from adapters.security.opaque_tokens import HmacTokens
from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application.access import Authenticate
from application.accounts import CloseAccount, ExportAccount, RenameAccount
from application.claims import RegisterAccount, ResendVerification, VerifyAccount
from application.email_changes import ConfirmEmailChange, RequestEmailChange
from application.mail import ComposeMail, SendQueuedMail
from application.operators import (
    AppointOperator,
    EndSessionsOf,
    ListAccounts,
    ReactivateAccount,
    RenameAccountOf,
    SendPasswordReset,
    ShowAccount,
    SuspendAccount,
)
from application.passwords import (
    ChangePassword,
    ConfirmPasswordReset,
    JudgePassword,
    ProvePassword,
    RequestPasswordReset,
)
from application.ports.mail import OutgoingMail
from application.ports.outbox import OutboxEvent
from application.sessions import (
    EndOtherSessions,
    EndSession,
    IssueTokens,
    ListSessions,
    RefreshSession,
    SignedIn,
    SignIn,
    SignOut,
)
from application.signing_keys import (
    KeyRing,
    ListKeys,
    MakeKey,
    PrepareKeys,
    PublishKeys,
    RevokeKey,
    RevokeRetired,
    RewrapKeys,
    RotateKeys,
)
from application.sweep import Sweep
from domain.access import Principal
from domain.accounts import Account, EmailAddress
from domain.attempts import AttemptPolicy
from domain.claims import RegistrationPolicy
from domain.kernel import AccountId, SessionId
from domain.mail import MailPolicy, QueuedMail
from domain.passwords import PasswordPolicy
from domain.sessions import Client, Session, SessionPolicy
from domain.signing_keys import KeyPolicy
from tests.application.fakes import (
    EasyStrength,
    FastHasher,
    FewCommonPasswords,
    Journal,
    JsonAccessTokens,
    RecordingMailer,
    RememberingIds,
    Watched,
)
from tests.builders import NOON, FixedClock, an_active_account

ADA, EVE = "ada@example.com", "eve@example.org"
PASSWORD, ANOTHER = "violet quartz lantern", "seven brass otters"
HOME = Client(user_agent="Firefox", network="192.0.2.1/32")
ELSEWHERE = Client(user_agent="curl", network="198.51.100.9/32")
PUBLIC_URL = "https://id.example.com"
SECOND = timedelta(seconds=1)


class World:
    """It is noon, nobody has an account, and what is done stands in `journal`."""

    def __init__(self, *, registration: RegistrationPolicy | None = None, secret: SecretKeys | None = None) -> None:
        self.journal: Journal = []
        self.clock = clock = FixedClock()
        self.ids = ids = RememberingIds(Uuid7Ids())
        self.hasher = hasher = FastHasher(self.journal)
        self.mailer = mailer = RecordingMailer(self.journal)
        self.tokens = tokens = HmacTokens(SecretKeys("a secret of the tests"))
        self.database = database = Watched(MemoryDatabase(ids=ids), self.journal)
        unit_of_work, autocommit = database.unit_of_work, database.autocommit

        registration = registration or RegistrationPolicy()
        mail_policy, attempts, session_policy = MailPolicy(), AttemptPolicy(), SessionPolicy()
        key_policy, password_policy = KeyPolicy(), PasswordPolicy()
        judge = JudgePassword(policy=password_policy, common=FewCommonPasswords(), strength=EasyStrength())
        prove = ProvePassword(unit_of_work=unit_of_work, passwords=hasher, policy=attempts, clock=clock)
        access_tokens = JsonAccessTokens()
        issue = IssueTokens(access_tokens=access_tokens, opaque_tokens=tokens, policy=session_policy, ids=ids)
        self.judge = judge

        self.register = RegisterAccount(
            unit_of_work=unit_of_work,
            judge=judge,
            passwords=hasher,
            policy=registration,
            mail_policy=mail_policy,
            clock=clock,
            ids=ids,
        )
        self.resend = ResendVerification(unit_of_work=unit_of_work, mail_policy=mail_policy, clock=clock)
        self.verify = VerifyAccount(
            unit_of_work=unit_of_work, passwords=hasher, tokens=tokens, policy=registration, clock=clock, ids=ids
        )

        self.authenticate = Authenticate(autocommit=autocommit, access_tokens=access_tokens, clock=clock)
        self.sign_in = SignIn(
            unit_of_work=unit_of_work,
            passwords=hasher,
            opaque_tokens=tokens,
            issue_tokens=issue,
            policy=session_policy,
            attempt_policy=attempts,
            clock=clock,
            ids=ids,
        )
        self.refresh = RefreshSession(
            unit_of_work=unit_of_work,
            autocommit=autocommit,
            opaque_tokens=tokens,
            issue_tokens=issue,
            policy=session_policy,
            clock=clock,
            ids=ids,
        )
        self.sign_out = SignOut(unit_of_work=unit_of_work, clock=clock)
        self.list_sessions = ListSessions(autocommit=autocommit, clock=clock)
        self.end_session = EndSession(unit_of_work=unit_of_work, clock=clock)
        self.end_other_sessions = EndOtherSessions(unit_of_work=unit_of_work, clock=clock)

        self.rename = RenameAccount(unit_of_work=unit_of_work, clock=clock)
        self.close = CloseAccount(unit_of_work=unit_of_work, prove=prove, clock=clock, ids=ids)
        self.export = ExportAccount(autocommit=autocommit, clock=clock)
        self.change_password = ChangePassword(
            unit_of_work=unit_of_work, judge=judge, prove=prove, passwords=hasher, clock=clock, ids=ids
        )
        self.request_reset = RequestPasswordReset(
            unit_of_work=unit_of_work, policy=password_policy, mail_policy=mail_policy, clock=clock, ids=ids
        )
        self.confirm_reset = ConfirmPasswordReset(
            unit_of_work=unit_of_work,
            autocommit=autocommit,
            judge=judge,
            passwords=hasher,
            tokens=tokens,
            session_policy=session_policy,
            clock=clock,
            ids=ids,
        )
        self.request_email_change = RequestEmailChange(
            unit_of_work=unit_of_work,
            prove=prove,
            lifetime=timedelta(hours=24),
            mail_policy=mail_policy,
            clock=clock,
            ids=ids,
        )
        self.confirm_email_change = ConfirmEmailChange(unit_of_work=unit_of_work, tokens=tokens, clock=clock, ids=ids)

        self.appoint_operator = AppointOperator(
            unit_of_work=unit_of_work, judge=judge, passwords=hasher, clock=clock, ids=ids
        )
        self.list_accounts = ListAccounts(autocommit=autocommit)
        self.show_account = ShowAccount(autocommit=autocommit)
        self.rename_account_of = RenameAccountOf(unit_of_work=unit_of_work, clock=clock)
        self.suspend = SuspendAccount(unit_of_work=unit_of_work, clock=clock, ids=ids)
        self.reactivate = ReactivateAccount(unit_of_work=unit_of_work, clock=clock, ids=ids)
        self.end_sessions_of = EndSessionsOf(unit_of_work=unit_of_work, clock=clock)
        self.send_password_reset = SendPasswordReset(autocommit=autocommit, request_reset=self.request_reset)

        self.key_maker = EcKeyMaker()
        self.vault = AesVault(secret or SecretKeys("the secret of the keys"))
        make_key = MakeKey(keys=self.key_maker, vault=self.vault, ids=ids)
        self.key_ring = self.another_key_ring()
        self.prepare_keys = PrepareKeys(unit_of_work=unit_of_work, make_key=make_key, clock=clock)
        self.rotate_keys = RotateKeys(unit_of_work=unit_of_work, make_key=make_key, policy=key_policy, clock=clock)
        self.revoke_key = RevokeKey(unit_of_work=unit_of_work, make_key=make_key, clock=clock)
        self.list_keys = ListKeys(autocommit=autocommit)
        self.publish_keys = PublishKeys(key_ring=self.key_ring, keys=self.key_maker)
        self.revoke_retired = RevokeRetired(unit_of_work=unit_of_work, policy=key_policy, clock=clock)

        self.compose = ComposeMail(autocommit=autocommit, tokens=tokens, public_url=PUBLIC_URL, clock=clock)
        self.send_queued_mail = SendQueuedMail(
            unit_of_work=unit_of_work, compose=self.compose, mailer=mailer, policy=mail_policy, clock=clock
        )
        self.sweep = Sweep(
            unit_of_work=unit_of_work,
            revoke_retired=self.revoke_retired,
            keep_sent_mail=timedelta(days=30),
            clock=clock,
            batch=2,
        )

    def another_key_ring(self, vault: AesVault | None = None) -> KeyRing:
        """That of another process."""
        return KeyRing(
            autocommit=self.database.autocommit, vault=vault or self.vault, policy=KeyPolicy(), clock=self.clock
        )

    def rewrap_under(self, secret: SecretKeys) -> int:
        return RewrapKeys(unit_of_work=self.database.unit_of_work, vault=AesVault(secret), clock=self.clock)()

    # ---- people

    def an_account(self, email: str = ADA, password: str = PASSWORD, *, verified: bool = True) -> Account:
        """It has been there for long: making it left no trace in journal or outbox."""
        account = an_active_account(
            id=AccountId(self.ids.new()),
            email=EmailAddress(email),
            email_verified_at=NOON if verified else None,
            display_name="Ada",
            password_hash=f"{self.hasher.scheme}${password}",
        )
        with self.database.persistence.unit_of_work() as uow:
            uow.accounts.add(account)
        return account

    def enter(
        self,
        email: str = ADA,
        password: str = PASSWORD,
        *,
        client: Client = HOME,
        device_token: str | None = None,
    ) -> SignedIn:
        return self.sign_in(email=email, password=password, client=client, device_token=device_token)

    def who(self, signed_in: SignedIn) -> Principal:
        return self.authenticate(signed_in.access_token)

    def somebody(self, email: str = ADA) -> Principal:
        """An account, signed in."""
        self.an_account(email)
        return self.who(self.enter(email))

    def an_operator(self, email: str = "root@example.net") -> Principal:
        self.appoint_operator(email=email, password=PASSWORD)
        return self.who(self.enter(email))

    # ---- what there is

    def account(self, id: AccountId) -> Account:
        with self.database.persistence.autocommit() as database:
            account: Account = database.accounts.get(id)
        return account

    def change(self, account: Account) -> None:
        """As if it had always been so."""
        with self.database.persistence.unit_of_work() as uow:
            uow.accounts.save(replace(account, version=uow.accounts.get(account.id).version, events=()))

    def sessions(self, account_id: AccountId) -> list[Session]:
        with self.database.persistence.autocommit() as database:
            sessions: list[Session] = database.sessions.page(account_id, limit=100, after=None, at=self.clock.now())[0]
        return sessions

    def session(self, account_id: AccountId, id: SessionId) -> Session:
        with self.database.persistence.autocommit() as database:
            session: Session | None = database.sessions.find(account_id, id)
        assert session
        return session

    def events(self) -> list[OutboxEvent]:
        """The whole outbox, oldest first."""
        with self.database.persistence.autocommit() as database:
            found = {e.id: e for id in set(self.ids.given) for e in database.outbox.of_owner(id, limit=10_000)}
        return [found[id] for id in sorted(found)]

    def event_names(self) -> list[str]:
        return [event.name for event in self.events()]

    # ---- mail

    def queued(self, address: str) -> list[QueuedMail]:
        """What is kept about mail to that address, newest first."""
        with self.database.persistence.autocommit() as database:
            mail: list[QueuedMail] = database.mail.of_address(EmailAddress(address))
        return mail

    def deliver(self) -> list[OutgoingMail]:
        """Send what is due; return what went out."""
        before = len(self.mailer.sent)
        while self.send_queued_mail():
            pass
        return self.mailer.sent[before:]

    def mailed(self, template: str) -> OutgoingMail:
        """Send what is due; return the one mail of that kind that went out."""
        (mail,) = [mail for mail in self.deliver() if mail.template == template]
        return mail

    def mailed_token(self, template: str) -> str:
        return self.mailed(template).values["token"]

    # ---- work

    @contextmanager
    def work(self) -> Iterator[Journal]:
        """What is done meanwhile: hashes, transactions, each call of a repository."""
        done: Journal = []
        before = len(self.journal)
        yield done
        done += self.journal[before:]
