"""A webhook endpoint: where an organization, or the installation, wants to hear of its events.

What is sent there follows Standard Webhooks (https://www.standardwebhooks.com): signed, with a secret that is shown
once.
"""

import base64
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from domain.audit import INSTALLATION
from domain.kernel import AccountId, Aggregate, Conflict, Event, Invalid, NotFound, OrganizationId, WebhookId
from domain.names import LONGEST_DESCRIPTION, visible

MOST_WEBHOOKS = 20
"""Of one organization, or of the installation."""
MOST_PATTERNS = 50
LONGEST_URL = 2000

ALL_EVENTS = "*"


class InvalidWebhook(Invalid):
    """An address, a description or events that an endpoint cannot have."""

    code = "webhook_invalid"


class WebhookNotFound(NotFound):
    """Its owner has no such endpoint."""

    code = "webhook_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such webhook.")


class TooManyWebhooks(Conflict):
    """Its owner has as many endpoints as it may."""

    code = "too_many_webhooks"

    def __init__(self) -> None:
        super().__init__(f"There may be at most {MOST_WEBHOOKS} webhooks: delete one first.")


class WebhookDisabled(Conflict):
    """Nothing is sent to an endpoint that is off."""

    code = "webhook_disabled"

    def __init__(self) -> None:
        super().__init__("The webhook is off: enable it first.")


_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """`whsec_` and the base64 of 32 random bytes, with which every call is signed."""

    text: str = field(repr=False)

    @classmethod
    def make(cls, random: bytes) -> Self:
        return cls(_PREFIX + base64.b64encode(random).decode())

    @property
    def key(self) -> bytes:
        return base64.b64decode(self.text.removeprefix(_PREFIX))


_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""A name with a dot, and no number behind the last one: so no address of any notation passes for one."""
_PRIVATE = frozenset(
    {"local", "localhost", "internal", "intranet", "lan", "home", "corp", "private", "test", "invalid"}
)
_VISIBLE_ASCII = re.compile(r"[!-~]+")


def parse_webhook_url(raw: str, *, allowed_hosts: Collection[str] = ()) -> str:
    """Raise InvalidWebhook unless it is https to a public name. Hosts that the installation allows by name may be
    private, an address, or without TLS.

    It says only what can never be right: where a name leads is judged when it is called (OWASP SSRF prevention).
    """
    url = raw.strip()
    if len(url) > LONGEST_URL or not _VISIBLE_ASCII.fullmatch(url) or "\\" in url:
        raise InvalidWebhook(
            f"The address has at most {LONGEST_URL} characters, all of them visible ASCII.", field="url"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidWebhook("That is no address of the web.", field="url") from None
    if "@" in parts.netloc or "#" in url:
        raise InvalidWebhook("The address has neither a user, a password nor a fragment.", field="url")
    if port == 0:
        raise InvalidWebhook("There is no port 0.", field="url")
    if host in allowed_hosts:
        if parts.scheme not in ("http", "https"):
            raise InvalidWebhook("The address starts with https:// or http://.", field="url")
    elif parts.scheme != "https":
        raise InvalidWebhook("The address starts with https://.", field="url")
    elif not _HOST.fullmatch(host) or host.rpartition(".")[2] in _PRIVATE:
        raise InvalidWebhook("The host is a public name, no bare address (see WEBHOOK_ALLOWED_HOSTS).", field="url")
    return _normal(parts, host)


def _normal(parts: SplitResult, host: str) -> str:
    written = f"[{host}]" if ":" in host else host
    netloc = written if parts.port is None else f"{written}:{parts.port}"
    return parts._replace(netloc=netloc, path=parts.path or "/").geturl()


def parse_description(raw: str) -> str:
    """Raise InvalidWebhook if it cannot be kept. It may be empty."""
    description = visible(raw, most=LONGEST_DESCRIPTION)
    if description is None:
        raise InvalidWebhook(
            f"The description has at most {LONGEST_DESCRIPTION} characters, all of which can be seen.",
            field="description",
        )
    return description


_PATTERN = re.compile(r"(?=.{1,64}$)[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.(\*|[a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted: by name (`member.added`), by beginning (`member.*`), or all (`*`)."""

    patterns: frozenset[str]

    @classmethod
    def parse(cls, raw: Iterable[str]) -> Self:
        """Raise InvalidWebhook for what can be no event's name, and if nothing is wanted."""
        patterns = frozenset(raw)
        if not 1 <= len(patterns) <= MOST_PATTERNS:
            raise InvalidWebhook(f"Name 1 to {MOST_PATTERNS} events, or `*` for all.", field="events")
        if any(each != ALL_EVENTS and not _PATTERN.fullmatch(each) for each in patterns):
            raise InvalidWebhook("An event is named as `member.added`, `member.*` or `*`.", field="events")
        return cls(frozenset({ALL_EVENTS}) if ALL_EVENTS in patterns else patterns)

    def wants(self, name: str) -> bool:
        beginnings = {f"{name[:dot]}.*" for dot, letter in enumerate(name) if letter == "."}
        return not self.patterns.isdisjoint({ALL_EVENTS, name, *beginnings})


