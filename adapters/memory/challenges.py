from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from adapters.memory.rows import sweep
from application.ports.challenges import Challenges
from domain.challenges import Challenge
from domain.kernel import AccountId, ChallengeId

ChallengeKey = tuple[UUID, ChallengeId]


@dataclass(frozen=True, slots=True)
class MemoryChallenges(Challenges):
    rows: dict[ChallengeKey, Challenge]

    def add(self, challenge: Challenge) -> None:
        self.rows[challenge.owner_id, challenge.id] = challenge

    def spend_try(self, owner_id: UUID, id: ChallengeId, *, most: int, at: datetime) -> Challenge | None:
        challenge = self.rows.get((owner_id, id))
        if challenge is None or at >= challenge.expires_at or challenge.tries >= most:
            return None
        tried = replace(challenge, tries=challenge.tries + 1)
        self.rows[owner_id, id] = tried
        return tried

    def holds(self, owner_id: UUID, id: ChallengeId) -> bool:
        return (owner_id, id) in self.rows

    def take(self, owner_id: UUID, id: ChallengeId) -> bool:
        return self.rows.pop((owner_id, id), None) is not None

    def void(self, account_id: AccountId) -> None:
        for key in [key for key in self.rows if key[0] == account_id]:
            del self.rows[key]

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda challenge: challenge.expires_at <= at, limit=limit)
