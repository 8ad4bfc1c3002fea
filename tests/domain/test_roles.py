from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import OrganizationId, RoleId
from domain.permissions import INVITATIONS_READ, MEMBERS_READ, Permission
from domain.roles import (
    BUILT_IN,
    InvalidRole,
    Role,
    RoleChanged,
    RoleDeleted,
    RoleMade,
    RoleName,
    RoleTaken,
    parse_role_name,
)
from tests.builders import HOUR, NOON

ORGANIZATION, ID = OrganizationId(UUID(int=1)), RoleId(UUID(int=2))
CLERK = RoleName("clerk")


def a_role() -> Role:
    return Role.make(
        id=ID,
        organization_id=ORGANIZATION,
        name=CLERK,
        description="Reads",
        permissions=frozenset({MEMBERS_READ}),
        at=NOON,
    )


@given(st.text())
def test_any_text_is_the_name_of_a_role_or_refused(text: str) -> None:
    try:
        name = parse_role_name(text)
    except InvalidRole:
        return
    assert name == text
    assert 2 <= len(name) <= 40
    assert name.isascii()
    assert name == name.lower()
    assert name[0].isalpha()


@pytest.mark.parametrize("name", ["ab", "clerk", "north-2", "read_only", "a" * 40])
def test_a_name_has_letters_digits_hyphens_and_underscores(name: str) -> None:
    assert parse_role_name(name) == name


@pytest.mark.parametrize("name", ["", "a", "a" * 41, "Clerk", "2nd", "-clerk", "_clerk", "cl erk", "clerk\n", "clérk"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRole) as refused:
        parse_role_name(name)
    assert refused.value.field == "name"


def test_a_role_that_is_made_is_remembered() -> None:
    role = a_role()
    assert (role.name, role.description, role.created_at) == (CLERK, "Reads", NOON)
    assert role.permissions == {MEMBERS_READ}
    assert role.events == (RoleMade(organization_id=ORGANIZATION, role=CLERK, at=NOON),)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_names_are_taken(name: RoleName) -> None:
    assert parse_role_name(name) == name
    with pytest.raises(RoleTaken):
        Role.make(id=ID, organization_id=ORGANIZATION, name=name, description="", permissions=frozenset(), at=NOON)


@pytest.mark.parametrize(
    ("description", "permissions"),
    [("Reads more", {MEMBERS_READ}), ("Reads", {MEMBERS_READ, INVITATIONS_READ}), ("Reads", set())],
)
def test_a_role_changes_in_what_it_says_and_grants_and_never_in_its_name(
    description: str, permissions: set[Permission]
) -> None:
    role = a_role()
    changed = role.change(description=description, permissions=frozenset(permissions), at=NOON + HOUR)
    assert (changed.name, changed.created_at) == (role.name, role.created_at)
    assert changed.description == description
    assert changed.permissions == permissions
    assert changed.events == (*role.events, RoleChanged(organization_id=ORGANIZATION, role=CLERK, at=NOON + HOUR))


def test_a_change_to_the_same_is_none() -> None:
    role = a_role()
    assert role.change(description="Reads", permissions=frozenset({MEMBERS_READ}), at=NOON) is role


def test_a_role_that_is_deleted_is_remembered() -> None:
    deleted = a_role().delete(at=NOON + HOUR)
    assert deleted.events[-1] == RoleDeleted(organization_id=ORGANIZATION, role=CLERK, at=NOON + HOUR)
