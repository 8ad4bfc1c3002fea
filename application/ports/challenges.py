from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.challenges import Challenge
from domain.kernel import AccountId, ChallengeId


class Challenges(Protocol):
    def add(self, challenge: Challenge) -> None: ...

    def spend_try(self, owner_id: UUID, id: ChallengeId, *, most: int, at: datetime) -> Challenge | None:
        """Count one try and return the challenge; None if it is unknown, expired or has had `most` tries already."""

    def holds(self, owner_id: UUID, id: ChallengeId) -> bool:
        """Whether it is there: neither taken nor voided."""

    def take(self, owner_id: UUID, id: ChallengeId) -> bool:
        """Remove it. False if it was gone: of any number of callers one gets it."""

    def void(self, account_id: AccountId) -> None:
        """Remove all of the account."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
