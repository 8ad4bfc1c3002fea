from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.kernel import OrganizationId, RoleId, Stale
from domain.permissions import MEMBERS_READ, Catalogue, Permission
from domain.roles import ADMIN, BUILT_IN, MEMBER, OWNER, Role, RoleName, RoleTaken
from tests.builders import NOON, a_role, a_service_account, an_invitation
from tests.contract.given import events, founded, joined
from tests.contract.threads import MANY, at_once, tally


def kept(database: Persistence, **changes: Any) -> Role:
    """In an organization of its own, unless one is named."""
    role = a_role(**{"organization_id": changes.get("organization_id") or founded(database).id, **changes})
    with database.unit_of_work() as uow:
        uow.roles.add(role)
    return role


def stored(database: Persistence, role: Role) -> Role | None:
    with database.autocommit() as reads:
        return reads.roles.find(role.organization_id, role.name)


def granted(database: Persistence, organization_id: OrganizationId, name: RoleName) -> frozenset[Permission] | None:
    with database.autocommit() as reads:
        return reads.roles.permissions(organization_id, name)


def save(database: Persistence, role: Role) -> None:
    with database.unit_of_work() as uow:
        uow.roles.save(role)


def remove(database: Persistence, role: Role) -> None:
    with database.unit_of_work() as uow:
        uow.roles.remove(role.delete(at=NOON))


def change(role: Role, description: str) -> Role:
    return role.change(description=description, permissions=role.permissions, at=NOON)


@pytest.mark.parametrize("permissions", [frozenset(), frozenset({MEMBERS_READ, Permission("a:b")})])
def test_every_field_survives_the_round_trip(database: Persistence, permissions: frozenset[Permission]) -> None:
    role = kept(database, permissions=permissions, description="ü" * 200)
    assert stored(database, role) == role
    with database.autocommit() as reads:
        assert reads.roles.all(role.organization_id) == [role]


def test_a_role_is_found_in_its_own_organization_only(database: Persistence) -> None:
    role = kept(database)
    other = kept(database, name=role.name, description="Another one")
    assert (stored(database, role), stored(database, other)) == (role, other)
    assert stored(database, replace(role, organization_id=founded(database).id)) is None
    assert stored(database, replace(role, name=RoleName("unknown"))) is None


def test_all_of_an_organization_are_told_in_the_order_of_their_names(database: Persistence) -> None:
    organization = founded(database)
    for name in ("b2", "c", "a", "b-1", "b_1", "b"):
        kept(database, organization_id=organization.id, name=RoleName(f"{name}x"))
    kept(database)
    with database.autocommit() as reads:
        names = [role.name for role in reads.roles.all(organization.id)]
        assert names == ["ax", "b-1x", "b2x", "b_1x", "bx", "cx"]
        assert reads.roles.all(OrganizationId(uuid4())) == []


def test_a_role_of_the_same_name_is_refused(database: Persistence) -> None:
    role = kept(database)
    with database.unit_of_work() as uow:
        with pytest.raises(RoleTaken):
            uow.roles.add(replace(role, description="Another one"))
        assert uow.roles.find(role.organization_id, role.name) == role


def test_what_a_role_recorded_is_an_event_of_the_organization(database: Persistence) -> None:
    organization = founded(database)
    role = Role.make(
        id=RoleId(uuid4()),
        organization_id=organization.id,
        name=RoleName("clerk"),
        description="",
        permissions=frozenset(),
        at=NOON,
    )
    with database.unit_of_work() as uow:
        uow.roles.add(role)
    found = stored(database, role)
    assert found == role
    save(database, change(found, "Writes invoices"))
    remove(database, replace(found, version=1))
    happened = [("role.created", role.id), ("role.changed", role.id), ("role.deleted", role.id)]
    assert events(database, organization.id) == happened


def test_a_save_changes_it_and_counts(database: Persistence) -> None:
    role = kept(database)
    save(database, role.change(description="Reads", permissions=frozenset({MEMBERS_READ}), at=NOON))
    assert stored(database, role) == replace(
        role, description="Reads", permissions=frozenset({MEMBERS_READ}), version=1
    )
    assert granted(database, role.organization_id, role.name) == frozenset({MEMBERS_READ})


def test_a_stale_save_is_refused(database: Persistence) -> None:
    role = kept(database)
    save(database, change(role, "First"))
    for stale in (change(role, "Second"), a_role()):
        with pytest.raises(Stale):
            save(database, stale)
    assert [name for name, _ in events(database, role.organization_id)] == ["role.changed"]


