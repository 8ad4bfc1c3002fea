"""All use cases over the memory adapter, or another one that is given, wired by hand."""

from datetime import timedelta

from adapters.environment import SystemSecrets, Uuid7Ids
from adapters.memory import MemoryDatabase
from adapters.security.derived_codes import HmacCodes
from adapters.security.ec_keys import EcKeyMaker
from adapters.security.opaque_tokens import HmacTokens
from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application.access import Authenticate
from application.account_exports import ExportAccount
from application.accounts import CloseAccount, RenameAccount
from application.assurance import StepUp
from application.claims import RegisterAccount, ResendVerification, VerifyAccount
from application.email_changes import ConfirmEmailChange, RequestEmailChange
from application.email_codes import RequestEmailCode, SignInWithEmailCode
from application.factor_proofs import ProveFactor
from application.factor_resets import ResetFactors, ResetFactorsByEmail
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
from application.passkeys import (
    BeginPasskey,
    BeginPasskeySignIn,
    ListPasskeys,
    RegisterPasskey,
    RemovePasskey,
    RenamePasskey,
    SignInWithPasskey,
)
from application.passwords import (
    ChangePassword,
    ConfirmPasswordReset,
    JudgePassword,
    ProvePassword,
    RequestPasswordReset,
)
from application.ports.unit_of_work import Persistence
from application.recovery_codes import MakeRecoveryCodes
from application.second_factors import ShowFactors
from application.sessions import EndOtherSessions, EndSession, IssueTokens, ListSessions, RefreshSession, SignOut
from application.signing_in import FinishSignIn, OpenSession, SignIn
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
from application.totp import BeginTotp, ConfirmTotp, RemoveTotp
from application.trusted_devices import DistrustDevice, ListTrustedDevices
from domain.assurance import AssurancePolicy
from domain.attempts import AttemptPolicy
from domain.claims import RegistrationPolicy
from domain.email_codes import EmailCodePolicy
from domain.mail import MailPolicy
from domain.passwords import PasswordPolicy
from domain.second_factors import FactorPolicy
from domain.sessions import SessionPolicy
from domain.signing_keys import KeyPolicy
from tests.application.factor_fakes import PlainPasskeys, PlainTotp
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
from tests.application.organization_use_cases import OrganizationUseCases
from tests.builders import FixedClock

PUBLIC_URL = "https://id.example.com"
BACKENDS = ("invoices.example", "ledger.example")


