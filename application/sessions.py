"""Signing in, going on, and signing out."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from application.notices import notify
from application.ports.environment import Clock, Ids
from application.ports.security import AccessTokens, OpaqueTokens
from application.ports.unit_of_work import Begin
from domain.access import AccessClaims, Actor, AudienceUnknown, Principal, Standing, Subject
from domain.assurance import AssurancePolicy
from domain.kernel import OrganizationId, SessionId, Unauthenticated
from domain.mail import MailKind
from domain.one_time_tokens import Purpose
from domain.sessions import (
    Client,
    EndReason,
    RefreshReused,
    RefreshSuperseded,
    RefreshToken,
    RefreshTokenInvalid,
    Ruling,
    Session,
    SessionEnded,
    SessionNotFound,
    SessionPolicy,
)

UNLIMITED_SCOPE = "*"
"""What a session's own token may do: whatever its account may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session with its tokens. `device_token` is new at sign-in only."""

    session: Session
    access_token: str = field(repr=False)
    expires_in: timedelta
    refresh_token: str = field(repr=False)
    device_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTokens:
    """A session's present pair of tokens: a short one that anybody can verify, and a rotating one to renew it."""

    access_tokens: AccessTokens
    opaque_tokens: OpaqueTokens
    policy: SessionPolicy
    ids: Ids
    audiences: tuple[str, ...]
    """Of the backends; the first is meant where none is named. Never Portico's own: a backend could call Portico with
    what it is sent."""

    def __call__(
        self,
        session: Session,
        *,
        device_token: str | None = None,
        standing: Standing | None = None,
        audience: str | None = None,
        at: datetime,
    ) -> SignedIn:
        refresh = RefreshToken(session.account_id, session.id, session.generation)
        return SignedIn(
            session=session,
            access_token=self.access_token(session, standing=standing, audience=audience, at=at),
            expires_in=self.policy.access_token_lifetime,
            refresh_token=self.opaque_tokens.issue(Purpose.REFRESH, refresh.pack()),
            device_token=device_token,
        )

    def access_token(
        self, session: Session, *, standing: Standing | None = None, audience: str | None = None, at: datetime
    ) -> str:
        """For a backend and an organization, if a standing is given; otherwise for Portico itself. Raise
        AudienceUnknown."""
        issued_at = at.replace(microsecond=0)
        claims = AccessClaims(
            account_id=session.account_id,
            session_id=session.id,
            token_id=self.ids.new(),
            issued_at=issued_at,
            expires_at=issued_at + self.policy.access_token_lifetime,
            authenticated_at=session.authenticated_at.replace(microsecond=0),
            amr=session.amr,
            acr=f"aal{session.aal}",
            scope=UNLIMITED_SCOPE,
            audience=self.must_know(audience) if standing else None,
            organization=standing.claims() if standing else None,
        )
        return self.access_tokens.issue(claims)

    def must_know(self, audience: str | None) -> str:
        """The backend that is meant. Raise AudienceUnknown."""
        if audience is None:
            return self.audiences[0]
        if audience not in self.audiences:
            raise AudienceUnknown
        return audience


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshSession:
    """Each refresh token is exchanged once for the next; a copied one ends the session (RFC 9700 section 4.14.2).

    The one just replaced is forgiven for 30 seconds, to the same client: two tabs, or an answer that was lost.
    """

    unit_of_work: Begin
    autocommit: Begin
    opaque_tokens: OpaqueTokens
    issue_tokens: IssueTokens
    policy: SessionPolicy
    clock: Clock
    ids: Ids

    def __call__(
        self,
        *,
        refresh_token: str,
        client: Client,
        organization_id: UUID | None = None,
        audience: str | None = None,
    ) -> SignedIn:
        """With an organization, the access token is for it and a backend, and not for Portico.

        Raise RefreshTokenInvalid, SessionEnded, RefreshSuperseded, RefreshReused; before anything is exchanged
        OrganizationNotFound, AudienceUnknown, and StepUpRequired where the organization requires a second factor.
        """
        packed = self.opaque_tokens.read(Purpose.REFRESH, refresh_token)
        if packed is None:
            raise RefreshTokenInvalid("That is no refresh token of this service. Sign in again.")
        token = RefreshToken.unpack(packed)
        now = self.clock.now()
        if organization_id is None:
            return self.issue_tokens(self._exchange(token, client, now), at=now)
        standing = self._standing(token, OrganizationId(organization_id), audience, now)
        # An old token learns nothing of organizations, and is refused as it always is.
        session = self._exchange(token, client, now) if standing else self._not_current(token, client)
        return self.issue_tokens(session, standing=standing, audience=audience, at=now)

    def _standing(
        self, token: RefreshToken, organization_id: OrganizationId, audience: str | None, at: datetime
    ) -> Standing | None:
        """What the account is there; None for a token that cannot be exchanged any more.

        Raise OrganizationNotFound, AudienceUnknown.
        """
        with self.autocommit() as database:
            found = database.access.by_session(token.account_id, token.session_id, organization_id=organization_id)
        subject = found[0] if found else Subject()
        session = subject.session
        if session is None or not session.is_live(at) or token.generation < session.generation - 1:
            return None
        self.issue_tokens.must_know(audience)
        return subject.within(organization_id).standing

    def _exchange(self, token: RefreshToken, client: Client, at: datetime) -> Session:
        with self.autocommit() as database:
            session = database.sessions.advance(
                token.account_id,
                token.session_id,
                generation=token.generation,
                client=client,
                policy=self.policy,
                at=at,
            )
        return session or self._not_current(token, client)

    def _not_current(self, token: RefreshToken, client: Client) -> Session:
        """The session, if its present generation may be handed out again."""
        now = self.clock.now()
        refusal: Unauthenticated
        with self.unit_of_work() as uow:
            session = uow.sessions.find(token.account_id, token.session_id)
            if session is None or not session.is_live(now):
                raise SessionEnded
            ruling = session.judge(token.generation, client=client, policy=self.policy, at=now)
            if ruling is Ruling.AGAIN and uow.sessions.count_replay(
                session.account_id, session.id, generation=session.generation, most=self.policy.most_replays
            ):
                return session
            if ruling is Ruling.REUSED:
                if uow.sessions.remove(session.end_reused(at=now)):  # otherwise another has told the owner
                    owner = uow.accounts.get(session.account_id)
                    notify(uow, MailKind.REFRESH_REUSED, owner, ids=self.ids, at=now)
                refusal = RefreshReused(
                    "That refresh token was used before. The session has been ended: sign in again."
                )
            else:
                uow.sessions.note(session.note_superseded(at=now))
                refusal = RefreshSuperseded("That refresh token has been replaced by a newer one: use that.")
        # Raised after the block: what happened is to be remembered.
        raise refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationToken:
    """What a backend needs to decide offline."""

    access_token: str = field(repr=False)
    expires_in: timedelta
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterOrganization:
    """A signed-in person gets an access token for one of their organizations: with it a backend decides offline.

    No refresh token comes with it. What is withdrawn meanwhile stands in it until it expires.
    """

    issue_tokens: IssueTokens
    clock: Clock

    def __call__(self, *, actor: Actor, audience: str | None = None) -> OrganizationToken:
        """Raise SessionRequired, AudienceUnknown."""
        session = actor.person().session
        token = self.issue_tokens.access_token(session, standing=actor.standing, audience=audience, at=self.clock.now())
        return OrganizationToken(
            access_token=token, expires_in=self.issue_tokens.policy.access_token_lifetime, standing=actor.standing
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOut:
    """The session of the caller ends: its tokens are worth nothing from now on."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, principal: Principal) -> None:
        with self.unit_of_work() as uow:
            uow.sessions.remove(principal.session.end(EndReason.SIGNED_OUT, at=self.clock.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessions:
    """The devices on which the caller is signed in, newest first."""

    autocommit: Begin
    clock: Clock

    def __call__(self, *, principal: Principal, limit: int, after: str | None) -> tuple[list[Session], str | None]:
        """Raise CursorInvalid."""
        with self.autocommit() as database:
            return database.sessions.page(principal.account.id, limit=limit, after=after, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession:
    """The owner ends the session of one device."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, principal: Principal, session_id: UUID) -> None:
        """Raise SessionNotFound if the caller has no such session, StepUpRequired if it is another than this one."""
        now = self.clock.now()
        if session_id != principal.session.id:
            principal.must_be_fresh(self.assurance, at=now)
        with self.unit_of_work() as uow:
            session = uow.sessions.find(principal.account.id, SessionId(session_id))
            if not (session and session.is_live(now) and uow.sessions.remove(_ended_by_owner(session, now))):
                raise SessionNotFound("You have no such session.")


def _ended_by_owner(session: Session, at: datetime) -> Session:
    return session.end(EndReason.ENDED_BY_OWNER, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOtherSessions:
    """The owner ends the sessions of all devices but this one."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, principal: Principal) -> None:
        """Raise StepUpRequired."""
        principal.must_be_fresh(self.assurance, at=self.clock.now())
        with self.unit_of_work() as uow:
            uow.sessions.end_all(
                principal.account.id, EndReason.ENDED_BY_OWNER, keep=principal.session.id, at=self.clock.now()
            )
