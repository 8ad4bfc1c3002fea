from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.api_keys import ApiKey, EndOfKey
from domain.kernel import ApiKeyId, OrganizationId, ServiceAccountId


class ApiKeys(Protocol):
    """Of an owner: an account, or the organization of service accounts. `service_account_id` None means the owner's
    personal ones."""

    def add(self, key: ApiKey) -> None: ...

    def find(self, owner_id: UUID, id: ApiKeyId) -> ApiKey | None: ...

    def save(self, key: ApiKey) -> None:
        """Raise Stale if it was saved since it was read. Noting a use is no save."""

    def remove(self, key: ApiKey) -> bool:
        """Remove it and write what it recorded. False, and nothing written, if it was gone."""

    def count(self, owner_id: UUID, service_account_id: ServiceAccountId | None) -> int: ...

    def page(
        self, owner_id: UUID, service_account_id: ServiceAccountId | None, *, limit: int, after: str | None
    ) -> tuple[list[ApiKey], str | None]:
        """Oldest first, and where the next page starts. Raise CursorInvalid."""

    def note_use(self, key: ApiKey, *, digest: str | None = None, at: datetime) -> None:
        """Write when it was used, unless another did within `LAST_USED_PRECISION`. One statement, no event.

        `digest` takes the place of the one that was read, unless the key was rotated since.
        """

    def end_all(
        self,
        owner_id: UUID,
        reason: EndOfKey,
        *,
        service_account_id: ServiceAccountId | None = None,
        organization_id: OrganizationId | None = None,
        at: datetime,
    ) -> None:
        """Remove all of the owner, or only those of the one or for the other, each with its event."""

    def sweep(self, *, at: datetime, limit: int) -> int:
        """Remove at most `limit` that have expired; return how many."""
