"""Signing up, and the account of whoever is signed in."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.access import Authenticate
from application.accounts import AccountExport, CloseAccount, ExportAccount, RenameAccount
from application.claims import RegisterAccount, ResendVerification, VerifyAccount
from domain.accounts import (
    Account,
    AccountState,
    EmailTaken,
    InvalidDisplayName,
    InvalidEmail,
    LastOperator,
)
from domain.assurance import StepUpRequired
from domain.attempts import TooManyAttempts
from domain.claims import RegistrationByInvitation, RegistrationClosed
from domain.memberships import LastOwner
from domain.one_time_tokens import TokenInvalid
from domain.passwords import PasswordTooWeak, WrongPassword
from domain.second_factors import SecondFactors
from entrypoints.http.caller import Caller
from entrypoints.http.deps import HashingDep, use
from entrypoints.http.operations import NOBODY, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Address,
    Input,
    Name,
    Secret,
    Timestamp,
    answer,
    no_content,
)

routes = router("accounts")
me = router("me")


class AccountOut(BaseModel):
    id: UUID
    email: str
    email_verified_at: Timestamp | None
    display_name: str
    state: AccountState
    is_operator: bool
    has_second_factor: bool = Field(description="An authenticator app or a passkey.")
    created_at: Timestamp

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(
            id=account.id,
            email=account.email.value,
            email_verified_at=account.email_verified_at,
            display_name=account.display_name,
            state=account.state,
            is_operator=account.is_operator,
            has_second_factor=account.has_second_factor,
            created_at=account.created_at,
        )


class SignUp(Input):
    email: Address
    password: Annotated[Secret, Field(examples=["correct horse battery staple"])]
    display_name: Name = ""
    invitation_token: Annotated[
        Secret | None, Field(description="Of an invitation, where accounts are by invitation only.")
    ] = None


class VerificationSent(BaseModel):
    status: Literal["verification_sent"] = "verification_sent"


class Verification(Input):
    token: Secret
    password: Annotated[Secret, Field(description="The password of that very sign-up.")]


class AddressOnly(Input):
    email: Address


@routes.post(
    "/v1/accounts",
    status_code=202,
    response_model=VerificationSent,
    summary="Sign up",
    **operation(
        RegisterAccount,
        RegistrationClosed,
        RegistrationByInvitation,
        InvalidEmail,
        InvalidDisplayName,
        PasswordTooWeak,
        EmailTaken,
        needs=NOBODY,
        hashes=True,
        also={201: {"model": AccountOut, "description": "With `REGISTRATION_REQUIRES_VERIFICATION=false` only."}},
    ),
)
async def register_account(
    body: SignUp,
    hashing: HashingDep,
    register: Annotated[RegisterAccount, use(lambda c: c.register_account())],
) -> Response:
    account = await hashing.run(
        lambda: register(
            email=body.email,
            password=body.password,
            display_name=body.display_name,
            invitation_token=body.invitation_token,
        )
    )
    return answer(AccountOut.of(account), 201) if account else answer(VerificationSent(), 202)


@routes.post(
    "/v1/accounts/verify",
    status_code=201,
    response_model=AccountOut,
    summary="Prove an address, and get its account",
    **operation(VerifyAccount, TokenInvalid, needs=NOBODY, hashes=True),
)
async def verify_account(
    body: Verification,
    hashing: HashingDep,
    verify: Annotated[VerifyAccount, use(lambda c: c.verify_account())],
) -> Response:
    account = await hashing.run(lambda: verify(token=body.token, password=body.password))
    return answer(AccountOut.of(account), 201)


@routes.post(
    "/v1/accounts/resend-verification",
    status_code=202,
    response_model=VerificationSent,
    summary="Have the verification mail sent once more",
    **operation(ResendVerification, InvalidEmail, needs=NOBODY),
)
def resend_verification(
    body: AddressOnly, resend: Annotated[ResendVerification, use(lambda c: c.resend_verification())]
) -> Response:
    resend(email=body.email)
    return answer(VerificationSent(), 202)


class Renaming(Input):
    display_name: Name


class Closing(Input):
    password: Secret


@me.get(
    "/v1/me",
    response_model=AccountOut,
    summary="Who am I",
    **operation(Authenticate, keys=True, body=False)
    | {"description": "The account of the bearer, as long as its session or key lives: revocation shows at once."},
)
def show_me(caller: Caller) -> Response:
    return answer(AccountOut.of(caller.subject().own_account()), secret=True)


@me.patch(
    "/v1/me",
    response_model=AccountOut,
    summary="Change my display name",
    **operation(RenameAccount, InvalidDisplayName),
)
def rename_me(
    body: Renaming, caller: Caller, rename: Annotated[RenameAccount, use(lambda c: c.rename_account())]
) -> Response:
    account = rename(principal=caller.principal(), display_name=body.display_name)
    return answer(AccountOut.of(account), secret=True)


@me.post(
    "/v1/me/close",
    status_code=NO_CONTENT,
    summary="Close my account for good",
    **operation(CloseAccount, StepUpRequired, WrongPassword, TooManyAttempts, LastOperator, LastOwner, hashes=True),
)
async def close_me(
    body: Closing,
    caller: Caller,
    hashing: HashingDep,
    close: Annotated[CloseAccount, use(lambda c: c.close_account())],
) -> Response:
    principal = await caller.authenticated()
    await hashing.run(lambda: close(principal=principal, password=body.password))
    return no_content()


class ExportedSession(BaseModel):
    id: UUID
    created_at: Timestamp
    last_seen_at: Timestamp
    expires_at: Timestamp
    amr: list[str]
    user_agent: str
    network: str


class ExportedMembership(BaseModel):
    organization_id: UUID
    role: str
    created_at: Timestamp


class ExportedApiKey(BaseModel):
    """Never its secret, nor the hash of it."""

    id: UUID
    organization_id: UUID | None
    name: str
    scopes: list[str]
    prefix: str
    created_at: Timestamp
    expires_at: Timestamp | None
    last_used_at: Timestamp | None


class ExportedInvitation(BaseModel):
    id: UUID
    organization_id: UUID
    role: str
    created_at: Timestamp
    expires_at: Timestamp


class ExportedEmailChange(BaseModel):
    new_email: str
    created_at: Timestamp
    expires_at: Timestamp


class ExportedFactors(BaseModel):
    """Never the secret of the app, nor what recovery codes are kept as."""

    totp_enrolled_at: Timestamp | None
    recovery_codes_left: int
    locked_until: Timestamp | None

    @classmethod
    def of(cls, factors: SecondFactors | None) -> Self:
        return cls(
            totp_enrolled_at=factors.totp.enrolled_at if factors and factors.totp else None,
            recovery_codes_left=len(factors.recovery_hashes) if factors else 0,
            locked_until=factors.locked_until if factors else None,
        )


class ExportedPasskey(BaseModel):
    """Never its key."""

    id: UUID
    name: str
    transports: list[str]
    is_backed_up: bool
    created_at: Timestamp
    last_used_at: Timestamp | None


class ExportedTrustedDevice(BaseModel):
    id: UUID
    user_agent: str
    network: str
    created_at: Timestamp
    expires_at: Timestamp


class ExportedMail(BaseModel):
    kind: str
    due_at: Timestamp | None = Field(description="Null once it has gone.")


class ExportedEvent(BaseModel):
    id: UUID
    name: str
    at: Timestamp
    data: dict[str, Any]


class ExportOut(BaseModel):
    account: AccountOut
    sessions: list[ExportedSession]
    memberships: list[ExportedMembership]
    api_keys: list[ExportedApiKey]
    invitations: list[ExportedInvitation]
    email_change: ExportedEmailChange | None
    second_factors: ExportedFactors
    passkeys: list[ExportedPasskey]
    trusted_devices: list[ExportedTrustedDevice]
    mail: list[ExportedMail]
    events: list[ExportedEvent]

    @classmethod
    def of(cls, export: AccountExport) -> Self:
        change = export.email_change
        return cls(
            account=AccountOut.of(export.account),
            sessions=[
                ExportedSession(
                    id=session.id,
                    created_at=session.created_at,
                    last_seen_at=session.last_seen_at,
                    expires_at=session.expires_at,
                    amr=list(session.amr),
                    user_agent=session.user_agent,
                    network=session.network,
                )
                for session in export.sessions
            ],
            memberships=[
                ExportedMembership(
                    organization_id=membership.organization_id, role=membership.role, created_at=membership.created_at
                )
                for membership in export.memberships
            ],
            api_keys=[
                ExportedApiKey(
                    id=key.id,
                    organization_id=key.organization_id,
                    name=key.display_name,
                    scopes=sorted(key.scopes),
                    prefix=key.prefix,
                    created_at=key.created_at,
                    expires_at=key.expires_at,
                    last_used_at=key.last_used_at,
                )
                for key in export.api_keys
            ],
            invitations=[
                ExportedInvitation(
                    id=invitation.id,
                    organization_id=invitation.organization_id,
                    role=invitation.role,
                    created_at=invitation.created_at,
                    expires_at=invitation.expires_at,
                )
                for invitation in export.invitations
            ],
            email_change=ExportedEmailChange(
                new_email=change.new_email.value, created_at=change.created_at, expires_at=change.expires_at
            )
            if change
            else None,
            second_factors=ExportedFactors.of(export.second_factors),
            passkeys=[
                ExportedPasskey(
                    id=passkey.id,
                    name=passkey.display_name,
                    transports=list(passkey.transports),
                    is_backed_up=passkey.is_backed_up,
                    created_at=passkey.created_at,
                    last_used_at=passkey.last_used_at,
                )
                for passkey in export.passkeys
            ],
            trusted_devices=[
                ExportedTrustedDevice(
                    id=device.id,
                    user_agent=device.user_agent,
                    network=device.network,
                    created_at=device.created_at,
                    expires_at=device.expires_at,
                )
                for device in export.trusted_devices
            ],
            mail=[ExportedMail(kind=mail.kind, due_at=mail.due_at) for mail in export.mail],
            events=[
                ExportedEvent(id=event.id, name=event.name, at=event.at, data=event.data) for event in export.events
            ],
        )


@me.get(
    "/v1/me/export",
    response_model=ExportOut,
    summary="Read everything that is held about me",
    **operation(ExportAccount, body=False),
)
def export_me(caller: Caller, export: Annotated[ExportAccount, use(lambda c: c.export_account())]) -> Response:
    return answer(ExportOut.of(export(principal=caller.principal())), secret=True)
