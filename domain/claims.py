"""A claim is an unverified sign-up. It is not an account and cannot sign in: nobody can plant anything on an
address that they do not hold."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from domain.accounts import EmailAddress
from domain.kernel import Aggregate, ClaimId, Event, Forbidden


class RegistrationClosed(Forbidden):
    """The installation takes no new accounts."""

    code = "registration_closed"


class RegistrationByInvitation(Forbidden):
    """The installation takes new accounts by invitation only."""

    code = "registration_by_invitation"


class Registration(StrEnum):
    OPEN = "open"
    INVITED = "invited"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationPolicy:
    mode: Registration = Registration.OPEN
    requires_verification: bool = True
    claim_lifetime: timedelta = timedelta(hours=24)
    tries: int = 5

    def must_admit(self, *, invited: bool) -> None:
        """Raise RegistrationClosed, or RegistrationByInvitation where only the invited may sign up."""
        match self.mode:
            case Registration.CLOSED:
                raise RegistrationClosed("This installation takes no new accounts.")
            case Registration.INVITED if not invited:
                raise RegistrationByInvitation("New accounts are by invitation only: send the token of yours along.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressClaimed(Event):
    name = "claim.made"
    claim_id: ClaimId


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Aggregate):
    """Any number may stand on one address; each has its own password. Keyed by (digest of the address, id)."""

    id: ClaimId
    email: EmailAddress
    display_name: str
    password_hash: str = field(repr=False)
    created_at: datetime
    expires_at: datetime
    tries: int = 0

    @classmethod
    def make(
        cls,
        *,
        id: ClaimId,
        email: EmailAddress,
        display_name: str,
        password_hash: str,
        lifetime: timedelta,
        at: datetime,
    ) -> Self:
        return cls(
            id=id,
            email=email,
            display_name=display_name,
            password_hash=password_hash,
            created_at=at,
            expires_at=at + lifetime,
            events=(AddressClaimed(claim_id=id, at=at),),
        )
