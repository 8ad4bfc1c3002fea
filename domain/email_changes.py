"""A change of address waits until its new address is proved; an account has at most one waiting."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from domain.accounts import EmailAddress
from domain.kernel import AccountId, Aggregate, EmailChangeId, Event, Invalid


class EmailUnchanged(Invalid):
    """The new address is the account's present one."""

    code = "email_unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangeRequested(Event):
    name = "account.email_change_requested"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChange(Aggregate):
    id: EmailChangeId
    account_id: AccountId
    new_email: EmailAddress
    created_at: datetime
    expires_at: datetime

    @classmethod
    def request(
        cls,
        *,
        id: EmailChangeId,
        account_id: AccountId,
        new_email: EmailAddress,
        lifetime: timedelta,
        at: datetime,
    ) -> Self:
        return cls(
            id=id,
            account_id=account_id,
            new_email=new_email,
            created_at=at,
            expires_at=at + lifetime,
            events=(EmailChangeRequested(account_id=account_id, at=at),),
        )
