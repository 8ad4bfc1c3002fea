from uuid import UUID

import pytest

from domain.kernel import AccountId, OrganizationId, ServiceAccountId
from domain.roles import ADMIN, MEMBER, OWNER, RoleName
from domain.service_accounts import (
    InvalidServiceAccount,
    ServiceAccount,
    ServiceAccountChanged,
    ServiceAccountDeleted,
    ServiceAccountMade,
)
from tests.builders import HOUR, NOON

ID, ORGANIZATION, ADA = ServiceAccountId(UUID(int=1)), OrganizationId(UUID(int=2)), AccountId(UUID(int=3))


def a_service_account(role: RoleName = MEMBER) -> ServiceAccount:
    return ServiceAccount.make(id=ID, organization_id=ORGANIZATION, display_name="Nightly", role=role, by=ADA, at=NOON)


def test_a_service_account_that_is_made_is_remembered() -> None:
    made = a_service_account()
    assert (made.display_name, made.role, made.created_by, made.created_at) == ("Nightly", MEMBER, ADA, NOON)
    assert made.events == (
        ServiceAccountMade(organization_id=ORGANIZATION, service_account_id=ID, role=MEMBER, by=ADA, at=NOON),
    )


def test_owners_are_people() -> None:
    with pytest.raises(InvalidServiceAccount) as refused:
        a_service_account(OWNER)
    assert refused.value.field == "role"
    with pytest.raises(InvalidServiceAccount):
        a_service_account().change(display_name="Nightly", role=OWNER, at=NOON)


@pytest.mark.parametrize(("name", "role"), [("Daily", MEMBER), ("Nightly", ADMIN), ("Daily", ADMIN)])
def test_name_and_role_change(name: str, role: RoleName) -> None:
    changed = a_service_account().change(display_name=name, role=role, at=NOON + HOUR)
    assert (changed.display_name, changed.role) == (name, role)
    assert changed.events[-1] == ServiceAccountChanged(
        organization_id=ORGANIZATION, service_account_id=ID, role=role, at=NOON + HOUR
    )


def test_a_change_to_the_same_is_none() -> None:
    service_account = a_service_account()
    assert service_account.change(display_name="Nightly", role=MEMBER, at=NOON) is service_account


def test_a_service_account_that_is_deleted_is_remembered() -> None:
    assert a_service_account().delete(at=NOON + HOUR).events[-1] == ServiceAccountDeleted(
        organization_id=ORGANIZATION, service_account_id=ID, at=NOON + HOUR
    )
