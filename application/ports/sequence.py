from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.sequence import Sequence


class Sequences(Protocol):
    """The one row by which sequencers take turns. No request's path writes it."""

    def get(self) -> Sequence: ...

    def take(self, holder: UUID, *, lease: timedelta, at: datetime) -> Sequence | None:
        """Renew the holder's lease, or begin a new epoch where nobody's holds any more; None while another's does.

        The row stays locked until the end of the transaction: who slept and wakes finds another's epoch there and
        writes nothing.
        """

    def advance(self, sequence: Sequence) -> None:
        """Keep how far it has come. The row must have been taken in this unit of work."""

    def forget(self, through: int) -> None:
        """Keep that the events up to that position are gone, and at least up to where it was kept before."""
