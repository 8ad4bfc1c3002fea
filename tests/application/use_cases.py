"""All use cases over the memory adapter, wired by hand."""

from datetime import timedelta

from adapters.environment import SystemSecrets, Uuid7Ids
from adapters.memory import MemoryDatabase
from adapters.security.ec_keys import EcKeyMaker
from adapters.security.opaque_tokens import HmacTokens
from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application.access import Authenticate, CheckAccess, CheckAccessOfMany
from application.accounts import CloseAccount, ExportAccount, RenameAccount
from application.api_keys import (
    IssueApiKey,
    ListPersonalKeys,
    ListServiceKeys,
    MakePersonalKey,
    MakeServiceKey,
    RevokePersonalKey,
    RevokeServiceKey,
    RotatePersonalKey,
    RotateServiceKey,
)
from application.catalogue import ApplyCatalogue, PlanCatalogue
from application.claims import RegisterAccount, ResendVerification, VerifyAccount
from application.email_changes import ConfirmEmailChange, RequestEmailChange
from application.invitations import (
    AcceptInvitation,
    DeclineInvitation,
    Invite,
    ListInvitations,
    ListMyInvitations,
    RevokeInvitation,
)
from application.mail import ComposeMail, SendQueuedMail
from application.memberships import ChangeMemberRole, LeaveOrganization, ListMembers, RemoveMember
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
from application.organizations import (
    ChangeOrganization,
    DeleteOrganization,
    ListOrganizations,
    MakeOrganization,
    RemoveDeletedOrganizations,
    ShowOrganization,
)
from application.passwords import (
    ChangePassword,
    ConfirmPasswordReset,
    JudgePassword,
    ProvePassword,
    RequestPasswordReset,
)
from application.roles import ChangeRole, DeleteRole, ListRoles, MakeRole, ShowCatalogue
from application.service_accounts import (
    ChangeServiceAccount,
    DeleteServiceAccount,
    ListServiceAccounts,
    MakeServiceAccount,
)
from application.sessions import (
    EndOtherSessions,
    EndSession,
    EnterOrganization,
    IssueTokens,
    ListSessions,
    RefreshSession,
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
from domain.attempts import AttemptPolicy
from domain.claims import RegistrationPolicy
from domain.mail import MailPolicy
from domain.passwords import PasswordPolicy
from domain.sessions import SessionPolicy
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
from tests.builders import FixedClock

PUBLIC_URL = "https://id.example.com"
MOST_OWNED, MOST_A_DAY = 10, 500
BACKENDS = ("invoices.example", "ledger.example")


class UseCases:
    """It is noon, nothing has happened yet, and what is done stands in `journal`."""

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
        issue = IssueTokens(
            access_tokens=access_tokens, opaque_tokens=tokens, policy=session_policy, ids=ids, audiences=BACKENDS
        )
        secrets = HmacSecretHasher(SecretKeys("a secret of the tests"))
        self.judge = judge

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

        self.make_organization = MakeOrganization(
            unit_of_work=unit_of_work, most_owned=MOST_OWNED, clock=clock, ids=ids
        )
        self.list_organizations = ListOrganizations(autocommit=autocommit)
        self.show_organization = ShowOrganization(autocommit=autocommit)
        self.change_organization = ChangeOrganization(unit_of_work=unit_of_work, clock=clock)
        self.delete_organization = DeleteOrganization(unit_of_work=unit_of_work, clock=clock)
        self.remove_deleted_organizations = RemoveDeletedOrganizations(unit_of_work=unit_of_work, clock=clock, batch=2)
        self.enter_organization = EnterOrganization(issue_tokens=issue, clock=clock)

        self.list_members = ListMembers(autocommit=autocommit)
        self.change_member_role = ChangeMemberRole(unit_of_work=unit_of_work, clock=clock)
        self.remove_member = RemoveMember(unit_of_work=unit_of_work, clock=clock)
        self.leave_organization = LeaveOrganization(unit_of_work=unit_of_work, clock=clock)

        self.invite = Invite(
            unit_of_work=unit_of_work,
            lifetime=timedelta(hours=48),
            most_a_day=MOST_A_DAY,
            mail_policy=mail_policy,
            clock=clock,
            ids=ids,
        )
        self.list_invitations = ListInvitations(autocommit=autocommit, clock=clock)
        self.revoke_invitation = RevokeInvitation(unit_of_work=unit_of_work, clock=clock)
        self.list_my_invitations = ListMyInvitations(autocommit=autocommit, tokens=tokens, clock=clock)
        self.accept_invitation = AcceptInvitation(unit_of_work=unit_of_work, tokens=tokens, clock=clock, ids=ids)
        self.decline_invitation = DeclineInvitation(unit_of_work=unit_of_work, tokens=tokens, clock=clock)

        self.show_catalogue = ShowCatalogue(autocommit=autocommit)
        self.plan_catalogue = PlanCatalogue(autocommit=autocommit)
        self.apply_catalogue = ApplyCatalogue(unit_of_work=unit_of_work)
        self.list_roles = ListRoles(autocommit=autocommit)
        self.make_role = MakeRole(unit_of_work=unit_of_work, clock=clock, ids=ids)
        self.change_role = ChangeRole(unit_of_work=unit_of_work, clock=clock)
        self.delete_role = DeleteRole(unit_of_work=unit_of_work, clock=clock)

        self.list_service_accounts = ListServiceAccounts(autocommit=autocommit)
        self.make_service_account = MakeServiceAccount(unit_of_work=unit_of_work, clock=clock, ids=ids)
        self.change_service_account = ChangeServiceAccount(unit_of_work=unit_of_work, clock=clock)
        self.delete_service_account = DeleteServiceAccount(unit_of_work=unit_of_work, clock=clock)

        issue_key = IssueApiKey(secrets=SystemSecrets(), hasher=secrets, overlap=timedelta(hours=24))
        self.make_personal_key = MakePersonalKey(unit_of_work=unit_of_work, issue=issue_key, clock=clock, ids=ids)
        self.list_personal_keys = ListPersonalKeys(autocommit=autocommit)
        self.rotate_personal_key = RotatePersonalKey(unit_of_work=unit_of_work, issue=issue_key, clock=clock)
        self.revoke_personal_key = RevokePersonalKey(unit_of_work=unit_of_work, clock=clock)
        self.make_service_key = MakeServiceKey(unit_of_work=unit_of_work, issue=issue_key, clock=clock, ids=ids)
        self.list_service_keys = ListServiceKeys(autocommit=autocommit)
        self.rotate_service_key = RotateServiceKey(unit_of_work=unit_of_work, issue=issue_key, clock=clock)
        self.revoke_service_key = RevokeServiceKey(unit_of_work=unit_of_work, clock=clock)

        self.check_access = CheckAccess()
        self.check_access_of_many = CheckAccessOfMany(autocommit=autocommit)

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
