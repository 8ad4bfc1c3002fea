"""The feed of all events: what a backend follows, so that it misses nothing and sees nothing twice."""

from dataclasses import dataclass
from uuid import UUID

from application.ports.outbox import OutboxEvent
from application.ports.unit_of_work import Begin
from domain.access import Actor, Principal
from domain.assurance import AssurancePolicy
from domain.kernel import CursorInvalid
from domain.permissions import EVENTS_READ

_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A page of the feed. `position` is where to go on: behind its last event, or behind all that there was."""

    events: list[OutboxEvent]
    owner_id: UUID | None
    """The organization whose events alone were asked for."""
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowEvents:
    """Read what has happened since a cursor: each event comes once, those of an aggregate in the order of their
    versions. An organization's events are for whoever may `events:read` there, all events for operators."""

    autocommit: Begin
    assurance: AssurancePolicy

    def __call__(self, *, reader: Actor | Principal, after: str | None, limit: int) -> Followed:
        """Without `after` it begins with the oldest event that is kept.

        Raise PermissionDenied, OperatorRequired, StepUpRequired, CursorInvalid, CursorExpired.
        """
        owner_id = self._owner_of_what(reader)
        position = 0 if after is None else _position(after)
        with self.autocommit() as database:
            # In this order: what is placed while we read is behind where the reader goes on, so it is not skipped;
            # what is forgotten while we read is noticed.
            head = database.sequence.get()
            events = database.outbox.feed(after=position, limit=limit, owner_id=owner_id)
            if after is not None:
                head.must_reach(position)
                database.sequence.get().must_reach(position)
        is_full = len(events) == limit
        last = (events[-1].position or 0) if events else position
        return Followed(events=events, owner_id=owner_id, position=last if is_full else max(last, head.position))

    def _owner_of_what(self, reader: Actor | Principal) -> UUID | None:
        if isinstance(reader, Principal):
            reader.must_be_operator(self.assurance)
            return None
        reader.must(EVENTS_READ)
        return reader.organization_id


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """How far the feed has come, and whose events came since one last looked."""

    position: int
    owner_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookForNews:
    """One look for everybody who waits: as long as nothing happens, it reads one row."""

    autocommit: Begin

    def __call__(self, *, after: int) -> News:
        with self.autocommit() as database:
            head = database.sequence.get().position
            owner_ids = database.outbox.owners(after=after, through=head) if head > after else ()
        return News(position=head, owner_ids=frozenset(owner_ids))


def _position(cursor: str) -> int:
    """Raise CursorInvalid for anything but how a position is written."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _MOST_DIGITS) or cursor != str(int(cursor)):
        raise CursorInvalid
    return int(cursor)
