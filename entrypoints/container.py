"""The graph: which adapter stands behind which port. The only place that imports adapters.

Where a setting chooses between adapters, the one that is not chosen is not even imported, and what few ask for is not before it is asked for: a
worker stays small.
"""

import importlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dependency_injector import containers, providers

from adapters.environment import SystemClock, SystemSecrets, Uuid7Ids
from adapters.security.common_passwords import ListedPasswords
from adapters.security.derived_codes import HmacCodes
from adapters.security.ec_keys import EcKeyMaker
from adapters.security.hashing import LimitedHasher, PasslibHasher
from adapters.security.opaque_tokens import HmacTokens
from adapters.security.remembered_tokens import RememberedAccessTokens
from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from adapters.security.strength import ZxcvbnStrength
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
from application.assurance import StepUp
from application.catalogue import ApplyCatalogue, PlanCatalogue
from application.claims import RegisterAccount, ResendVerification, VerifyAccount
from application.email_changes import ConfirmEmailChange, RequestEmailChange
from application.email_codes import RequestEmailCode, SignInWithEmailCode
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
from application.ports.environment import Clock, Ids
from application.ports.factors import PasskeyVerifier, TotpCodes
from application.ports.mail import Mailer
from application.ports.security import AccessTokens, CommonPasswords
from application.ports.signing_keys import Keys
from application.ports.unit_of_work import Persistence
from application.retrying import Retrying
from application.rewrapping import RewrapFactors
from application.roles import ChangeRole, DeleteRole, ListRoles, MakeRole, ShowCatalogue
from application.second_factors import (
    BeginTotp,
    ConfirmTotp,
    FinishSignIn,
    MakeRecoveryCodes,
    ProveFactor,
    RemoveTotp,
    ResetFactors,
    ResetFactorsByEmail,
    ShowFactors,
)
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
    SignOut,
)
from application.signing_in import OpenSession, SignIn
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
from application.trusted_devices import DistrustDevice, ListTrustedDevices
from entrypoints.hashing import HashingExecutor
from entrypoints.settings import Settings

if TYPE_CHECKING:
    from adapters.mail.console import ConsoleMailer

T = TypeVar("T")


def open_persistence(settings: Settings, ids: Ids) -> Persistence:
    """The adapter that DATABASE_URL names, or the foreign one that PERSISTENCE names."""
    if settings.persistence:
        module, _, factory = settings.persistence.partition(":")
        return cast(Persistence, getattr(importlib.import_module(module), factory)())
    if settings.is_memory:
        from adapters.memory.database import MemoryDatabase

        return MemoryDatabase(ids=ids)
    from adapters.sql.database import SqlDatabase

    return SqlDatabase(settings.database_url.get_secret_value(), ids=ids, pool_size=settings.pool_size)


def access_tokens(settings: Settings, keys: Keys) -> AccessTokens:
    names = {"issuer": settings.token_issuer, "audience": settings.audience, "client_id": settings.client_id}
    tokens: AccessTokens
    match settings.token_library:
        case "python-jose":
            from adapters.security.jose_tokens import JoseAccessTokens

            tokens = JoseAccessTokens(keys=keys, **names)
        case "joserfc":
            from adapters.security.joserfc_tokens import JoserfcAccessTokens

            tokens = JoserfcAccessTokens(keys=keys, **names)
    return RememberedAccessTokens(tokens, keys)


def common_passwords(settings: Settings) -> CommonPasswords:
    listed = ListedPasswords(settings.common_passwords_file or None)
    if settings.password_range_url:
        import httpx

        from adapters.security.range_service import RangeService

        return RangeService(settings.password_range_url, httpx.Client(), otherwise=listed)
    return listed


def console_mailer(settings: Settings, clock: Clock) -> "ConsoleMailer":
    from adapters.mail.console import ConsoleMailer
    from adapters.mail.rendering import Renderer

    return ConsoleMailer(renderer=Renderer(product=settings.product_name), clock=clock, stream=sys.stdout)


