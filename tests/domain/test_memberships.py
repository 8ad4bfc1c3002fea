from uuid import UUID

import pytest

from domain.kernel import AccountId, MembershipId, OrganizationId
from domain.memberships import EndOfMembership, MemberAdded, MemberRemoved, MemberRoleChanged, Membership
from domain.roles import ADMIN, MEMBER, OWNER, RoleName
from tests.builders import HOUR, NOON

ORGANIZATION, ADA, ID = OrganizationId(UUID(int=1)), AccountId(UUID(int=2)), MembershipId(UUID(int=3))


def a_membership(role: RoleName = MEMBER) -> Membership:
    return Membership.begin(id=ID, organization_id=ORGANIZATION, account_id=ADA, role=role, at=NOON)


def test_a_membership_that_begins_is_remembered() -> None:
    membership = a_membership()
    assert (membership.role, membership.created_at) == (MEMBER, NOON)
    assert membership.events == (MemberAdded(organization_id=ORGANIZATION, account_id=ADA, role=MEMBER, at=NOON),)


@pytest.mark.parametrize(
    ("role", "owns"), [(OWNER, True), (ADMIN, False), (MEMBER, False), (RoleName("owners"), False)]
)
def test_only_the_role_of_owner_owns(role: RoleName, owns: bool) -> None:
    assert a_membership(role).is_owner is owns


def test_a_member_gets_another_role() -> None:
    changed = a_membership().change_role(ADMIN, at=NOON + HOUR)
    assert changed.role == ADMIN
    assert changed.events[-1] == MemberRoleChanged(
        organization_id=ORGANIZATION, account_id=ADA, role=ADMIN, at=NOON + HOUR
    )


def test_the_same_role_is_no_change() -> None:
    membership = a_membership()
    assert membership.change_role(MEMBER, at=NOON + HOUR) is membership


@pytest.mark.parametrize("reason", EndOfMembership)
def test_an_end_says_why(reason: EndOfMembership) -> None:
    ended = a_membership().end(reason, at=NOON + HOUR)
    assert ended.events[-1] == MemberRemoved(
        organization_id=ORGANIZATION, account_id=ADA, reason=reason, at=NOON + HOUR
    )
