"""A session is continuity on one device: how long it lasts, and how its refresh token rotates (RFC 9700, 4.14)."""

import ipaddress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Self
from uuid import UUID

from domain.kernel import AccountId, Aggregate, Event, NotFound, SessionId, Unauthenticated


class InvalidCredentials(Unauthenticated):
    """Unknown address, wrong password, a claim, a suspended or closed account: deliberately not told apart."""

    code = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__(
            "The address or the password is wrong. A new address must be confirmed first, by the link in its mail."
        )


class RefreshTokenInvalid(Unauthenticated):
    """Not a refresh token of this service, or altered: sign in again."""

    code = "refresh_token_invalid"


class RefreshSuperseded(Unauthenticated):
    """The token was exchanged a moment ago, and a newer one is out: use that. The session goes on."""

    code = "refresh_superseded"


class RefreshReused(Unauthenticated):
    """The token was exchanged long before, so a copy of it is about: the session has been ended. Sign in again."""

    code = "refresh_reused"


class SessionEnded(Unauthenticated):
    """The session was signed out, ended or replaced, or it expired: sign in again."""

    code = "session_ended"

    def __init__(self) -> None:
        super().__init__("The session has ended. Sign in again.")


class SessionNotFound(NotFound):
    """The caller has no live session of that id."""

    code = "session_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    idle: timedelta = timedelta(days=7)
    absolute: timedelta = timedelta(days=30)
    most_live: int = 50
    """Live sessions an account may have; the oldest gives way."""
    replay_window: timedelta = timedelta(seconds=30)
    most_replays: int = 5
    access_token_lifetime: timedelta = timedelta(minutes=10)
    device_lifetime: timedelta = timedelta(days=180)


_LONGEST_USER_AGENT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a request comes from, as far as it can be told: the user agent and the network."""

    user_agent: str
    network: str

    @classmethod
    def seen(cls, *, user_agent: str, address: str) -> Self:
        """`address` is an IP address, or anything else where there is none."""
        printable = user_agent if user_agent.isprintable() else "".join(c for c in user_agent if c.isprintable())
        return cls(user_agent=printable[:_LONGEST_USER_AGENT], network=network_of(address))


@lru_cache(maxsize=4096)  # the same few come again and again, and parsing one takes longer than reading a session
def network_of(address: str) -> str:
    """An IPv4 address as its /32, an IPv6 address as its /64: what one subscriber is given (RFC 6177)."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    prefix = 32 if ip.version == 4 else 64
    return str(ipaddress.ip_network((ip, prefix), strict=False))


class EndReason(StrEnum):
    SIGNED_OUT = "signed_out"
    ENDED_BY_OWNER = "ended_by_owner"
    GAVE_WAY = "gave_way"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a name)
    PASSWORD_RESET = "password_reset"  # noqa: S105 (a name)
    EMAIL_VERIFIED = "email_verified"
    SUSPENDED = "suspended"
    ENDED_BY_OPERATOR = "ended_by_operator"
    CLOSED = "closed"
    FACTORS_RESET = "factors_reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    name = "session.started"
    account_id: AccountId
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWasEnded(Event):
    name = "session.ended"
    account_id: AccountId
    session_id: SessionId
    reason: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSteppedUp(Event):
    name = "session.stepped_up"
    account_id: AccountId
    session_id: SessionId
    aal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshWasSuperseded(Event):
    name = "session.refresh_superseded"
    account_id: AccountId
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshWasReused(Event):
    name = "session.refresh_reused"
    account_id: AccountId
    session_id: SessionId


