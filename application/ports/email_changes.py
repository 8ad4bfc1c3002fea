from datetime import datetime
from typing import Protocol

from domain.email_changes import EmailChange
from domain.kernel import AccountId, EmailChangeId


class EmailChanges(Protocol):
    def put(self, change: EmailChange) -> None:
        """It takes the place of the one that waited."""

    def find(self, account_id: AccountId, *, at: datetime) -> EmailChange | None:
        """The one that waits and has not expired."""

    def take(self, account_id: AccountId, id: EmailChangeId, *, at: datetime) -> EmailChange | None:
        """Remove and return it; None if it is unknown, used, replaced or expired. Of any number one gets it."""

    def void(self, account_id: AccountId) -> None:
        """Remove the one that waits, if any."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
