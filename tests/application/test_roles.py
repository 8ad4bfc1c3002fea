"""An organization's own roles: nobody makes, changes or deletes more than they may do themselves."""

import pytest

from application.roles import ShownRole
from domain.access import Actor, PermissionDenied
from domain.kernel import ChangedMeanwhile
from domain.permissions import (
    INVITATIONS_READ,
    MEMBERS_MANAGE,
    MEMBERS_READ,
    ORGANIZATION_DELETE,
    ROLES_MANAGE,
    ROLES_READ,
    Catalogue,
    PermissionUnknown,
)
from domain.roles import (
    ADMIN,
    BUILT_IN,
    MEMBER,
    MOST_ROLES,
    ExceedsOwnRights,
    InvalidRole,
    RoleBuiltIn,
    RoleInUse,
    RoleNotFound,
    RoleTaken,
    TooManyRoles,
)
from tests.application.world import ADA, EVE, World

GRACE = "grace@example.com"


def make(world: World, actor: Actor, *permissions: str, name: str = "clerk") -> ShownRole:
    return world.make_role(actor=actor, name=name, description="Reads", permissions=permissions)


def test_the_built_in_roles_come_first_and_say_what_the_catalogue_grants(world: World) -> None:
    catalogue = Catalogue.declare({"invoices:read": "See", "invoices:send": "Send"}, of_member=["invoices:read"])
    world.apply_catalogue(catalogue)
    acme = world.an_organization()
    make(world, acme, name="zoo")
    make(world, acme, MEMBERS_READ)
    roles = world.list_roles(actor=acme)
    assert [role.name for role in roles] == [*BUILT_IN, "clerk", "zoo"]
    assert [role.is_built_in for role in roles] == [True] * 3 + [False] * 2
    granted = [role.permissions for role in roles]
    assert granted == [catalogue.permissions.keys(), catalogue.of_admin, catalogue.of_member, {MEMBERS_READ}, set()]


def test_every_permission_there_is_can_be_seen(world: World) -> None:
    assert world.show_catalogue() == Catalogue()


def test_a_role_that_was_made_can_be_given_and_grants_what_it_says(world: World) -> None:
    acme = world.an_organization()
    made = make(world, acme, MEMBERS_READ, INVITATIONS_READ)
    assert (made.name, made.description, made.is_built_in) == ("clerk", "Reads", False)
    clerk = world.a_member(acme, role="clerk")
    assert clerk.permissions() == made.permissions == {MEMBERS_READ, INVITATIONS_READ}
    assert world.event_names()[-2] == "role.created"