class EndOfWebhook(StrEnum):
    """Why an endpoint is off."""

    SWITCHED_OFF = "switched_off"
    FAILING = "failing"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookMade(Event):
    name = "webhook.created"
    webhook_id: WebhookId
    organization_id: OrganizationId | None
    by: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChanged(Event):
    name = "webhook.changed"
    webhook_id: WebhookId
    organization_id: OrganizationId | None
    by: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecretRotated(Event):
    name = "webhook.secret_rotated"
    webhook_id: WebhookId
    organization_id: OrganizationId | None
    by: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEnabled(Event):
    name = "webhook.enabled"
    webhook_id: WebhookId
    organization_id: OrganizationId | None
    by: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSwitchedOff(Event):
    name = "webhook.disabled"
    webhook_id: WebhookId
    organization_id: OrganizationId | None
    reason: EndOfWebhook
    by: AccountId | None
    """None where the installation did it by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeleted(Event):
    name = "webhook.deleted"
    webhook_id: WebhookId
    organization_id: OrganizationId | None
    by: AccountId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPolicy:
    retry_after: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(hours=14),
        timedelta(hours=18),
        timedelta(hours=22),
    )
    """Ten retries in about three days."""
    jitter: float = 0.2
    """How much later than that at most: what failed together is not to come back together."""
    off_after: timedelta = timedelta(days=5)
    secret_overlap: timedelta = timedelta(hours=24)
    lease: timedelta = timedelta(seconds=10)
    """How long a relay that says nothing any more keeps a lane: longer than a call, which takes 5 seconds at most, so
    that two calls of one lane are never under way, and not much longer, for the others wait for it."""
    kept: timedelta = timedelta(days=30)
    """How long the log shows a delivery that is over."""

    def retry_in(self, tries: int, random: float) -> timedelta | None:
        """How long to wait after so many tries, None after the last; `random` is from 0 to 1."""
        if tries > len(self.retry_after):
            return None
        return self.retry_after[tries - 1] * (1 + self.jitter * random)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint(Aggregate):
    """`owner_id` is the organization whose events it gets; the installation's gets all there are."""

    owner_id: UUID
    id: WebhookId
    url: str
    description: str
    events_wanted: EventFilter
    sealed_secret: str = field(repr=False)
    previous_sealed_secret: str | None = field(default=None, repr=False)
    previous_expires_at: datetime | None = None
    disabled_because: EndOfWebhook | None = None
    disabled_at: datetime | None = None
    failing_since: datetime | None = None
    """When the first call failed after which none succeeded."""
    created_by: AccountId
    created_at: datetime

    @classmethod
    def make(
        cls,
        *,
        owner_id: UUID,
        id: WebhookId,
        url: str,
        description: str,
        events_wanted: EventFilter,
        sealed_secret: str,
        by: AccountId,
        at: datetime,
    ) -> Self:
        made = WebhookMade(webhook_id=id, organization_id=_organization(owner_id), by=by, at=at)
        return cls(
            owner_id=owner_id,
            id=id,
            url=url,
            description=description,
            events_wanted=events_wanted,
            sealed_secret=sealed_secret,
            created_by=by,
            created_at=at,
            events=(made,),
        )

    @property
    def organization_id(self) -> OrganizationId | None:
        return _organization(self.owner_id)

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None

    @property
    def secret_row(self) -> str:
        """What its secrets are sealed for."""
        return secret_row(self.owner_id, self.id)

    def sealed_secrets(self, at: datetime) -> tuple[str, ...]:
        """Those to sign with now, the newest first."""
        if self.previous_sealed_secret and self.previous_expires_at and at < self.previous_expires_at:
            return self.sealed_secret, self.previous_sealed_secret
        return (self.sealed_secret,)

    @property
    def kept_secrets(self) -> tuple[str, ...]:
        """Whether they still sign or not."""
        return tuple(sealed for sealed in (self.sealed_secret, self.previous_sealed_secret) if sealed)

    def change(self, *, url: str, description: str, events_wanted: EventFilter, by: AccountId, at: datetime) -> Self:
        if (url, description, events_wanted) == (self.url, self.description, self.events_wanted):
            return self
        changed = WebhookChanged(webhook_id=self.id, organization_id=self.organization_id, by=by, at=at)
        return replace(
            self, url=url, description=description, events_wanted=events_wanted, events=self.recorded(changed)
        )

    def rotate(self, sealed_secret: str, *, overlap: timedelta, by: AccountId, at: datetime) -> Self:
        """Calls are signed with both secrets as long as the two overlap."""
        rotated = WebhookSecretRotated(webhook_id=self.id, organization_id=self.organization_id, by=by, at=at)
        return replace(
            self,
            sealed_secret=sealed_secret,
            previous_sealed_secret=self.sealed_secret,
            previous_expires_at=at + overlap,
            events=self.recorded(rotated),
        )

    def rewrap(self, sealed_anew: Callable[[str], str]) -> Self:
        """The same secrets under another seal. Nothing changes for the receiver: there is no event."""
        previous = self.previous_sealed_secret
        return replace(
            self,
            sealed_secret=sealed_anew(self.sealed_secret),
            previous_sealed_secret=sealed_anew(previous) if previous else None,
        )

    def enable(self, *, by: AccountId, at: datetime) -> Self:
        """What failed before is forgotten."""
        if self.is_active:
            return self
        enabled = WebhookEnabled(webhook_id=self.id, organization_id=self.organization_id, by=by, at=at)
        return replace(self, disabled_because=None, disabled_at=None, failing_since=None, events=self.recorded(enabled))

    def disable(self, reason: EndOfWebhook, *, by: AccountId | None, at: datetime) -> Self:
        if not self.is_active:
            return self
        disabled = WebhookSwitchedOff(
            webhook_id=self.id, organization_id=self.organization_id, reason=reason, by=by, at=at
        )
        return replace(self, disabled_because=reason, disabled_at=at, events=self.recorded(disabled))

    def succeeded(self) -> Self:
        return self if self.failing_since is None else replace(self, failing_since=None)

    def failed(self, *, policy: WebhookPolicy, at: datetime) -> Self:
        """Off, when nothing succeeded for too long."""
        if self.failing_since is None:
            return replace(self, failing_since=at)
        if at - self.failing_since >= policy.off_after:
            return self.disable(EndOfWebhook.FAILING, by=None, at=at)
        return self

    def delete(self, *, by: AccountId | None, at: datetime) -> Self:
        deleted = WebhookDeleted(webhook_id=self.id, organization_id=self.organization_id, by=by, at=at)
        return replace(self, events=self.recorded(deleted))


def secret_row(owner_id: UUID, id: WebhookId) -> str:
    return f"webhooks/{owner_id}/{id}"


def _organization(owner_id: UUID) -> OrganizationId | None:
    return None if owner_id == INSTALLATION else OrganizationId(owner_id)