class UseCases(OrganizationUseCases):
    """It is noon, nothing has happened yet, and what is done stands in `journal`."""

    def __init__(
        self,
        *,
        registration: RegistrationPolicy | None = None,
        secret: SecretKeys | None = None,
        persistence: Persistence | None = None,
    ) -> None:
        self.journal: Journal = []
        self.clock = clock = FixedClock()
        self.ids = ids = RememberingIds(Uuid7Ids())
        self.hasher = hasher = FastHasher(self.journal)
        self.mailer = mailer = RecordingMailer(self.journal)
        tokens_secret = SecretKeys("a secret of the tests")
        self.tokens = tokens = HmacTokens(tokens_secret)
        self.database = database = Watched(persistence or MemoryDatabase(ids=ids), self.journal)
        unit_of_work, autocommit = database.unit_of_work, database.autocommit

        registration = registration or RegistrationPolicy()
        mail_policy, attempts, session_policy = MailPolicy(), AttemptPolicy(), SessionPolicy()
        key_policy, password_policy = KeyPolicy(), PasswordPolicy()
        judge = JudgePassword(policy=password_policy, common=FewCommonPasswords(), strength=EasyStrength())
        prove = ProvePassword(unit_of_work=unit_of_work, passwords=hasher, policy=attempts, clock=clock)
        access_tokens = JsonAccessTokens()
        issue = IssueTokens(
            access_tokens=access_tokens, opaque_tokens=tokens, policy=session_policy, ids=ids, audiences=BACKENDS
        )
        secrets = HmacSecretHasher(secret or tokens_secret)
        self.judge = judge

        self.totp, self.passkeys, self.codes = PlainTotp(), PlainPasskeys(), HmacCodes(tokens_secret)
        totp, passkeys, random = self.totp, self.passkeys, SystemSecrets()
        self.vault = vault = AesVault(secret or SecretKeys("the secret of the keys"))
        assurance, factor_policy, code_policy = AssurancePolicy(), FactorPolicy(), EmailCodePolicy()
        prove_factor = ProveFactor(
            totp=totp, passkeys=passkeys, secret_hasher=secrets, vault=vault, policy=factor_policy, ids=ids
        )
        open_session = OpenSession(
            issue_tokens=issue,
            opaque_tokens=tokens,
            passkeys=passkeys,
            policy=session_policy,
            factor_policy=factor_policy,
            secrets=random,
            ids=ids,
        )

        self.register = RegisterAccount(
            unit_of_work=unit_of_work,
            autocommit=autocommit,
            judge=judge,
            passwords=hasher,
            tokens=tokens,
            policy=registration,
            mail_policy=mail_policy,
            clock=clock,
            ids=ids,
        )
        self.resend = ResendVerification(unit_of_work=unit_of_work, mail_policy=mail_policy, clock=clock)
        self.verify = VerifyAccount(
            unit_of_work=unit_of_work, passwords=hasher, tokens=tokens, policy=registration, clock=clock, ids=ids
        )

        self.authenticate = Authenticate(
            autocommit=autocommit, access_tokens=access_tokens, secrets=secrets, clock=clock
        )
        self.sign_in = SignIn(
            unit_of_work=unit_of_work,
            passwords=hasher,
            opaque_tokens=tokens,
            open_session=open_session,
            attempt_policy=attempts,
            clock=clock,
        )
        self.finish_sign_in = FinishSignIn(
            unit_of_work=unit_of_work,
            tokens=tokens,
            prove=prove_factor,
            open_session=open_session,
            policy=factor_policy,
            clock=clock,
            ids=ids,
        )
        self.step_up = StepUp(
            unit_of_work=unit_of_work,
            tokens=tokens,
            prove_password=prove,
            prove=prove_factor,
            issue_tokens=issue,
            policy=session_policy,
            factor_policy=factor_policy,
            clock=clock,
            ids=ids,
        )
        self.request_email_code = RequestEmailCode(
            unit_of_work=unit_of_work, tokens=tokens, policy=code_policy, mail_policy=mail_policy, clock=clock, ids=ids
        )
        self.sign_in_with_email_code = SignInWithEmailCode(
            unit_of_work=unit_of_work,
            tokens=tokens,
            codes=self.codes,
            open_session=open_session,
            policy=code_policy,
            attempt_policy=attempts,
            clock=clock,
        )

        self.begin_totp = BeginTotp(
            unit_of_work=unit_of_work,
            totp=totp,
            vault=vault,
            policy=factor_policy,
            assurance=assurance,
            issuer="Portico",
            clock=clock,
        )
        self.confirm_totp = ConfirmTotp(
            unit_of_work=unit_of_work,
            totp=totp,
            vault=vault,
            issue_tokens=issue,
            policy=session_policy,
            assurance=assurance,
            clock=clock,
            ids=ids,
        )
        self.remove_totp = RemoveTotp(
            unit_of_work=unit_of_work, prove=prove_factor, assurance=assurance, clock=clock, ids=ids
        )
        self.make_recovery_codes = MakeRecoveryCodes(
            unit_of_work=unit_of_work, secrets=random, secret_hasher=secrets, assurance=assurance, clock=clock, ids=ids
        )
        self.show_factors = ShowFactors(autocommit=autocommit)
        self.reset_factors = ResetFactors(unit_of_work=unit_of_work, assurance=assurance, clock=clock, ids=ids)
        self.reset_factors_by_email = ResetFactorsByEmail(unit_of_work=unit_of_work, clock=clock, ids=ids)

        self.begin_passkey = BeginPasskey(
            unit_of_work=unit_of_work,
            passkeys=passkeys,
            tokens=tokens,
            secrets=random,
            policy=factor_policy,
            assurance=assurance,
            clock=clock,
            ids=ids,
        )
        self.register_passkey = RegisterPasskey(
            unit_of_work=unit_of_work,
            passkeys=passkeys,
            tokens=tokens,
            policy=factor_policy,
            assurance=assurance,
            clock=clock,
            ids=ids,
        )
        self.list_passkeys = ListPasskeys(autocommit=autocommit)
        self.rename_passkey = RenamePasskey(unit_of_work=unit_of_work, clock=clock)
        self.remove_passkey = RemovePasskey(
            unit_of_work=unit_of_work, prove=prove_factor, assurance=assurance, clock=clock, ids=ids
        )
        self.begin_passkey_sign_in = BeginPasskeySignIn(
            autocommit=autocommit,
            passkeys=passkeys,
            tokens=tokens,
            secrets=random,
            policy=factor_policy,
            clock=clock,
            ids=ids,
        )
        self.sign_in_with_passkey = SignInWithPasskey(
            unit_of_work=unit_of_work,
            passkeys=passkeys,
            tokens=tokens,
            open_session=open_session,
            policy=factor_policy,
            clock=clock,
            ids=ids,
        )
        self.list_trusted_devices = ListTrustedDevices(autocommit=autocommit, clock=clock)
        self.distrust_device = DistrustDevice(unit_of_work=unit_of_work, clock=clock)

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
        self.end_session = EndSession(assurance=assurance, unit_of_work=unit_of_work, clock=clock)
        self.end_other_sessions = EndOtherSessions(assurance=assurance, unit_of_work=unit_of_work, clock=clock)

        self.rename = RenameAccount(unit_of_work=unit_of_work, clock=clock)
        self.close = CloseAccount(assurance=assurance, unit_of_work=unit_of_work, prove=prove, clock=clock, ids=ids)
        self.export = ExportAccount(autocommit=autocommit, clock=clock)
        self.change_password = ChangePassword(
            assurance=assurance,
            unit_of_work=unit_of_work,
            judge=judge,
            prove=prove,
            passwords=hasher,
            clock=clock,
            ids=ids,
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
            assurance=assurance,
            unit_of_work=unit_of_work,
            prove=prove,
            lifetime=timedelta(hours=24),
            mail_policy=mail_policy,
            clock=clock,
            ids=ids,
        )
        self.confirm_email_change = ConfirmEmailChange(
            assurance=assurance, unit_of_work=unit_of_work, tokens=tokens, clock=clock, ids=ids
        )

        self.appoint_operator = AppointOperator(
            unit_of_work=unit_of_work, judge=judge, passwords=hasher, clock=clock, ids=ids
        )
        self.list_accounts = ListAccounts(assurance=assurance, autocommit=autocommit)
        self.show_account = ShowAccount(assurance=assurance, autocommit=autocommit)
        self.rename_account_of = RenameAccountOf(assurance=assurance, unit_of_work=unit_of_work, clock=clock)
        self.suspend = SuspendAccount(assurance=assurance, unit_of_work=unit_of_work, clock=clock, ids=ids)
        self.reactivate = ReactivateAccount(assurance=assurance, unit_of_work=unit_of_work, clock=clock, ids=ids)
        self.end_sessions_of = EndSessionsOf(assurance=assurance, unit_of_work=unit_of_work, clock=clock)
        self.send_password_reset = SendPasswordReset(
            assurance=assurance, autocommit=autocommit, request_reset=self.request_reset
        )

        self.offer_organizations(
            unit_of_work=unit_of_work,
            autocommit=autocommit,
            tokens=tokens,
            issue_tokens=issue,
            secret_hasher=secrets,
            secrets=random,
            assurance=assurance,
            mail_policy=mail_policy,
            clock=clock,
            ids=ids,
        )

        self.key_maker = EcKeyMaker()
        make_key = MakeKey(keys=self.key_maker, vault=vault, ids=ids)
        self.key_ring = self.another_key_ring()
        self.prepare_keys = PrepareKeys(unit_of_work=unit_of_work, make_key=make_key, clock=clock)
        self.rotate_keys = RotateKeys(unit_of_work=unit_of_work, make_key=make_key, policy=key_policy, clock=clock)
        self.revoke_key = RevokeKey(unit_of_work=unit_of_work, make_key=make_key, clock=clock)
        self.list_keys = ListKeys(autocommit=autocommit)
        self.publish_keys = PublishKeys(key_ring=self.key_ring, keys=self.key_maker)
        self.revoke_retired = RevokeRetired(unit_of_work=unit_of_work, policy=key_policy, clock=clock)

        self.compose = ComposeMail(
            autocommit=autocommit, tokens=tokens, codes=self.codes, public_url=PUBLIC_URL, clock=clock
        )
        self.send_queued_mail = SendQueuedMail(
            unit_of_work=unit_of_work, compose=self.compose, mailer=mailer, policy=mail_policy, clock=clock
        )
        self.sweep = Sweep(
            unit_of_work=unit_of_work,
            revoke_retired=self.revoke_retired,
            remove_deleted_organizations=self.remove_deleted_organizations,
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
