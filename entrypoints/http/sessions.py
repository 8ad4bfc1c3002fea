"""Signing in, refreshing, and the devices on which one is signed in."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from application.sessions import (
    EndOtherSessions,
    EndSession,
    EnterOrganization,
    ListSessions,
    OrganizationToken,
    RefreshSession,
    SignedIn,
    SignOut,
)
from application.signing_in import SecondFactorDue, SignIn
from domain.access import AudienceUnknown
from domain.accounts import InvalidEmail
from domain.assurance import StepUpRequired
from domain.attempts import TooManyAttempts
from domain.kernel import CursorInvalid, SessionId
from domain.organizations import OrganizationNotFound
from domain.second_factors import Factor
from domain.sessions import (
    InvalidCredentials,
    RefreshReused,
    RefreshSuperseded,
    RefreshTokenInvalid,
    Session,
    SessionEnded,
    SessionNotFound,
)
from entrypoints.http.caller import Caller
from entrypoints.http.deps import HashingDep, use
from entrypoints.http.operations import MEMBERSHIP, NOBODY, operation
from entrypoints.http.problems import Responses
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Address,
    Cursor,
    Input,
    Limit,
    Page,
    Secret,
    Timestamp,
    answer,
    from_cursor,
    no_content,
    to_cursor,
)

routes = router("sessions")


class SessionOut(BaseModel):
    id: UUID
    created_at: Timestamp
    last_seen_at: Timestamp = Field(description="To the hour.")
    authenticated_at: Timestamp
    expires_at: Timestamp = Field(description="However it is used, it ends then.")
    idle_expires_at: Timestamp = Field(description="Unless it is refreshed, it ends then.")
    amr: list[str] = Field(description="How its owner proved who they are (RFC 8176).")
    aal: int = Field(description="Authenticator assurance level (NIST SP 800-63B).")
    user_agent: str
    network: str
    current: bool = Field(description="Whether it is the session of this very call.")

    @classmethod
    def of(cls, session: Session, *, current: SessionId) -> Self:
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            authenticated_at=session.authenticated_at,
            expires_at=session.expires_at,
            idle_expires_at=session.idle_expires_at,
            amr=list(session.amr),
            aal=session.aal,
            user_agent=session.user_agent,
            network=session.network,
            current=session.id == current,
        )


class SessionPage(Page[SessionOut]):
    """Devices, newest first."""


class Credentials(Input):
    email: Address
    password: Secret
    device_token: Annotated[Secret | None, Field(description="From an earlier sign-in on this device.")] = None


Audience = Annotated[
    str,
    StringConstraints(max_length=200),
    Field(description="The backend that the token is for, of BACKEND_AUDIENCES; without one the first of them."),
]


class Entering(Input):
    organization_id: UUID
    audience: Audience | None = None


class Refresh(Input):
    refresh_token: Secret
    organization_id: Annotated[UUID | None, Field(description="Which the access token is to be for.")] = None
    audience: Audience | None = None

    @model_validator(mode="after")
    def _names_a_backend_within_an_organization(self) -> Self:
        if self.audience is not None and self.organization_id is None:
            raise PydanticCustomError("audience_alone", "A token for a backend is for an organization: name that too")
        return self


class Tokens(BaseModel):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (a name)
    expires_in: int = Field(description="Life of the access token, in seconds.")
    refresh_token: str = Field(description="Good for one exchange.")
    device_token: str | None = Field(
        description="Keep it on the device and send it at the next sign-in: strangers cannot slow that down. "
        "Null after a refresh."
    )
    session: SessionOut

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        return cls(
            access_token=signed_in.access_token,
            expires_in=int(signed_in.expires_in.total_seconds()),
            refresh_token=signed_in.refresh_token,
            device_token=signed_in.device_token,
            session=SessionOut.of(signed_in.session, current=signed_in.session.id),
        )


class SecondFactorNeeded(BaseModel):
    status: Literal["second_factor_required"] = "second_factor_required"
    challenge: str = Field(description="For POST /v1/sessions/second-factor, together with one of the factors.")
    factors: list[Factor]
    passkey_options: dict[str, Any] | None = Field(
        description="`publicKey` of `navigator.credentials.get`, where a passkey is among the factors."
    )
    expires_in: int = Field(description="Of the challenge, in seconds.")


SECOND_FACTOR_DUE: Responses = {
    202: {"model": SecondFactorNeeded, "description": "The first factor was right; a second one must follow."}
}


def signed_in_or_due(opened: SignedIn | SecondFactorDue) -> Response:
    if isinstance(opened, SignedIn):
        return answer(Tokens.of(opened), 201, secret=True)
    due = SecondFactorNeeded(
        challenge=opened.challenge,
        factors=list(opened.factors),
        passkey_options=None if opened.passkey_options is None else dict(opened.passkey_options),
        expires_in=int(opened.expires_in.total_seconds()),
    )
    return answer(due, 202, secret=True)


@routes.post(
    "/v1/sessions",
    status_code=201,
    response_model=Tokens,
    summary="Sign in",
    **operation(
        SignIn,
        InvalidEmail,
        InvalidCredentials,
        TooManyAttempts,
        needs=NOBODY,
        hashes=True,
        also=SECOND_FACTOR_DUE,
    ),
)
async def sign_in(
    body: Credentials,
    caller: Caller,
    hashing: HashingDep,
    sign_in: Annotated[SignIn, use(lambda c: c.sign_in())],
) -> Response:
    opened = await hashing.run(
        lambda: sign_in(
            email=body.email, password=body.password, device_token=body.device_token, client=caller.client_seen
        )
    )
    return signed_in_or_due(opened)


@routes.post(
    "/v1/sessions/refresh",
    response_model=Tokens,
    summary="Exchange a refresh token",
    **operation(
        RefreshSession,
        RefreshTokenInvalid,
        SessionEnded,
        RefreshSuperseded,
        RefreshReused,
        OrganizationNotFound,
        AudienceUnknown,
        StepUpRequired,
        needs=NOBODY,
    ),
)
def refresh_session(
    body: Refresh,
    caller: Caller,
    refresh: Annotated[RefreshSession, use(lambda c: c.refresh_session())],
) -> Response:
    refreshed = refresh(
        refresh_token=body.refresh_token,
        client=caller.client_seen,
        organization_id=body.organization_id,
        audience=body.audience,
    )
    return answer(Tokens.of(refreshed), secret=True)


class OrganizationTokenOut(BaseModel):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (a name)
    expires_in: int = Field(description="In seconds.")
    organization_id: UUID
    role: str
    permissions: list[str] = Field(description="What the token says, until it expires.")

    @classmethod
    def of(cls, token: OrganizationToken) -> Self:
        return cls(
            access_token=token.access_token,
            expires_in=int(token.expires_in.total_seconds()),
            organization_id=token.standing.organization_id,
            role=token.standing.role,
            permissions=sorted(token.standing.permissions),
        )


@routes.post(
    "/v1/me/organization",
    response_model=OrganizationTokenOut,
    summary="Get an access token for one of my organizations",
    **operation(EnterOrganization, AudienceUnknown, needs=MEMBERSHIP),
)
def enter_organization(
    body: Entering,
    caller: Caller,
    enter: Annotated[EnterOrganization, use(lambda c: c.enter_organization())],
) -> Response:
    entered = enter(actor=caller.actor(body.organization_id), audience=body.audience)
    return answer(OrganizationTokenOut.of(entered), secret=True)


@routes.delete("/v1/sessions/current", status_code=NO_CONTENT, summary="Sign out", **operation(SignOut, body=False))
def sign_out(caller: Caller, sign_out: Annotated[SignOut, use(lambda c: c.sign_out())]) -> Response:
    sign_out(principal=caller.principal())
    return no_content()


@routes.get(
    "/v1/me/sessions",
    response_model=SessionPage,
    summary="List my devices",
    **operation(ListSessions, CursorInvalid, body=False),
)
def list_sessions(
    caller: Caller,
    list_sessions: Annotated[ListSessions, use(lambda c: c.list_sessions())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    principal = caller.principal()
    sessions, after = list_sessions(principal=principal, limit=limit, after=from_cursor(cursor))
    items = [SessionOut.of(session, current=principal.session.id) for session in sessions]
    return answer(SessionPage(items=items, next_cursor=to_cursor(after)), secret=True)


@routes.delete(
    "/v1/me/sessions/{id}",
    status_code=NO_CONTENT,
    summary="Sign out one device",
    **operation(EndSession, SessionNotFound, StepUpRequired, body=False),
)
def end_session(id: UUID, caller: Caller, end: Annotated[EndSession, use(lambda c: c.end_session())]) -> Response:
    end(principal=caller.principal(), session_id=id)
    return no_content()


@routes.delete(
    "/v1/me/sessions",
    status_code=NO_CONTENT,
    summary="Sign out all other devices",
    **operation(EndOtherSessions, StepUpRequired, body=False),
)
def end_other_sessions(
    caller: Caller, end: Annotated[EndOtherSessions, use(lambda c: c.end_other_sessions())]
) -> Response:
    end(principal=caller.principal())
    return no_content()
