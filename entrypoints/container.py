"""The graph: which adapter stands behind which port, and what each use case is given.

It and chosen.py, which asks the settings, are the only places that import adapters.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from dependency_injector import containers, providers

from adapters.environment import SystemClock, SystemSecrets, Uuid7Ids
from adapters.security.derived_codes import HmacCodes
from adapters.security.ec_keys import EcKeyMaker
from adapters.security.hashing import LimitedHasher, PasslibHasher
from adapters.security.opaque_tokens import HmacTokens
from adapters.security.seals import HmacSealer
from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.strength import ZxcvbnStrength
from adapters.security.vault import AesVault
from application import (
    access,
    account_exports,
    accounts,
    api_keys,
    assurance,
    audit,
    audit_verification,
    catalogue,
    claims,
    deliveries,
    email_changes,
    email_codes,
    events,
    factor_proofs,
    factor_resets,
    gauges,
    invitations,
    mail,
    memberships,
    operators,
    organizations,
    passkeys,
    passwords,
    recovery_codes,
    refusals,
    retention,
    rewrapping,
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
from application.relaying import RelayWebhooks
from application.retrying import Retrying
from application.sequencing import Sequencer
from application.sweep import Sweep
from entrypoints import chosen
from entrypoints.by_name import arguments
from entrypoints.counts import Counts
from entrypoints.hashing import HashingExecutor
from entrypoints.settings import Settings
from entrypoints.siblings import Siblings

if TYPE_CHECKING:
    from entrypoints.tracing import Tracing

T = TypeVar("T")
Usual = dict[str, providers.Provider[Any]]
"""What a field of such a name takes, unless it is given something of its own."""


def traced(use_case: Callable[..., T], name: str, tracing: "Tracing | None") -> Callable[..., T]:
    return tracing.around(use_case, name) if tracing else use_case


def one(make: Callable[..., T], /, *args: Any, **dependencies: Any) -> providers.Provider[T]:
    """One for the whole process: adapters and use cases hold no state of a request."""
    return providers.ThreadSafeSingleton(make, *args, **dependencies)


def plain(use_case: Callable[..., T], usual: Usual, /, **own: Any) -> providers.Provider[T]:
    """A part of several use cases, or one of no transaction or of many: it is not run again as a whole."""
    return one(use_case, **arguments(use_case, usual, own))


def retried(use_case: Callable[..., T], usual: Usual, /, **own: Any) -> providers.Provider[T]:
    """A use case that runs again when the database asks for it."""
    retrying: Any = one(Retrying, providers.Factory(use_case, **arguments(use_case, usual, own)))
    return cast(providers.Provider[T], one(traced, retrying, use_case.__name__, usual["tracing"]))


class Container(containers.DeclarativeContainer):
    """Give it `settings`, override what a test wants otherwise, and call a provider for what it provides.

    A new use case is one line here. Its fields take what is usual under their names; what is its own stands behind it:
    which policy, how long, whose proof.
    """

    settings = providers.Dependency(instance_of=Settings)
    setting = settings.provided

    # ---- what stands behind the ports

    clock = one(SystemClock)
    ids = one(Uuid7Ids)
    secrets = one(SystemSecrets)
    tracing = one(chosen.tracing, settings)
    persistence = one(chosen.open_persistence, settings, ids, tracing)
    unit_of_work = persistence.provided.unit_of_work
    autocommit = persistence.provided.autocommit

    secret_keys = one(chosen.secret_keys, settings)
    vault = one(AesVault, secret_keys)
    sealer = one(HmacSealer, secret_keys)
    opaque_tokens = one(HmacTokens, secret_keys)
    secret_hasher = one(HmacSecretHasher, secret_keys)
    derived_codes = one(HmacCodes, secret_keys)
    totp_codes = one(chosen.totp_codes)
    passkey_verifier = one(chosen.passkey_verifier, settings)
    key_maker = one(EcKeyMaker)
    key_ring = one(signing_keys.KeyRing, autocommit=autocommit, vault=vault, policy=setting.key_policy, clock=clock)
    access_tokens = one(chosen.access_tokens, settings, key_ring)
    password_hasher = one(
        LimitedHasher,
        one(PasslibHasher, scheme=setting.password_hash, bcrypt_cost=setting.bcrypt_cost),
        at_once=setting.hashing_thread_count,
    )
    common_passwords = one(chosen.common_passwords, settings)
    password_strength = one(ZxcvbnStrength)
    console_mailer = one(chosen.console_mailer, settings, clock)
    mailer = one(chosen.mailer, settings, console_mailer.provider)
    counts = one(Counts)
    courier = one(chosen.courier, settings, counts)
    hashing_executor = one(HashingExecutor, at_once=setting.hashing_thread_count, queue=setting.hashing_queue)

    # ---- what is usual: the ports, and the parts that several use cases share

    ports: ClassVar[Usual] = {
        "tracing": tracing,
        "unit_of_work": unit_of_work,
        "autocommit": autocommit,
        "clock": clock,
        "ids": ids,
        "secrets": secrets,
        "vault": vault,
        "sealer": sealer,
        "tokens": opaque_tokens,
        "opaque_tokens": opaque_tokens,
        "access_tokens": access_tokens,
        "secret_hasher": secret_hasher,
        "codes": derived_codes,
        "totp": totp_codes,
        "passkeys": passkey_verifier,
        "passwords": password_hasher,
        "common": common_passwords,
        "strength": password_strength,
        "keys": key_maker,
        "key_ring": key_ring,
        "mailer": mailer,
        "courier": courier,
        "assurance": setting.assurance_policy,
        "attempt_policy": setting.attempt_policy,
        "factor_policy": setting.factor_policy,
        "mail_policy": setting.mail_policy,
        "session_policy": setting.session_policy,
        "webhook_policy": setting.webhook_policy,
        "allowed_hosts": setting.webhook_allowed_hosts,
    }

    judge_password = plain(passwords.JudgePassword, ports, policy=setting.password_policy)
    prove_password = plain(passwords.ProvePassword, ports, policy=setting.attempt_policy)
    prove_factor = plain(factor_proofs.ProveFactor, ports, policy=setting.factor_policy)
    issue_tokens = plain(
        sessions.IssueTokens, ports, policy=setting.session_policy, audiences=setting.backend_audiences
    )
    open_session = plain(signing_in.OpenSession, ports, issue_tokens=issue_tokens, policy=setting.session_policy)
    issue_api_key = plain(api_keys.IssueApiKey, ports, overlap=setting.api_key_overlap)
    make_key = plain(signing_keys.MakeKey, ports)

    usual: ClassVar[Usual] = ports | {
        "judge": judge_password,
        "prove_password": prove_password,
        "issue_tokens": issue_tokens,
        "open_session": open_session,
        "issue": issue_api_key,
        "make_key": make_key,
    }

    # ---- the use cases

    authenticate = retried(access.Authenticate, usual)
    record_refusal = plain(refusals.RecordRefusal, usual)

    register_account = retried(claims.RegisterAccount, usual, policy=setting.registration_policy)
    resend_verification = retried(claims.ResendVerification, usual)
    verify_account = retried(claims.VerifyAccount, usual, policy=setting.registration_policy)

    sign_in = retried(signing_in.SignIn, usual)
    finish_sign_in = retried(signing_in.FinishSignIn, usual, prove=prove_factor, policy=setting.factor_policy)
    step_up = retried(assurance.StepUp, usual, prove=prove_factor, policy=setting.session_policy)

    begin_totp = retried(totp.BeginTotp, usual, policy=setting.factor_policy, issuer=setting.product_name)
    confirm_totp = retried(totp.ConfirmTotp, usual, policy=setting.session_policy)
    remove_totp = retried(totp.RemoveTotp, usual, prove=prove_factor)
    make_recovery_codes = retried(recovery_codes.MakeRecoveryCodes, usual)
    show_factors = retried(second_factors.ShowFactors, usual)
    reset_factors = retried(factor_resets.ResetFactors, usual)
    reset_factors_by_email = retried(factor_resets.ResetFactorsByEmail, usual)

    begin_passkey = retried(passkeys.BeginPasskey, usual, policy=setting.factor_policy)
    register_passkey = retried(passkeys.RegisterPasskey, usual, policy=setting.factor_policy)
    list_passkeys = retried(passkeys.ListPasskeys, usual)
    rename_passkey = retried(passkeys.RenamePasskey, usual)
    remove_passkey = retried(passkeys.RemovePasskey, usual, prove=prove_factor)
    begin_passkey_sign_in = retried(passkeys.BeginPasskeySignIn, usual, policy=setting.factor_policy)
    sign_in_with_passkey = retried(passkeys.SignInWithPasskey, usual, policy=setting.factor_policy)

    request_email_code = retried(email_codes.RequestEmailCode, usual, policy=setting.email_code_policy)
    sign_in_with_email_code = retried(email_codes.SignInWithEmailCode, usual, policy=setting.email_code_policy)
    list_trusted_devices = retried(trusted_devices.ListTrustedDevices, usual)
    distrust_device = retried(trusted_devices.DistrustDevice, usual)

    refresh_session = retried(sessions.RefreshSession, usual, policy=setting.session_policy)
    sign_out = retried(sessions.SignOut, usual)
    list_sessions = retried(sessions.ListSessions, usual)
    end_session = retried(sessions.EndSession, usual)
    end_other_sessions = retried(sessions.EndOtherSessions, usual)

    rename_account = retried(accounts.RenameAccount, usual)
    close_account = retried(accounts.CloseAccount, usual, prove=prove_password)
    export_account = retried(account_exports.ExportAccount, usual)
    change_password = retried(passwords.ChangePassword, usual, prove=prove_password)
    request_password_reset = retried(passwords.RequestPasswordReset, usual, policy=setting.password_policy)
    confirm_password_reset = retried(passwords.ConfirmPasswordReset, usual)
    request_email_change = retried(
        email_changes.RequestEmailChange, usual, prove=prove_password, lifetime=setting.email_change_lifetime
    )
    confirm_email_change = retried(email_changes.ConfirmEmailChange, usual)

    appoint_operator = retried(operators.AppointOperator, usual)
    list_accounts = retried(operators.ListAccounts, usual)
    show_account = retried(operators.ShowAccount, usual)
    rename_account_of = retried(operators.RenameAccountOf, usual)
    suspend_account = retried(operators.SuspendAccount, usual)
    reactivate_account = retried(operators.ReactivateAccount, usual)
    end_sessions_of = retried(operators.EndSessionsOf, usual)
    send_password_reset = retried(operators.SendPasswordReset, usual, request_reset=request_password_reset)

    make_organization = retried(organizations.MakeOrganization, usual, most_owned=setting.organizations_per_account)
    list_organizations = retried(organizations.ListOrganizations, usual)
    show_organization = retried(organizations.ShowOrganization, usual)
    change_organization = retried(organizations.ChangeOrganization, usual)
    delete_organization = retried(organizations.DeleteOrganization, usual)
    remove_deleted_organizations = retried(organizations.RemoveDeletedOrganizations, usual)
    enter_organization = plain(sessions.EnterOrganization, usual)

    list_members = retried(memberships.ListMembers, usual)
    change_member_role = retried(memberships.ChangeMemberRole, usual)
    remove_member = retried(memberships.RemoveMember, usual)
    leave_organization = retried(memberships.LeaveOrganization, usual)

    invite = retried(
        invitations.Invite, usual, lifetime=setting.invitation_lifetime, most_a_day=setting.invitations_a_day
    )
    list_invitations = retried(invitations.ListInvitations, usual)
    revoke_invitation = retried(invitations.RevokeInvitation, usual)
    list_my_invitations = retried(invitations.ListMyInvitations, usual)
    accept_invitation = retried(invitations.AcceptInvitation, usual)
    decline_invitation = retried(invitations.DeclineInvitation, usual)

    show_catalogue = retried(roles.ShowCatalogue, usual)
    plan_catalogue = retried(catalogue.PlanCatalogue, usual)
    apply_catalogue = retried(catalogue.ApplyCatalogue, usual)
    list_roles = retried(roles.ListRoles, usual)
    make_role = retried(roles.MakeRole, usual)
    change_role = retried(roles.ChangeRole, usual)
    delete_role = retried(roles.DeleteRole, usual)

    list_service_accounts = retried(service_accounts.ListServiceAccounts, usual)
    make_service_account = retried(service_accounts.MakeServiceAccount, usual)
    change_service_account = retried(service_accounts.ChangeServiceAccount, usual)
    delete_service_account = retried(service_accounts.DeleteServiceAccount, usual)

    make_personal_key = retried(api_keys.MakePersonalKey, usual)
    list_personal_keys = retried(api_keys.ListPersonalKeys, usual)
    rotate_personal_key = retried(api_keys.RotatePersonalKey, usual)
    revoke_personal_key = retried(api_keys.RevokePersonalKey, usual)
    make_service_key = retried(api_keys.MakeServiceKey, usual)
    list_service_keys = retried(api_keys.ListServiceKeys, usual)
    rotate_service_key = retried(api_keys.RotateServiceKey, usual)
    revoke_service_key = retried(api_keys.RevokeServiceKey, usual)

    list_audit_entries = retried(audit.ListAuditEntries, usual)
    list_all_audit_entries = retried(audit.ListAllAuditEntries, usual)
    export_audit = retried(audit.ExportAudit, usual)
    erase_from_audit = plain(audit.EraseFromAudit, usual)
    verify_audit = plain(audit_verification.VerifyAudit, usual)

    make_webhook = retried(webhooks.MakeWebhook, usual)
    list_webhooks = retried(webhooks.ListWebhooks, usual)
    show_webhook = retried(webhooks.ShowWebhook, usual)
    change_webhook = retried(webhooks.ChangeWebhook, usual)
    rotate_webhook_secret = retried(webhooks.RotateWebhookSecret, usual)
    delete_webhook = retried(webhooks.DeleteWebhook, usual)
    try_webhook = retried(deliveries.TryWebhook, usual)
    list_deliveries = retried(deliveries.ListDeliveries, usual)
    redeliver = retried(deliveries.Redeliver, usual)

    check_access = plain(access.CheckAccess, usual)
    check_access_of_many = retried(access.CheckAccessOfMany, usual)

    prepare_keys = retried(signing_keys.PrepareKeys, usual)
    publish_keys = plain(signing_keys.PublishKeys, usual)
    list_keys = retried(signing_keys.ListKeys, usual)
    rotate_keys = retried(signing_keys.RotateKeys, usual, policy=setting.key_policy)
    revoke_key = retried(signing_keys.RevokeKey, usual)
    rewrap_keys = retried(signing_keys.RewrapKeys, usual)
    rewrap_factors = plain(rewrapping.RewrapFactors, usual)
    rewrap_webhooks = plain(rewrapping.RewrapWebhooks, usual)
    revoke_retired = retried(signing_keys.RevokeRetired, usual, policy=setting.key_policy)

    compose_mail = plain(mail.ComposeMail, usual, public_url=setting.public_url)
    send_queued_mail = plain(mail.SendQueuedMail, usual, compose=compose_mail, policy=setting.mail_policy)
    follow_events = retried(events.FollowEvents, usual)
    look_for_news = retried(events.LookForNews, usual)
    relay_webhooks = plain(RelayWebhooks, usual)
    sequencer = retried(Sequencer, usual, holder=ids.provided.new.call())
    forget_entries = plain(retention.ForgetEntries, usual, kept=setting.audit_kept)
    forget_events = retried(retention.ForgetEvents, usual, kept=setting.events_kept)

    read_gauges = plain(gauges.ReadGauges, usual)
    siblings = one(Siblings)
    metrics = one(
        chosen.metrics,
        counts=counts,
        hashing=hashing_executor,
        persistence=persistence,
        read_gauges=read_gauges,
        siblings=siblings,
    )
    sweep = plain(
        Sweep,
        usual,
        revoke_retired=revoke_retired,
        remove_deleted_organizations=remove_deleted_organizations,
        forget_entries=forget_entries,
        forget_events=forget_events,
        keep_sent_mail=setting.sent_mail_kept,
    )


def build(settings: Settings) -> Container:
    return Container(settings=providers.Object(settings))
