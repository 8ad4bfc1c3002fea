"""All use cases over the memory adapter, or another one that is given: as the container wires them, by name, though
not run again after a Stale, and with fakes where the real thing is slow or cannot be looked into."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from adapters.environment import SystemSecrets, Uuid7Ids
from adapters.memory import MemoryDatabase
from adapters.security.derived_codes import HmacCodes
from adapters.security.ec_keys import EcKeyMaker
from adapters.security.opaque_tokens import HmacTokens
from adapters.security.seals import HmacSealer
from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application import (
    access,
    account_exports,
    accounts,
    api_keys,
    assurance,
    catalogue,
    claims,
    deliveries,
    email_changes,
    email_codes,
    events,
    factor_proofs,
    factor_resets,
    invitations,
    mail,
    memberships,
    operators,
    organizations,
    passkeys,
    passwords,
    recovery_codes,
    roles,
    second_factors,
    service_accounts,
    sessions,
    signing_in,
    signing_keys,
    totp,
    trusted_devices,
    webhooks,
)
from application.ports.unit_of_work import Persistence
from application.relaying import RelayWebhooks
from application.sequencing import Sequencer
from application.sweep import Sweep
from domain.assurance import AssurancePolicy
from domain.attempts import AttemptPolicy
from domain.claims import RegistrationPolicy
from domain.email_codes import EmailCodePolicy
from domain.mail import MailPolicy
from domain.passwords import PasswordPolicy
from domain.second_factors import FactorPolicy
from domain.sessions import SessionPolicy
from domain.signing_keys import KeyPolicy
from domain.webhooks import WebhookPolicy
from entrypoints.by_name import arguments
from tests.application.factor_fakes import PlainPasskeys, PlainTotp
from tests.application.fakes import (
    EasyStrength,
    FastHasher,
    FewCommonPasswords,
    Journal,
    JsonAccessTokens,
    PatientCourier,
    RecordingMailer,
    RememberingIds,
    Watched,
)
from tests.builders import FixedClock

PUBLIC_URL = "https://id.example.com"
BACKENDS = ("invoices.example", "ledger.example")
MOST_OWNED, MOST_A_DAY = 10, 500

T = TypeVar("T")


class UseCases:
    """It is noon, nothing has happened yet, and what is done stands in `journal`."""

    def __init__(
        self,
        *,
        registration: RegistrationPolicy | None = None,
        secret: SecretKeys | None = None,
        persistence: Persistence | None = None,
    ) -> None:
        registration = registration or RegistrationPolicy()
        session_policy, factor_policy, code_policy = SessionPolicy(), FactorPolicy(), EmailCodePolicy()
        mail_policy, key_policy, password_policy = MailPolicy(), KeyPolicy(), PasswordPolicy()
        tokens_secret = SecretKeys("a secret of the tests")

        self.journal: Journal = []
        self.clock = FixedClock()
        self.ids = RememberingIds(Uuid7Ids())
        self.hasher = FastHasher(self.journal)
        self.mailer = RecordingMailer(self.journal)
        self.tokens = HmacTokens(tokens_secret)
        self.database = Watched(persistence or MemoryDatabase(ids=self.ids), self.journal)
        self.totp, self.passkeys, self.codes = PlainTotp(), PlainPasskeys(), HmacCodes(tokens_secret)
        self.vault = AesVault(secret or SecretKeys("the secret of the keys"))
        self.key_maker = EcKeyMaker()
        self.key_ring = self.another_key_ring()

        usual: dict[str, Any] = {
            "unit_of_work": self.database.unit_of_work,
            "autocommit": self.database.autocommit,
            "clock": self.clock,
            "ids": self.ids,
            "secrets": SystemSecrets(),
            "vault": self.vault,
            "sealer": HmacSealer(tokens_secret),
            "tokens": self.tokens,
            "opaque_tokens": self.tokens,
            "access_tokens": JsonAccessTokens(),
            "secret_hasher": HmacSecretHasher(secret or tokens_secret),
            "codes": self.codes,
            "totp": self.totp,
            "passkeys": self.passkeys,
            "passwords": self.hasher,
            "common": FewCommonPasswords(),
            "strength": EasyStrength(),
            "keys": self.key_maker,
            "key_ring": self.key_ring,
            "mailer": self.mailer,
            "assurance": AssurancePolicy(),
            "attempt_policy": AttemptPolicy(),
            "factor_policy": factor_policy,
            "mail_policy": mail_policy,
            "session_policy": session_policy,
            "webhook_policy": WebhookPolicy(),
            "allowed_hosts": ("receiver.internal",),
        }

        def use(use_case: Callable[..., T], **own: Any) -> T:
            return use_case(**arguments(use_case, usual, own))

        self.judge = use(passwords.JudgePassword, policy=password_policy)
        prove = use(passwords.ProvePassword, policy=AttemptPolicy())
        prove_factor = use(factor_proofs.ProveFactor, policy=factor_policy)
        issue_tokens = use(sessions.IssueTokens, policy=session_policy, audiences=BACKENDS)
        usual |= {
            "judge": self.judge,
            "prove_password": prove,
            "issue_tokens": issue_tokens,
            "open_session": use(signing_in.OpenSession, issue_tokens=issue_tokens, policy=session_policy),
            "issue": use(api_keys.IssueApiKey, overlap=timedelta(hours=24)),
            "make_key": use(signing_keys.MakeKey),
        }

        self.register = use(claims.RegisterAccount, policy=registration)
        self.resend = use(claims.ResendVerification)
        self.verify = use(claims.VerifyAccount, policy=registration)

        self.authenticate = use(access.Authenticate)
        self.sign_in = use(signing_in.SignIn)
        self.finish_sign_in = use(signing_in.FinishSignIn, prove=prove_factor, policy=factor_policy)
        self.step_up = use(assurance.StepUp, prove=prove_factor, policy=session_policy)
        self.request_email_code = use(email_codes.RequestEmailCode, policy=code_policy)
        self.sign_in_with_email_code = use(email_codes.SignInWithEmailCode, policy=code_policy)

        self.begin_totp = use(totp.BeginTotp, policy=factor_policy, issuer="Portico")
        self.confirm_totp = use(totp.ConfirmTotp, policy=session_policy)
        self.remove_totp = use(totp.RemoveTotp, prove=prove_factor)
        self.make_recovery_codes = use(recovery_codes.MakeRecoveryCodes)
        self.show_factors = use(second_factors.ShowFactors)
        self.reset_factors = use(factor_resets.ResetFactors)
        self.reset_factors_by_email = use(factor_resets.ResetFactorsByEmail)

        self.begin_passkey = use(passkeys.BeginPasskey, policy=factor_policy)
        self.register_passkey = use(passkeys.RegisterPasskey, policy=factor_policy)
        self.list_passkeys = use(passkeys.ListPasskeys)
        self.rename_passkey = use(passkeys.RenamePasskey)
        self.remove_passkey = use(passkeys.RemovePasskey, prove=prove_factor)
        self.begin_passkey_sign_in = use(passkeys.BeginPasskeySignIn, policy=factor_policy)
        self.sign_in_with_passkey = use(passkeys.SignInWithPasskey, policy=factor_policy)
        self.list_trusted_devices = use(trusted_devices.ListTrustedDevices)
        self.distrust_device = use(trusted_devices.DistrustDevice)

        self.refresh = use(sessions.RefreshSession, policy=session_policy)
        self.sign_out = use(sessions.SignOut)
        self.list_sessions = use(sessions.ListSessions)
        self.end_session = use(sessions.EndSession)
        self.end_other_sessions = use(sessions.EndOtherSessions)

        self.rename = use(accounts.RenameAccount)
        self.close = use(accounts.CloseAccount, prove=prove)
        self.export = use(account_exports.ExportAccount)
        self.change_password = use(passwords.ChangePassword, prove=prove)
        self.request_reset = use(passwords.RequestPasswordReset, policy=password_policy)
        self.confirm_reset = use(passwords.ConfirmPasswordReset)
        self.request_email_change = use(email_changes.RequestEmailChange, prove=prove, lifetime=timedelta(hours=24))
        self.confirm_email_change = use(email_changes.ConfirmEmailChange)

        self.appoint_operator = use(operators.AppointOperator)
        self.list_accounts = use(operators.ListAccounts)
        self.show_account = use(operators.ShowAccount)
        self.rename_account_of = use(operators.RenameAccountOf)
        self.suspend = use(operators.SuspendAccount)
        self.reactivate = use(operators.ReactivateAccount)
        self.end_sessions_of = use(operators.EndSessionsOf)
        self.send_password_reset = use(operators.SendPasswordReset, request_reset=self.request_reset)

        self.make_organization = use(organizations.MakeOrganization, most_owned=MOST_OWNED)
        self.list_organizations = use(organizations.ListOrganizations)
        self.show_organization = use(organizations.ShowOrganization)
        self.change_organization = use(organizations.ChangeOrganization)
        self.delete_organization = use(organizations.DeleteOrganization)
        self.remove_deleted_organizations = use(organizations.RemoveDeletedOrganizations, batch=2)
        self.enter_organization = use(sessions.EnterOrganization)

        self.list_members = use(memberships.ListMembers)
        self.change_member_role = use(memberships.ChangeMemberRole)
        self.remove_member = use(memberships.RemoveMember)
        self.leave_organization = use(memberships.LeaveOrganization)

        self.invite = use(invitations.Invite, lifetime=timedelta(hours=48), most_a_day=MOST_A_DAY)
        self.list_invitations = use(invitations.ListInvitations)
        self.revoke_invitation = use(invitations.RevokeInvitation)
        self.list_my_invitations = use(invitations.ListMyInvitations)
        self.accept_invitation = use(invitations.AcceptInvitation)
        self.decline_invitation = use(invitations.DeclineInvitation)

        self.show_catalogue = use(roles.ShowCatalogue)
        self.plan_catalogue = use(catalogue.PlanCatalogue)
        self.apply_catalogue = use(catalogue.ApplyCatalogue)
        self.list_roles = use(roles.ListRoles)
        self.make_role = use(roles.MakeRole)
        self.change_role = use(roles.ChangeRole)
        self.delete_role = use(roles.DeleteRole)

        self.list_service_accounts = use(service_accounts.ListServiceAccounts)
        self.make_service_account = use(service_accounts.MakeServiceAccount)
        self.change_service_account = use(service_accounts.ChangeServiceAccount)
        self.delete_service_account = use(service_accounts.DeleteServiceAccount)
        self.make_personal_key = use(api_keys.MakePersonalKey)
        self.list_personal_keys = use(api_keys.ListPersonalKeys)
        self.rotate_personal_key = use(api_keys.RotatePersonalKey)
        self.revoke_personal_key = use(api_keys.RevokePersonalKey)
        self.make_service_key = use(api_keys.MakeServiceKey)
        self.list_service_keys = use(api_keys.ListServiceKeys)
        self.rotate_service_key = use(api_keys.RotateServiceKey)
        self.revoke_service_key = use(api_keys.RevokeServiceKey)

        self.make_webhook = use(webhooks.MakeWebhook)
        self.list_webhooks = use(webhooks.ListWebhooks)
        self.show_webhook = use(webhooks.ShowWebhook)
        self.change_webhook = use(webhooks.ChangeWebhook)
        self.rotate_webhook_secret = use(webhooks.RotateWebhookSecret)
        self.delete_webhook = use(webhooks.DeleteWebhook)
        self.try_webhook = use(deliveries.TryWebhook)
        self.list_deliveries = use(deliveries.ListDeliveries)
        self.redeliver = use(deliveries.Redeliver)
        self.courier = PatientCourier()
        self.relay_webhooks = use(RelayWebhooks, courier=self.courier)

        self.check_access = use(access.CheckAccess)
        self.check_access_of_many = use(access.CheckAccessOfMany)

        self.prepare_keys = use(signing_keys.PrepareKeys)
        self.rotate_keys = use(signing_keys.RotateKeys, policy=key_policy)
        self.revoke_key = use(signing_keys.RevokeKey)
        self.list_keys = use(signing_keys.ListKeys)
        self.publish_keys = use(signing_keys.PublishKeys)
        self.revoke_retired = use(signing_keys.RevokeRetired, policy=key_policy)

        self.compose = use(mail.ComposeMail, public_url=PUBLIC_URL)
        self.send_queued_mail = use(mail.SendQueuedMail, compose=self.compose, policy=mail_policy)
        self.follow_events = use(events.FollowEvents)
        self.look_for_news = use(events.LookForNews)
        self.sequence = use(Sequencer, holder=self.ids.new(), batch=100)
        self.sweep = use(
            Sweep,
            revoke_retired=self.revoke_retired,
            remove_deleted_organizations=self.remove_deleted_organizations,
            keep_sent_mail=timedelta(days=30),
            batch=2,
        )

    def another_key_ring(self, vault: AesVault | None = None) -> signing_keys.KeyRing:
        """That of another process."""
        return signing_keys.KeyRing(
            autocommit=self.database.autocommit, vault=vault or self.vault, policy=KeyPolicy(), clock=self.clock
        )

    def rewrap_under(self, secret: SecretKeys) -> int:
        return signing_keys.RewrapKeys(
            unit_of_work=self.database.unit_of_work, vault=AesVault(secret), clock=self.clock
        )()
