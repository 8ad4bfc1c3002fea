"""A device that its owner trusts skips the second factor at sign-in for a while, and never at step-up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from domain.kernel import AccountId, NotFound
from domain.sessions import Client


class TrustedDeviceNotFound(NotFound):
    """The caller trusts no such device."""

    code = "trusted_device_not_found"

    def __init__(self) -> None:
        super().__init__("You trust no such device.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDevice:
    """`id` is the one in the device token. A change of credentials ends the trust. What happens to it is told by the
    account's SecondFactors."""

    account_id: AccountId
    id: UUID
    user_agent: str
    network: str
    credentials_epoch: int
    created_at: datetime
    expires_at: datetime

    @classmethod
    def trust(
        cls,
        *,
        account_id: AccountId,
        id: UUID,
        client: Client,
        credentials_epoch: int,
        at: datetime,
        expires_at: datetime,
    ) -> Self:
        return cls(
            account_id=account_id,
            id=id,
            user_agent=client.user_agent,
            network=client.network,
            credentials_epoch=credentials_epoch,
            created_at=at,
            expires_at=expires_at,
        )

    def counts(self, *, credentials_epoch: int, at: datetime) -> bool:
        return self.credentials_epoch == credentials_epoch and at < self.expires_at