def test_a_role_is_removed_unless_it_was_saved_or_removed_since_it_was_read(database: Persistence) -> None:
    role = kept(database)
    save(database, change(role, "First"))
    with pytest.raises(Stale):
        remove(database, role)
    remove(database, replace(role, version=1))
    with pytest.raises(Stale):
        remove(database, replace(role, version=1))
    assert stored(database, role) is None
    assert granted(database, role.organization_id, role.name) is None
    assert [name for name, _ in events(database, role.organization_id)] == ["role.changed", "role.deleted"]


def test_a_role_grants_what_it_names_in_its_own_organization(database: Persistence) -> None:
    role = kept(database)
    assert granted(database, role.organization_id, role.name) == role.permissions
    assert granted(database, founded(database).id, role.name) is None
    assert granted(database, role.organization_id, RoleName("unknown")) is None


def test_a_built_in_role_grants_what_the_catalogue_says_everywhere(database: Persistence) -> None:
    organization = founded(database)

    def built_in() -> list[frozenset[Permission] | None]:
        return [granted(database, organization.id, name) for name in (OWNER, ADMIN, MEMBER)]

    own = Catalogue()
    assert built_in() == [set(own.permissions), own.of_admin, own.of_member]
    declared = Catalogue.declare({"invoices:read": "See", "invoices:write": "Write"}, of_member=["invoices:read"])
    with database.unit_of_work() as uow:
        uow.catalogue.put(declared)
    assert built_in() == [set(declared.permissions), own.of_admin, own.of_member | {"invoices:read"}]


def test_a_role_is_used_by_a_member_an_invitation_or_a_service_account(database: Persistence) -> None:
    organization, elsewhere = founded(database), founded(database)
    by_member, by_invitation, by_service_account, by_others = (
        kept(database, organization_id=organization.id).name for _ in range(4)
    )
    joined(database, organization.id, role=by_member)
    joined(database, elsewhere.id, role=by_others)
    with database.unit_of_work() as uow:
        uow.invitations.put(an_invitation(organization_id=organization.id, role=by_invitation))
        uow.invitations.put(an_invitation(organization_id=elsewhere.id, role=by_others))
        uow.service_accounts.add(a_service_account(organization_id=organization.id, role=by_service_account))
        uow.service_accounts.add(a_service_account(organization_id=elsewhere.id, role=by_others))
        roles = (by_member, by_invitation, by_service_account, by_others)
        assert [uow.roles.is_used(organization.id, name) for name in roles] == [True, True, True, False]


@pytest.mark.parametrize("kind", ["member", "invitation", "service account"])
def test_a_role_that_nobody_has_any_more_is_not_used(database: Persistence, kind: str) -> None:
    organization, name = founded(database), RoleName("clerk")
    membership = joined(database, organization.id)
    with database.unit_of_work() as uow:
        if kind == "member":
            uow.memberships.save(replace(membership, role=name))
        elif kind == "invitation":
            invitation = an_invitation(organization_id=organization.id, role=name)
            uow.invitations.put(invitation)
        else:
            service_account = a_service_account(organization_id=organization.id, role=name)
            uow.service_accounts.add(service_account)
        assert uow.roles.is_used(organization.id, name)
        if kind == "member":
            uow.memberships.save(replace(membership, version=1))
        elif kind == "invitation":
            uow.invitations.take(invitation)
        else:
            uow.service_accounts.remove(service_account)
        assert not uow.roles.is_used(organization.id, name)


def test_all_of_an_organization_are_voided_without_a_word(database: Persistence) -> None:
    role, other = kept(database), kept(database)
    kept(database, organization_id=role.organization_id)
    with database.unit_of_work() as uow:
        uow.roles.void(role.organization_id)
        assert uow.roles.all(role.organization_id) == []
    assert stored(database, other) == other
    assert events(database, role.organization_id) == []


def test_of_many_who_make_a_role_one_does(database: Persistence) -> None:
    role = a_role(organization_id=founded(database).id)

    def add(_: int) -> None:
        with database.unit_of_work() as uow:
            uow.roles.add(role)

    assert tally(at_once(add)) == {None: 1, RoleTaken: MANY - 1}


def test_of_many_saves_of_what_all_have_read_one_counts(database: Persistence) -> None:
    role = kept(database)
    assert tally(at_once(lambda number: save(database, change(role, f"{number}")))) == {None: 1, Stale: MANY - 1}


def test_the_built_in_roles_are_no_roles_of_an_organization(database: Persistence) -> None:
    organization = founded(database)
    with database.autocommit() as reads:
        assert reads.roles.all(organization.id) == []
        assert [reads.roles.find(organization.id, name) for name in BUILT_IN] == [None, None, None]