class Ruling(Enum):
    """What a presented refresh token deserves."""

    CURRENT = "it may rotate"
    AGAIN = "its answer was lost: hand out the current generation again"
    SUPERSEDED = "another device or tab has moved on: refuse, and leave the session alone"
    REUSED = "it was copied: end the session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Aggregate):
    """Only live sessions are kept: ending one removes it.

    `generation` numbers the refresh tokens; `rotated_at`, `user_agent` and `network` tell when and by whom the
    current one was made, `replays` how often it was handed out again.
    """

    id: SessionId
    account_id: AccountId
    created_at: datetime
    authenticated_at: datetime
    amr: tuple[str, ...]
    aal: int
    generation: int = 0
    rotated_at: datetime
    replays: int = 0
    user_agent: str
    network: str
    last_seen_at: datetime
    idle_expires_at: datetime
    expires_at: datetime

    @classmethod
    def start(
        cls,
        *,
        id: SessionId,
        account_id: AccountId,
        amr: tuple[str, ...],
        aal: int,
        client: Client,
        policy: SessionPolicy,
        at: datetime,
    ) -> Self:
        return cls(
            id=id,
            account_id=account_id,
            created_at=at,
            authenticated_at=at,
            amr=amr,
            aal=aal,
            rotated_at=at,
            user_agent=client.user_agent,
            network=client.network,
            last_seen_at=to_the_hour(at),
            idle_expires_at=at + policy.idle,
            expires_at=at + policy.absolute,
            events=(SessionStarted(account_id=account_id, session_id=id, at=at),),
        )

    def is_live(self, at: datetime) -> bool:
        return at < self.idle_expires_at and at < self.expires_at

    def rotated(self, *, client: Client, policy: SessionPolicy, at: datetime) -> Self:
        """The next generation. No event: a refresh changes nothing that anybody but its device can see."""
        return replace(
            self,
            generation=self.generation + 1,
            rotated_at=at,
            replays=0,
            user_agent=client.user_agent,
            network=client.network,
            last_seen_at=to_the_hour(at),
            idle_expires_at=at + policy.idle,
        )

    def step_up(self, *, amr: tuple[str, ...], aal: int, client: Client, policy: SessionPolicy, at: datetime) -> Self:
        """Its owner has just proved themselves anew: the tokens rotate (ASVS 7.2.4)."""
        rotated = self.rotated(client=client, policy=policy, at=at)
        stepped_up = SessionSteppedUp(account_id=self.account_id, session_id=self.id, aal=max(aal, self.aal), at=at)
        return replace(
            rotated,
            authenticated_at=at,
            amr=tuple(dict.fromkeys((*self.amr, *amr))),
            aal=max(aal, self.aal),
            events=self.recorded(stepped_up),
        )

    def judge(self, generation: int, *, client: Client, policy: SessionPolicy, at: datetime) -> Ruling:
        """What to do with a refresh token of that generation, now."""
        if generation == self.generation:
            return Ruling.CURRENT
        if generation != self.generation - 1 or at - self.rotated_at > policy.replay_window:
            return Ruling.REUSED
        same_client = (client.user_agent, client.network) == (self.user_agent, self.network)
        return Ruling.AGAIN if same_client and self.replays < policy.most_replays else Ruling.SUPERSEDED

    def end(self, reason: EndReason, *, at: datetime) -> Self:
        ended = SessionWasEnded(account_id=self.account_id, session_id=self.id, reason=reason, at=at)
        return replace(self, events=self.recorded(ended))

    def note_superseded(self, *, at: datetime) -> Self:
        superseded = RefreshWasSuperseded(account_id=self.account_id, session_id=self.id, at=at)
        return replace(self, events=self.recorded(superseded))

    def end_reused(self, *, at: datetime) -> Self:
        reused = RefreshWasReused(account_id=self.account_id, session_id=self.id, at=at)
        return replace(self, events=self.recorded(reused)).end(EndReason.REFRESH_REUSED, at=at)


def to_the_hour(at: datetime) -> datetime:
    """As precise as `last seen` gets: a device list is no diary."""
    return at.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token names. There is no row for it: the session's generation decides."""

    account_id: AccountId
    session_id: SessionId
    generation: int

    def pack(self) -> bytes:
        return self.account_id.bytes + self.session_id.bytes + self.generation.to_bytes(8)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        return cls(
            AccountId(UUID(bytes=packed[:16])),
            SessionId(UUID(bytes=packed[16:32])),
            int.from_bytes(packed[32:]),
        )
