from datetime import timedelta
from uuid import UUID

import pytest

from domain.accounts import EmailAddress
from domain.invitations import EndOfInvitation, Invitation, InvitationEnded, InvitationForAnother, InvitationMade
from domain.kernel import AccountId, InvitationId, OrganizationId
from domain.roles import ADMIN
from tests.builders import HOUR, NOON, an_active_account

ID, ORGANIZATION, ADA = InvitationId(UUID(int=1)), OrganizationId(UUID(int=2)), AccountId(UUID(int=3))
EVE = EmailAddress("eve@example.org")
TICK = timedelta(microseconds=1)


def an_invitation() -> Invitation:
    return Invitation.make(
        id=ID, organization_id=ORGANIZATION, email=EVE, role=ADMIN, by=ADA, lifetime=48 * HOUR, at=NOON
    )


def test_an_invitation_that_is_made_is_remembered_without_the_address() -> None:
    invitation = an_invitation()
    assert (invitation.email, invitation.role, invitation.invited_by) == (EVE, ADMIN, ADA)
    made = InvitationMade(organization_id=ORGANIZATION, invitation_id=ID, role=ADMIN, by=ADA, at=NOON)
    assert invitation.events == (made,)
    assert EVE.value not in repr(made.data())


def test_it_waits_for_its_lifetime_and_no_longer() -> None:
    invitation = an_invitation()
    assert invitation.is_live(NOON)
    assert invitation.is_live(NOON + 48 * HOUR - TICK)
    assert not invitation.is_live(NOON + 48 * HOUR)


def test_it_is_for_the_account_that_has_proved_the_address() -> None:
    an_invitation().must_be_for(an_active_account(email=EVE))


def test_it_is_for_no_other_address_and_not_for_an_unproved_one() -> None:
    for account in (
        an_active_account(),
        an_active_account(email=EmailAddress("eve+x@example.org")),
        an_active_account(email=EVE, email_verified_at=None),
    ):
        with pytest.raises(InvitationForAnother):
            an_invitation().must_be_for(account)


@pytest.mark.parametrize("reason", EndOfInvitation)
def test_an_end_says_why(reason: EndOfInvitation) -> None:
    ended = an_invitation().end(reason, at=NOON + HOUR)
    assert ended.events[-1] == InvitationEnded(
        organization_id=ORGANIZATION, invitation_id=ID, reason=reason, at=NOON + HOUR
    )