def mailer(settings: Settings, console: Callable[[], "ConsoleMailer"]) -> Mailer:
    if settings.mail == "console":
        return console()
    from adapters.mail.rendering import Renderer
    from adapters.mail.smtp import SmtpMailer

    return SmtpMailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_sender,
        username=settings.smtp_username or None,
        password=settings.smtp_password.get_secret_value() or None,
        security=settings.smtp_security,
        renderer=Renderer(product=settings.product_name),
    )


def totp() -> TotpCodes:
    from adapters.security.totp import PyotpCodes

    return PyotpCodes()


def passkey_verifier(settings: Settings) -> PasskeyVerifier:
    from adapters.security.passkeys import WebauthnVerifier

    return WebauthnVerifier(
        domain=settings.relying_party_id, origins=settings.relying_party_origins, name=settings.product_name
    )


def secret_keys(settings: Settings) -> SecretKeys:
    return SecretKeys(
        settings.secret_key.get_secret_value(), [old.get_secret_value() for old in settings.secret_keys_old]
    )


def one(make: Callable[..., T], /, *args: Any, **dependencies: Any) -> providers.Provider[T]:
    """One for the whole process: adapters and use cases hold no state of a request."""
    return providers.ThreadSafeSingleton(make, *args, **dependencies)


def retried(use_case: Callable[..., T], **dependencies: Any) -> providers.Provider[T]:
    """A use case that runs again when the database asks for it."""
    retrying: Any = providers.ThreadSafeSingleton(Retrying, providers.Factory(use_case, **dependencies))
    return cast(providers.Provider[T], retrying)


