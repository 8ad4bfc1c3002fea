from datetime import timedelta
from uuid import UUID

from domain.accounts import EmailAddress
from domain.email_changes import EmailChange, EmailChangeRequested
from domain.kernel import AccountId, EmailChangeId
from tests.builders import NOON

ID, ACCOUNT_ID = EmailChangeId(UUID(int=1)), AccountId(UUID(int=2))


def test_a_change_of_address_waits_until_it_expires() -> None:
    new_email = EmailAddress("ada@new.example")
    change = EmailChange.request(
        id=ID, account_id=ACCOUNT_ID, new_email=new_email, lifetime=timedelta(hours=24), at=NOON
    )
    assert change == EmailChange(
        id=ID,
        account_id=ACCOUNT_ID,
        new_email=new_email,
        created_at=NOON,
        expires_at=NOON + timedelta(hours=24),
    )
    assert change.events == (EmailChangeRequested(account_id=ACCOUNT_ID, at=NOON),)