def test_each_organization_has_roles_of_its_own(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization(EVE)
    make(world, acme, MEMBERS_READ)
    make(world, other)
    assert [role.permissions for role in world.list_roles(actor=acme)][-1] == {MEMBERS_READ}
    assert [role.permissions for role in world.list_roles(actor=other)][-1] == frozenset()


@pytest.mark.parametrize("name", ["clerk", *BUILT_IN])
def test_a_name_is_taken_once(world: World, name: str) -> None:
    acme = world.an_organization()
    make(world, acme)
    with pytest.raises(RoleTaken):
        make(world, acme, name=name)


def test_what_cannot_be_a_role_is_refused(world: World) -> None:
    acme = world.an_organization()
    with pytest.raises(InvalidRole):
        make(world, acme, name="Clerk!")
    with pytest.raises(InvalidRole):
        world.make_role(actor=acme, name="clerk", description="\n" * 9 + "x\ny", permissions=[])
    with pytest.raises(PermissionUnknown):
        make(world, acme, "invoices:send")


def test_an_organization_has_at_most_so_many(world: World) -> None:
    acme = world.an_organization()
    for number in range(MOST_ROLES):
        make(world, acme, name=f"clerk-{number}")
    with pytest.raises(TooManyRoles):
        make(world, acme)
    world.delete_role(actor=acme, name="clerk-7")
    make(world, acme)


# ---- nobody grants more than they may do


def test_nobody_makes_a_role_that_grants_more_than_their_own(world: World) -> None:
    acme = world.an_organization()
    admin = world.a_member(acme, role=ADMIN)
    with pytest.raises(ExceedsOwnRights):
        make(world, admin, ORGANIZATION_DELETE)
    assert make(world, admin, *admin.permissions()).permissions == admin.permissions()


def test_nobody_widens_their_own_role(world: World) -> None:
    acme = world.an_organization()
    manager = world.a_member_who_may(acme, ROLES_MANAGE, ROLES_READ)
    with pytest.raises(ExceedsOwnRights):
        world.change_role(actor=manager, name=manager.standing.role, permissions=[ROLES_MANAGE, MEMBERS_MANAGE])
    assert world.again(manager).permissions() == {ROLES_MANAGE, ROLES_READ}


def test_nobody_narrows_renames_or_deletes_a_role_that_grants_more_than_their_own(world: World) -> None:
    acme = world.an_organization()
    make(world, acme, ORGANIZATION_DELETE)
    admin = world.a_member(acme, role=ADMIN)
    with pytest.raises(ExceedsOwnRights):
        world.change_role(actor=admin, name="clerk", permissions=[])
    with pytest.raises(ExceedsOwnRights):
        world.change_role(actor=admin, name="clerk", description="Harmless")
    with pytest.raises(ExceedsOwnRights):
        world.delete_role(actor=admin, name="clerk")


def test_a_key_makes_no_role_wider_than_its_scopes(world: World) -> None:
    acme = world.an_organization()
    secret = world.make_personal_key(
        principal=acme.person(), actor=acme, name="K", scopes=[ROLES_MANAGE, MEMBERS_READ], expires_at=None
    ).secret
    key = world.by_key(secret).within(acme.organization_id)
    with pytest.raises(ExceedsOwnRights):
        make(world, key, MEMBERS_MANAGE)
    assert make(world, key, MEMBERS_READ)


def test_who_may_not_manage_roles_does_not(world: World) -> None:
    acme = world.an_organization()
    make(world, acme)
    for actor in (world.a_member(acme), world.a_member_who_may(acme, ROLES_READ, email=GRACE)):
        with pytest.raises(PermissionDenied):
            make(world, actor, name="another")
        with pytest.raises(PermissionDenied):
            world.change_role(actor=actor, name="clerk", description="x")
        with pytest.raises(PermissionDenied):
            world.delete_role(actor=actor, name="clerk")
    with pytest.raises(PermissionDenied):
        world.list_roles(actor=world.a_member_who_may(acme, email="joan@example.com"))


# ---- change and delete


def test_a_change_counts_from_the_next_request_of_whoever_has_the_role(world: World) -> None:
    acme = world.an_organization()
    make(world, acme, MEMBERS_READ)
    clerk = world.a_member(acme, role="clerk")
    changed = world.change_role(actor=acme, name="clerk", permissions=[INVITATIONS_READ])
    assert changed.description == "Reads"
    assert changed.permissions == {INVITATIONS_READ}
    assert world.again(clerk).permissions() == {INVITATIONS_READ}
    assert world.change_role(actor=acme, name="clerk", description="Invites").permissions == {INVITATIONS_READ}
    assert world.event_names()[-2:] == ["role.changed"] * 2


def test_a_change_to_the_same_is_none(world: World) -> None:
    acme = world.an_organization()
    make(world, acme, MEMBERS_READ)
    before = len(world.events())
    world.change_role(actor=acme, name="clerk")
    world.change_role(actor=acme, name="clerk", description=" Reads ", permissions=[MEMBERS_READ, MEMBERS_READ])
    assert len(world.events()) == before


def test_what_there_is_not_is_neither_changed_nor_deleted(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization(EVE)
    make(world, other)
    with pytest.raises(RoleNotFound):
        world.change_role(actor=acme, name="clerk", description="x")
    with pytest.raises(RoleNotFound):
        world.delete_role(actor=acme, name="clerk")
    make(world, acme)
    with pytest.raises(PermissionUnknown):
        world.change_role(actor=acme, name="clerk", permissions=["invoices:send"])


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_role_stays_as_it_is(world: World, name: str) -> None:
    acme = world.an_organization()
    with pytest.raises(RoleBuiltIn):
        world.change_role(actor=acme, name=name, permissions=[])
    with pytest.raises(RoleBuiltIn):
        world.delete_role(actor=acme, name=name)


def test_a_role_is_deleted_once_nobody_has_it_or_has_been_invited_to_it(world: World) -> None:
    acme = world.an_organization()
    make(world, acme)
    eve = world.a_member(acme, role="clerk")
    robot = world.make_service_account(actor=acme, name="Robot", role="clerk")
    invitation = world.invite(actor=acme, email=GRACE, role="clerk")
    for let_go in (
        lambda: world.change_member_role(actor=acme, account_id=eve.person().account.id, role=MEMBER),
        lambda: world.change_service_account(actor=acme, service_account_id=robot.id, role=MEMBER),
        lambda: world.revoke_invitation(actor=acme, invitation_id=invitation.id),
    ):
        with pytest.raises(RoleInUse):
            world.delete_role(actor=acme, name="clerk")
        let_go()
    world.delete_role(actor=acme, name="clerk")
    assert world.event_names()[-1] == "role.deleted"
    assert [role.name for role in world.list_roles(actor=acme)] == list(BUILT_IN)
    with pytest.raises(RoleNotFound):
        world.delete_role(actor=acme, name="clerk")


def test_whoever_has_a_role_that_was_cut_meanwhile_grants_no_more_than_is_left_of_it(world: World) -> None:
    acme = world.an_organization()
    clerk = world.a_member_who_may(acme, ROLES_MANAGE, MEMBERS_READ)
    world.change_role(actor=acme, name=clerk.standing.role, permissions=[ROLES_MANAGE])
    with pytest.raises(ChangedMeanwhile):
        world.make_role(actor=clerk, name="reader", description="", permissions=[MEMBERS_READ])
