from dataclasses import dataclass, replace
from datetime import datetime

from adapters.memory.rows import sweep
from application.ports.claims import Claims
from application.ports.outbox import Emit
from domain.claims import Claim
from domain.kernel import AddressDigest, ClaimId

ClaimKey = tuple[AddressDigest, ClaimId]


@dataclass(frozen=True, slots=True)
class MemoryClaims(Claims):
    rows: dict[ClaimKey, Claim]
    emit: Emit

    def add(self, claim: Claim) -> None:
        self.rows[claim.email.digest, claim.id] = replace(claim, events=())
        self.emit(claim.id, claim.id, claim)

    def find(self, digest: AddressDigest, id: ClaimId) -> Claim | None:
        return self.rows.get((digest, id))

    def newest(self, digest: AddressDigest, *, at: datetime) -> Claim | None:
        alive = (claim for key, claim in self.rows.items() if key[0] == digest and at < claim.expires_at)
        return max(alive, key=lambda claim: claim.id, default=None)

    def spend_try(self, digest: AddressDigest, id: ClaimId, *, most: int, at: datetime) -> Claim | None:
        claim = self.rows.get((digest, id))
        if claim is None or at >= claim.expires_at or claim.tries >= most:
            return None
        tried = replace(claim, tries=claim.tries + 1)
        self.rows[digest, id] = tried
        return tried

    def take(self, digest: AddressDigest, id: ClaimId) -> bool:
        if (digest, id) not in self.rows:
            return False
        self.void(digest)
        return True

    def void(self, digest: AddressDigest) -> None:
        for key in [key for key in self.rows if key[0] == digest]:
            del self.rows[key]

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda claim: claim.expires_at <= at, limit=limit)
