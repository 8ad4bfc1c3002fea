"""The order of all events: given to what has been committed, by one sequencer at a time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from domain.kernel import CursorInvalid, Gone


class CursorExpired(Gone):
    """The events that follow the cursor are no longer kept, so that the reader cannot catch up by the feed alone."""

    code = "cursor_expired"

    def __init__(self) -> None:
        super().__init__("Events after that cursor are gone. Take stock anew, then follow the feed without `after`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """How far the feed has come, and who carries it on. Whoever takes over begins a new epoch."""

    epoch: int = 0
    holder: UUID | None = None
    expires_at: datetime | None = None
    position: int = 0
    """Of the last event that has one."""
    forgotten: int = 0
    """Events up to this position are gone: whoever has not read them cannot catch up."""

    def taken(self, holder: UUID, *, lease: timedelta, at: datetime) -> Self | None:
        """The holder's, for as long as the lease; None while another's lease lasts."""
        if self.holder != holder and self.expires_at is not None and self.expires_at > at:
            return None
        epoch = self.epoch if self.holder == holder else self.epoch + 1
        return replace(self, epoch=epoch, holder=holder, expires_at=at + lease)

    def must_reach(self, position: int) -> None:
        """Raise CursorInvalid for a place that the feed has not come to yet, CursorExpired for one that cannot be
        read on from any more."""
        if not 0 <= position <= self.position:
            raise CursorInvalid
        if position < self.forgotten:
            raise CursorExpired

    def advanced(self, count: int) -> Self:
        return replace(self, position=self.position + count)
