"""Everything that is held about me: secrets, hashes and keys are not shown even here."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.account_exports import AccountExport, ExportAccount
from domain.second_factors import SecondFactors
from entrypoints.http.accounts import AccountOut
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import Timestamp, answer
from entrypoints.http.second_factors import TrustedDeviceOut

routes = router("me")


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
    trusted_devices: list[TrustedDeviceOut]
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
            trusted_devices=[TrustedDeviceOut.of(device) for device in export.trusted_devices],
            mail=[ExportedMail(kind=mail.kind, due_at=mail.due_at) for mail in export.mail],
            events=[
                ExportedEvent(id=event.id, name=event.name, at=event.at, data=event.data) for event in export.events
            ],
        )


@routes.get(
    "/v1/me/export",
    response_model=ExportOut,
    summary="Read everything that is held about me",
    **operation(ExportAccount, body=False),
)
def export_me(caller: Caller, export: Annotated[ExportAccount, use(lambda c: c.export_account())]) -> Response:
    return answer(ExportOut.of(export(principal=caller.principal())), secret=True)