class Container(containers.DeclarativeContainer):
    """Give it `settings`, override what a test wants otherwise, and call a provider for what it provides."""

    settings = providers.Dependency(instance_of=Settings)

    clock = one(SystemClock)
    ids = one(Uuid7Ids)
    secrets = one(SystemSecrets)
    persistence = one(open_persistence, settings, ids)
    unit_of_work = persistence.provided.unit_of_work
    autocommit = persistence.provided.autocommit

    secret_keys = one(secret_keys, settings)
    vault = one(AesVault, secret_keys)
    opaque_tokens = one(HmacTokens, secret_keys)
    secret_hasher = one(HmacSecretHasher, secret_keys)
    derived_codes = one(HmacCodes, secret_keys)
    totp = one(totp)
    passkey_verifier = one(passkey_verifier, settings)
    key_maker = one(EcKeyMaker)
    key_ring = one(KeyRing, autocommit=autocommit, vault=vault, policy=settings.provided.key_policy, clock=clock)
    access_tokens = one(access_tokens, settings, key_ring)
    passwords = one(
        LimitedHasher,
        one(PasslibHasher, scheme=settings.provided.password_hash, bcrypt_cost=settings.provided.bcrypt_cost),
        at_once=settings.provided.hashing_thread_count,
    )
    common_passwords = one(common_passwords, settings)
    password_strength = one(ZxcvbnStrength)
    console_mailer = one(console_mailer, settings, clock)
    mailer = one(mailer, settings, console_mailer.provider)
    hashing_executor = one(
        HashingExecutor,
        at_once=settings.provided.hashing_thread_count,
        queue=settings.provided.hashing_queue,
    )

    assurance = settings.provided.assurance_policy
    factor_policy = settings.provided.factor_policy

    judge_password = one(
        JudgePassword,
        policy=settings.provided.password_policy,
        common=common_passwords,
        strength=password_strength,
    )
    prove_password = one(
        ProvePassword,
        unit_of_work=unit_of_work,
        passwords=passwords,
        policy=settings.provided.attempt_policy,
        clock=clock,
    )
    issue_tokens = one(
        IssueTokens,
        access_tokens=access_tokens,
        opaque_tokens=opaque_tokens,
        policy=settings.provided.session_policy,
        ids=ids,
        audiences=settings.provided.backend_audiences,
    )

    authenticate = retried(
        Authenticate, autocommit=autocommit, access_tokens=access_tokens, secrets=secret_hasher, clock=clock
    )

    register_account = retried(
        RegisterAccount,
        unit_of_work=unit_of_work,
        autocommit=autocommit,
        judge=judge_password,
        passwords=passwords,
        tokens=opaque_tokens,
        policy=settings.provided.registration_policy,
        mail_policy=settings.provided.mail_policy,
        clock=clock,
        ids=ids,
    )
    resend_verification = retried(
        ResendVerification, unit_of_work=unit_of_work, mail_policy=settings.provided.mail_policy, clock=clock
    )
    verify_account = retried(
        VerifyAccount,
        unit_of_work=unit_of_work,
        passwords=passwords,
        tokens=opaque_tokens,
        policy=settings.provided.registration_policy,
        clock=clock,
        ids=ids,
    )

    open_session = one(
        OpenSession,
        issue_tokens=issue_tokens,
        opaque_tokens=opaque_tokens,
        passkeys=passkey_verifier,
        policy=settings.provided.session_policy,
        factor_policy=factor_policy,
        secrets=secrets,
        ids=ids,
    )
    sign_in = retried(
        SignIn,
        unit_of_work=unit_of_work,
        passwords=passwords,
        opaque_tokens=opaque_tokens,
        open_session=open_session,
        attempt_policy=settings.provided.attempt_policy,
        clock=clock,
    )
    prove_factor = one(
        ProveFactor,
        totp=totp,
        passkeys=passkey_verifier,
        secret_hasher=secret_hasher,
        vault=vault,
        policy=factor_policy,
        ids=ids,
    )
    finish_sign_in = retried(
        FinishSignIn,
        unit_of_work=unit_of_work,
        tokens=opaque_tokens,
        prove=prove_factor,
        open_session=open_session,
        policy=factor_policy,
        clock=clock,
        ids=ids,
    )
    step_up = retried(
        StepUp,
        unit_of_work=unit_of_work,
        tokens=opaque_tokens,
        prove_password=prove_password,
        prove=prove_factor,
        issue_tokens=issue_tokens,
        policy=settings.provided.session_policy,
        factor_policy=factor_policy,
        clock=clock,
        ids=ids,
    )

    begin_totp = retried(
        BeginTotp,
        unit_of_work=unit_of_work,
        totp=totp,
        vault=vault,
        policy=factor_policy,
        assurance=assurance,
        issuer=settings.provided.product_name,
        clock=clock,
    )
    confirm_totp = retried(
        ConfirmTotp,
        unit_of_work=unit_of_work,
        totp=totp,
        vault=vault,
        issue_tokens=issue_tokens,
        policy=settings.provided.session_policy,
        assurance=assurance,
        clock=clock,
        ids=ids,
    )
    remove_totp = retried(
        RemoveTotp, unit_of_work=unit_of_work, prove=prove_factor, assurance=assurance, clock=clock, ids=ids
    )
    make_recovery_codes = retried(
        MakeRecoveryCodes,
        unit_of_work=unit_of_work,
        secrets=secrets,
        secret_hasher=secret_hasher,
        assurance=assurance,
        clock=clock,
        ids=ids,
    )
    show_factors = retried(ShowFactors, autocommit=autocommit)
    reset_factors = retried(ResetFactors, unit_of_work=unit_of_work, assurance=assurance, clock=clock, ids=ids)
    reset_factors_by_email = retried(ResetFactorsByEmail, unit_of_work=unit_of_work, clock=clock, ids=ids)

    begin_passkey = retried(
        BeginPasskey,
        unit_of_work=unit_of_work,
        passkeys=passkey_verifier,
        tokens=opaque_tokens,
        secrets=secrets,
        policy=factor_policy,
        assurance=assurance,
        clock=clock,
        ids=ids,
    )
    register_passkey = retried(
        RegisterPasskey,
        unit_of_work=unit_of_work,
        passkeys=passkey_verifier,
        tokens=opaque_tokens,
        policy=factor_policy,
        assurance=assurance,
        clock=clock,
        ids=ids,
    )
    list_passkeys = retried(ListPasskeys, autocommit=autocommit)
    rename_passkey = retried(RenamePasskey, unit_of_work=unit_of_work, clock=clock)
    remove_passkey = retried(
        RemovePasskey, unit_of_work=unit_of_work, prove=prove_factor, assurance=assurance, clock=clock, ids=ids
    )
    begin_passkey_sign_in = retried(
        BeginPasskeySignIn,
        autocommit=autocommit,
        passkeys=passkey_verifier,
        tokens=opaque_tokens,
        secrets=secrets,
        policy=factor_policy,
        clock=clock,
        ids=ids,
    )
    sign_in_with_passkey = retried(
        SignInWithPasskey,
        unit_of_work=unit_of_work,
        passkeys=passkey_verifier,
        tokens=opaque_tokens,
        open_session=open_session,
        policy=factor_policy,
        clock=clock,
        ids=ids,
    )

    request_email_code = retried(
        RequestEmailCode,
        unit_of_work=unit_of_work,
        tokens=opaque_tokens,
        policy=settings.provided.email_code_policy,
        mail_policy=settings.provided.mail_policy,
        clock=clock,
        ids=ids,
    )
    sign_in_with_email_code = retried(
        SignInWithEmailCode,
        unit_of_work=unit_of_work,
        tokens=opaque_tokens,
        codes=derived_codes,
        open_session=open_session,
        policy=settings.provided.email_code_policy,
        attempt_policy=settings.provided.attempt_policy,
        clock=clock,
    )
    list_trusted_devices = retried(ListTrustedDevices, autocommit=autocommit, clock=clock)
    distrust_device = retried(DistrustDevice, unit_of_work=unit_of_work, clock=clock)

    refresh_session = retried(
        RefreshSession,
        unit_of_work=unit_of_work,
        autocommit=autocommit,
        opaque_tokens=opaque_tokens,
        issue_tokens=issue_tokens,
        policy=settings.provided.session_policy,
        clock=clock,
        ids=ids,
    )
    sign_out = retried(SignOut, unit_of_work=unit_of_work, clock=clock)
    list_sessions = retried(ListSessions, autocommit=autocommit, clock=clock)
    end_session = retried(EndSession, assurance=assurance, unit_of_work=unit_of_work, clock=clock)
    end_other_sessions = retried(EndOtherSessions, assurance=assurance, unit_of_work=unit_of_work, clock=clock)

    rename_account = retried(RenameAccount, unit_of_work=unit_of_work, clock=clock)
    close_account = retried(
        CloseAccount, assurance=assurance, unit_of_work=unit_of_work, prove=prove_password, clock=clock, ids=ids
    )
    export_account = retried(ExportAccount, autocommit=autocommit, clock=clock)
    change_password = retried(
        ChangePassword,
        assurance=assurance,
        unit_of_work=unit_of_work,
        judge=judge_password,
        prove=prove_password,
        passwords=passwords,
        clock=clock,
        ids=ids,
    )
    request_password_reset = retried(
        RequestPasswordReset,
        unit_of_work=unit_of_work,
        policy=settings.provided.password_policy,
        mail_policy=settings.provided.mail_policy,
        clock=clock,
        ids=ids,
    )
    confirm_password_reset = retried(
        ConfirmPasswordReset,
        unit_of_work=unit_of_work,
        autocommit=autocommit,
        judge=judge_password,
        passwords=passwords,
        tokens=opaque_tokens,
        session_policy=settings.provided.session_policy,
        clock=clock,
        ids=ids,
    )
    request_email_change = retried(
        RequestEmailChange,
        assurance=assurance,
        unit_of_work=unit_of_work,
        prove=prove_password,
        lifetime=settings.provided.email_change_lifetime,
        mail_policy=settings.provided.mail_policy,
        clock=clock,
        ids=ids,
    )
    confirm_email_change = retried(
        ConfirmEmailChange, assurance=assurance, unit_of_work=unit_of_work, tokens=opaque_tokens, clock=clock, ids=ids
    )

    appoint_operator = retried(
        AppointOperator,
        unit_of_work=unit_of_work,
        judge=judge_password,
        passwords=passwords,
        clock=clock,
        ids=ids,
    )
    list_accounts = retried(ListAccounts, assurance=assurance, autocommit=autocommit)
    show_account = retried(ShowAccount, assurance=assurance, autocommit=autocommit)
    rename_account_of = retried(RenameAccountOf, assurance=assurance, unit_of_work=unit_of_work, clock=clock)
    suspend_account = retried(SuspendAccount, assurance=assurance, unit_of_work=unit_of_work, clock=clock, ids=ids)
    reactivate_account = retried(
        ReactivateAccount, assurance=assurance, unit_of_work=unit_of_work, clock=clock, ids=ids
    )
    end_sessions_of = retried(EndSessionsOf, assurance=assurance, unit_of_work=unit_of_work, clock=clock)
    send_password_reset = retried(
        SendPasswordReset, assurance=assurance, autocommit=autocommit, request_reset=request_password_reset
    )

    make_organization = retried(
        MakeOrganization,
        unit_of_work=unit_of_work,
        most_owned=settings.provided.organizations_per_account,
        clock=clock,
        ids=ids,
    )
    list_organizations = retried(ListOrganizations, autocommit=autocommit)
    show_organization = retried(ShowOrganization, autocommit=autocommit)
    change_organization = retried(ChangeOrganization, unit_of_work=unit_of_work, clock=clock)
    delete_organization = retried(DeleteOrganization, unit_of_work=unit_of_work, clock=clock)
    remove_deleted_organizations = retried(RemoveDeletedOrganizations, unit_of_work=unit_of_work, clock=clock)
    enter_organization = one(EnterOrganization, issue_tokens=issue_tokens, clock=clock)

    list_members = retried(ListMembers, autocommit=autocommit)
    change_member_role = retried(ChangeMemberRole, unit_of_work=unit_of_work, clock=clock)
    remove_member = retried(RemoveMember, unit_of_work=unit_of_work, clock=clock)
    leave_organization = retried(LeaveOrganization, unit_of_work=unit_of_work, clock=clock)

    invite = retried(
        Invite,
        unit_of_work=unit_of_work,
        lifetime=settings.provided.invitation_lifetime,
        most_a_day=settings.provided.invitations_a_day,
        mail_policy=settings.provided.mail_policy,
        clock=clock,
        ids=ids,
    )
    list_invitations = retried(ListInvitations, autocommit=autocommit, clock=clock)
    revoke_invitation = retried(RevokeInvitation, unit_of_work=unit_of_work, clock=clock)
    list_my_invitations = retried(ListMyInvitations, autocommit=autocommit, tokens=opaque_tokens, clock=clock)
    accept_invitation = retried(AcceptInvitation, unit_of_work=unit_of_work, tokens=opaque_tokens, clock=clock, ids=ids)
    decline_invitation = retried(DeclineInvitation, unit_of_work=unit_of_work, tokens=opaque_tokens, clock=clock)

    show_catalogue = retried(ShowCatalogue, autocommit=autocommit)
    plan_catalogue = retried(PlanCatalogue, autocommit=autocommit)
    apply_catalogue = retried(ApplyCatalogue, unit_of_work=unit_of_work)
    list_roles = retried(ListRoles, autocommit=autocommit)
    make_role = retried(MakeRole, unit_of_work=unit_of_work, clock=clock, ids=ids)
    change_role = retried(ChangeRole, unit_of_work=unit_of_work, clock=clock)
    delete_role = retried(DeleteRole, unit_of_work=unit_of_work, clock=clock)

    list_service_accounts = retried(ListServiceAccounts, autocommit=autocommit)
    make_service_account = retried(MakeServiceAccount, unit_of_work=unit_of_work, clock=clock, ids=ids)
    change_service_account = retried(ChangeServiceAccount, unit_of_work=unit_of_work, clock=clock)
    delete_service_account = retried(DeleteServiceAccount, unit_of_work=unit_of_work, clock=clock)

    issue_api_key = one(IssueApiKey, secrets=secrets, hasher=secret_hasher, overlap=settings.provided.api_key_overlap)
    make_personal_key = retried(
        MakePersonalKey, assurance=assurance, unit_of_work=unit_of_work, issue=issue_api_key, clock=clock, ids=ids
    )
    list_personal_keys = retried(ListPersonalKeys, autocommit=autocommit)
    rotate_personal_key = retried(
        RotatePersonalKey, assurance=assurance, unit_of_work=unit_of_work, issue=issue_api_key, clock=clock
    )
    revoke_personal_key = retried(RevokePersonalKey, assurance=assurance, unit_of_work=unit_of_work, clock=clock)
    make_service_key = retried(
        MakeServiceKey, assurance=assurance, unit_of_work=unit_of_work, issue=issue_api_key, clock=clock, ids=ids
    )
    list_service_keys = retried(ListServiceKeys, autocommit=autocommit)
    rotate_service_key = retried(
        RotateServiceKey, assurance=assurance, unit_of_work=unit_of_work, issue=issue_api_key, clock=clock
    )
    revoke_service_key = retried(RevokeServiceKey, assurance=assurance, unit_of_work=unit_of_work, clock=clock)

    check_access = one(CheckAccess)
    check_access_of_many = retried(CheckAccessOfMany, autocommit=autocommit)

    make_key = one(MakeKey, keys=key_maker, vault=vault, ids=ids)
    prepare_keys = retried(PrepareKeys, unit_of_work=unit_of_work, make_key=make_key, clock=clock)
    publish_keys = one(PublishKeys, key_ring=key_ring, keys=key_maker)
    list_keys = retried(ListKeys, autocommit=autocommit)
    rotate_keys = retried(
        RotateKeys,
        unit_of_work=unit_of_work,
        make_key=make_key,
        policy=settings.provided.key_policy,
        clock=clock,
    )
    revoke_key = retried(RevokeKey, unit_of_work=unit_of_work, make_key=make_key, clock=clock)
    rewrap_keys = retried(RewrapKeys, unit_of_work=unit_of_work, vault=vault, clock=clock)
    rewrap_factors = one(
        RewrapFactors, autocommit=autocommit, unit_of_work=unit_of_work, vault=vault, secret_hasher=secret_hasher
    )
    revoke_retired = retried(RevokeRetired, unit_of_work=unit_of_work, policy=settings.provided.key_policy, clock=clock)

    compose_mail = one(
        ComposeMail,
        autocommit=autocommit,
        tokens=opaque_tokens,
        codes=derived_codes,
        public_url=settings.provided.public_url,
        clock=clock,
    )
    send_queued_mail = one(
        SendQueuedMail,
        unit_of_work=unit_of_work,
        compose=compose_mail,
        mailer=mailer,
        policy=settings.provided.mail_policy,
        clock=clock,
    )
    sweep = one(
        Sweep,
        unit_of_work=unit_of_work,
        revoke_retired=revoke_retired,
        remove_deleted_organizations=remove_deleted_organizations,
        keep_sent_mail=settings.provided.sent_mail_kept,
        clock=clock,
    )


def build(settings: Settings) -> Container:
    return Container(settings=providers.Object(settings))
