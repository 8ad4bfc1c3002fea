"""What every concept is made of: ids, events, aggregates and the seven kinds of error."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import ClassVar, NewType
from uuid import UUID

AccountId = NewType("AccountId", UUID)
SessionId = NewType("SessionId", UUID)
ClaimId = NewType("ClaimId", UUID)
PasswordResetId = NewType("PasswordResetId", UUID)
EmailChangeId = NewType("EmailChangeId", UUID)
KeyId = NewType("KeyId", UUID)
OrganizationId = NewType("OrganizationId", UUID)
MembershipId = NewType("MembershipId", UUID)
RoleId = NewType("RoleId", UUID)
InvitationId = NewType("InvitationId", UUID)
ServiceAccountId = NewType("ServiceAccountId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
PasskeyId = NewType("PasskeyId", UUID)
ChallengeId = NewType("ChallengeId", UUID)
EmailCodeId = NewType("EmailCodeId", UUID)
WebhookId = NewType("WebhookId", UUID)
DeliveryId = NewType("DeliveryId", UUID)

ActorId = AccountId | ServiceAccountId
"""Whoever does something: a person, or a program of an organization."""

AddressDigest = NewType("AddressDigest", str)
"""Hexadecimal SHA-256 of a normalised address: the key of what a stranger may cause (claims, attempts, mail)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, named in the past tense. It carries ids and no personal data."""

    name: ClassVar[str]
    schema_version: ClassVar[int] = 1
    """Counts up when a field goes, or means something else; a new field leaves it."""

    at: datetime

    def data(self) -> dict[str, str | int | bool | None]:
        """Every field but the time, as JSON knows it."""
        values = ((f.name, getattr(self, f.name)) for f in fields(self) if f.name != "at")
        return {name: str(value) if isinstance(value, UUID) else value for name, value in values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What is read, changed and saved as one. `version` counts its saves, a removal like any other; `events` wait for
    the next one."""

    version: int = 0
    events: tuple[Event, ...] = field(default=(), compare=False, repr=False)

    def recorded(self, *events: Event) -> tuple[Event, ...]:
        return (*self.events, *events)


class DomainError(Exception):
    """A refusal with a permanent `code`; its text says to a person what is wrong and what to do."""

    code: ClassVar[str]

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def members(self) -> dict[str, object]:
        """What the problem document says beyond code and detail."""
        return {}


class Invalid(DomainError):
    """The input can never be right as it stands."""

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.field = field


class CursorInvalid(Invalid):
    """A page was asked for that no earlier answer to the same query led to."""

    code = "cursor_invalid"

    def __init__(self) -> None:
        super().__init__("Use the `next_cursor` of an earlier answer to the same query, unchanged.")


class Unauthenticated(DomainError):
    """Who is calling is not known."""


class Forbidden(DomainError):
    """Who is calling is known, and may not."""


class NotFound(DomainError):
    """It does not exist, or the caller may not know that it does."""


class Conflict(DomainError):
    """The present state does not allow it."""


class Gone(DomainError):
    """It was there once, and will not come back."""


class TooMany(DomainError):
    """Not now. `retry_after` is in whole seconds, at least 1."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = max(1, retry_after)


class ChangedMeanwhile(Conflict):
    """Others kept changing the same data at the same moment: trying again helps."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("Others changed the same data at the same moment. Try again.")


class Stale(Exception):
    """It was saved by another since it was read: run the use case again. Nobody outside ever sees it."""
