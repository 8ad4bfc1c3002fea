from datetime import datetime
from typing import Protocol

from domain.kernel import AccountId, SessionId
from domain.sessions import Client, EndReason, Session, SessionPolicy


class Sessions(Protocol):
    def add(self, session: Session) -> None: ...

    def find(self, account_id: AccountId, id: SessionId) -> Session | None: ...

    def advance(
        self,
        account_id: AccountId,
        id: SessionId,
        *,
        generation: int,
        client: Client,
        policy: SessionPolicy,
        at: datetime,
    ) -> Session | None:
        """Do `Session.rotated` in one conditional statement; None unless it is live and of that generation.

        Of any number of callers with one generation, one gets the next.
        """

    def save(self, session: Session) -> None:
        """Write it and what it recorded. Raise Stale unless the one that is kept is of the generation before."""

    def count_replay(self, account_id: AccountId, id: SessionId, *, generation: int, most: int) -> bool:
        """Count one more hand-out of the current `generation`; False after `most`, or if it has moved on."""

    def note(self, session: Session) -> None:
        """Write what it recorded, and nothing else."""

    def remove(self, session: Session) -> bool:
        """Remove it and write what it recorded. False, and nothing written, if it was gone."""

    def page(
        self, account_id: AccountId, *, limit: int, after: str | None, at: datetime
    ) -> tuple[list[Session], str | None]:
        """At most `limit` live sessions, newest first, and where the next page starts.

        Raise CursorInvalid for an `after` that no earlier call returned.
        """

    def end_all(self, account_id: AccountId, reason: EndReason, *, keep: SessionId | None = None, at: datetime) -> int:
        """Remove all but `keep`, each with its event; return how many there were."""

    def make_room(self, account_id: AccountId, *, most: int, at: datetime) -> None:
        """Remove the expired, and the oldest live ones beyond `most`, each of these with its event."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
