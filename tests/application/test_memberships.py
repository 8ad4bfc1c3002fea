"""Members: shown, given other roles, removed, leaving; an organization never loses its last owner."""

from collections.abc import Callable
from uuid import UUID

import pytest

from domain.access import Actor, PermissionDenied, SessionRequired
from domain.api_keys import ApiKeyInvalid
from domain.kernel import AccountId, ChangedMeanwhile
from domain.memberships import LastOwner, MemberNotFound
from domain.organizations import OrganizationNotFound
from domain.permissions import MEMBERS_MANAGE, MEMBERS_READ, ORGANIZATION_READ, ROLES_READ
from domain.roles import ADMIN, MEMBER, OWNER, ExceedsOwnRights, RoleUnknown
from tests.application.world import ADA, EVE, World

GRACE = "grace@example.com"
ALL_OF_A_MEMBER = (ORGANIZATION_READ, MEMBERS_READ, ROLES_READ)


def account_id(actor: Actor) -> AccountId:
    return actor.person().account.id


def role_of(world: World, actor: Actor) -> str | None:
    return world.members(actor.organization_id).get(account_id(actor))


def a_key(world: World, actor: Actor, *scopes: str) -> str:
    return world.make_personal_key(
        principal=actor.person(), actor=actor, name="Laptop", scopes=scopes, expires_at=None
    ).secret


# ---- list


def test_members_see_each_other_and_their_roles(world: World) -> None:
    acme = world.an_organization()
    member = world.a_member(acme)
    members, after = world.list_members(actor=member, limit=10, after=None)
    assert {(each.account.email.value, each.membership.role) for each in members} == {(ADA, OWNER), (EVE, MEMBER)}
    assert after is None


def test_the_list_comes_in_pages(world: World) -> None:
    acme = world.an_organization()
    for number in range(4):
        world.a_member(acme, f"{number}@example.org")
    first, after = world.list_members(actor=acme, limit=3, after=None)
    second, end = world.list_members(actor=acme, limit=3, after=after)
    assert [len(first), len(second), end] == [3, 2, None]
    assert {each.account.id for each in first + second} == world.members(acme.organization_id).keys()


def test_who_may_not_see_them_does_not(world: World) -> None:
    with pytest.raises(PermissionDenied):
        world.list_members(actor=world.a_member_who_may(world.an_organization()), limit=10, after=None)


# ---- change the role


def test_a_member_gets_another_role_and_it_counts_at_once(world: World) -> None:
    acme = world.an_organization()
    eve = world.a_member(acme)
    changed = world.change_member_role(actor=acme, account_id=account_id(eve), role=ADMIN)
    assert (changed.membership.role, changed.account.email.value) == (ADMIN, EVE)
    assert world.again(eve).standing.role == ADMIN
    assert world.event_names()[-1] == "member.role_changed"


def test_the_same_role_is_no_change(world: World) -> None:
    acme = world.an_organization()
    before = len(world.events())
    assert world.change_member_role(actor=acme, account_id=account_id(acme), role=OWNER).membership.role == OWNER
    assert len(world.events()) == before


def test_a_role_that_there_is_not_cannot_be_given(world: World) -> None:
    acme = world.an_organization()
    eve = world.a_member(acme)
    for role in ("boss", "", "Owner"):
        with pytest.raises(RoleUnknown):
            world.change_member_role(actor=acme, account_id=account_id(eve), role=role)


def test_a_role_of_another_organization_cannot_be_given(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization(GRACE)
    world.make_role(actor=other, name="clerk", description="", permissions=[])
    with pytest.raises(RoleUnknown):
        world.change_member_role(actor=acme, account_id=account_id(world.a_member(acme)), role="clerk")


def test_members_manage_nobody(world: World) -> None:
    acme = world.an_organization()
    eve, grace = world.a_member(acme), world.a_member(acme, GRACE)
    with pytest.raises(PermissionDenied):
        world.change_member_role(actor=eve, account_id=account_id(eve), role=ADMIN)
    with pytest.raises(PermissionDenied):
        world.remove_member(actor=eve, account_id=account_id(grace))


def test_an_admin_makes_nobody_owner_and_touches_no_owner(world: World) -> None:
    acme = world.an_organization()
    admin, eve = world.a_member(acme, GRACE, role=ADMIN), world.a_member(acme)
    for whom, role in ((admin, OWNER), (eve, OWNER), (acme, MEMBER), (acme, OWNER)):
        with pytest.raises(ExceedsOwnRights):
            world.change_member_role(actor=admin, account_id=account_id(whom), role=role)
    with pytest.raises(ExceedsOwnRights):
        world.remove_member(actor=admin, account_id=account_id(acme))
    world.change_member_role(actor=admin, account_id=account_id(eve), role=ADMIN)


def test_nobody_gives_or_takes_a_role_that_grants_more_than_their_own(world: World) -> None:
    acme = world.an_organization()
    manager = world.a_member_who_may(acme, MEMBERS_MANAGE, *ALL_OF_A_MEMBER)
    admin, member = world.a_member(acme, GRACE, role=ADMIN), world.a_member(acme, "joan@example.com")
    for whom, role in ((manager, ADMIN), (member, ADMIN), (admin, MEMBER)):
        with pytest.raises(ExceedsOwnRights):
            world.change_member_role(actor=manager, account_id=account_id(whom), role=role)
    with pytest.raises(ExceedsOwnRights):
        world.remove_member(actor=manager, account_id=account_id(admin))
    world.remove_member(actor=manager, account_id=account_id(member))


def test_a_manager_without_the_rights_of_a_member_does_not_make_members(world: World) -> None:
    acme = world.an_organization()
    manager, eve = world.a_member_who_may(acme, MEMBERS_MANAGE, email=GRACE), world.a_member(acme)
    with pytest.raises(ExceedsOwnRights):
        world.change_member_role(actor=manager, account_id=account_id(eve), role=manager.standing.role)
    with pytest.raises(ExceedsOwnRights):
        world.change_member_role(actor=manager, account_id=account_id(manager), role=MEMBER)


def test_a_key_gives_no_more_than_its_scopes_and_never_what_is_an_owners(world: World) -> None:
    acme = world.an_organization()
    eve = world.a_member(acme)
    narrow = world.by_key(a_key(world, acme, MEMBERS_MANAGE)).within(acme.organization_id)
    wide = world.by_key(a_key(world, acme, *acme.permissions())).within(acme.organization_id)
    with pytest.raises(ExceedsOwnRights):
        world.change_member_role(actor=narrow, account_id=account_id(eve), role=ADMIN)
    with pytest.raises(ExceedsOwnRights):
        world.change_member_role(actor=wide, account_id=account_id(eve), role=OWNER)
    world.change_member_role(actor=wide, account_id=account_id(eve), role=ADMIN)
    assert role_of(world, eve) == ADMIN


def test_whoever_was_demoted_meanwhile_changes_nothing(world: World) -> None:
    acme = world.an_organization()
    admin, eve = world.a_member(acme, GRACE, role=ADMIN), world.a_member(acme)
    world.change_member_role(actor=acme, account_id=account_id(admin), role=MEMBER)
    with pytest.raises(ChangedMeanwhile):
        world.change_member_role(actor=admin, account_id=account_id(eve), role=ADMIN)
    with pytest.raises(PermissionDenied):
        world.change_member_role(actor=world.again(admin), account_id=account_id(eve), role=ADMIN)


def test_whoever_is_no_member_is_not_found(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization(GRACE)
    for stranger in (account_id(other), UUID(int=1)):
        with pytest.raises(MemberNotFound):
            world.change_member_role(actor=acme, account_id=stranger, role=MEMBER)
        with pytest.raises(MemberNotFound):
            world.remove_member(actor=acme, account_id=stranger)


# ---- remove and leave


def test_a_removed_member_is_out_at_the_next_request(world: World) -> None:
    acme = world.an_organization()
    eve = world.a_member(acme)
    world.remove_member(actor=acme, account_id=account_id(eve))
    with pytest.raises(OrganizationNotFound):
        world.again(eve)
    assert world.events()[-1].data["reason"] == "removed"
    with pytest.raises(MemberNotFound):
        world.remove_member(actor=acme, account_id=account_id(eve))


def test_a_member_leaves(world: World) -> None:
    acme = world.an_organization()
    eve = world.a_member(acme)
    world.leave_organization(actor=eve)
    assert role_of(world, eve) is None
    assert world.events()[-1].data["reason"] == "left"


def test_everybody_may_leave_whatever_their_role_grants(world: World) -> None:
    acme = world.an_organization()
    world.leave_organization(actor=world.a_member_who_may(acme))
    assert len(world.members(acme.organization_id)) == 1


def test_a_key_does_not_leave_for_its_owner(world: World) -> None:
    acme = world.an_organization()
    eve = world.a_member(acme)
    with pytest.raises(SessionRequired):
        world.leave_organization(actor=world.by_key(a_key(world, eve, MEMBERS_READ)).within(acme.organization_id))


@pytest.mark.parametrize(
    "end",
    [
        lambda world, acme, eve: world.remove_member(actor=acme, account_id=account_id(eve)),
        lambda world, _, eve: world.leave_organization(actor=eve),
    ],
    ids=["removed", "left"],
)
def test_with_the_membership_end_the_keys_for_it_and_no_others(
    world: World, end: Callable[[World, Actor, Actor], None]
) -> None:
    acme = world.an_organization()
    eve = world.a_member(acme)
    own = world.make_organization(principal=eve.person(), name="Own").id
    for_acme = a_key(world, eve, MEMBERS_READ)
    for_own = a_key(world, world.within(eve.person(), own), MEMBERS_READ)
    for_none = world.make_personal_key(principal=eve.person(), actor=None, name="K", scopes=[], expires_at=None).secret
    end(world, acme, eve)
    with pytest.raises(ApiKeyInvalid):
        world.by_key(for_acme)
    assert world.by_key(for_own)
    assert world.by_key(for_none)
    ended = [event.data["reason"] for event in world.events() if event.name == "api_key.ended"]
    assert ended == ["membership_ended"]


# ---- the last owner


@pytest.mark.parametrize(
    "go",
    [
        lambda world, acme: world.leave_organization(actor=acme),
        lambda world, acme: world.remove_member(actor=acme, account_id=account_id(acme)),
        lambda world, acme: world.change_member_role(actor=acme, account_id=account_id(acme), role=ADMIN),
    ],
    ids=["leave", "be removed", "be demoted"],
)
def test_the_last_owner_stays_until_there_is_another(world: World, go: Callable[[World, Actor], object]) -> None:
    acme = world.an_organization()
    admin = world.a_member(acme, role=ADMIN)
    before = world.events()
    with pytest.raises(LastOwner):
        go(world, acme)
    assert (world.events(), role_of(world, acme)) == (before, OWNER)
    world.change_member_role(actor=acme, account_id=account_id(admin), role=OWNER)
    go(world, acme)
    assert role_of(world, acme) != OWNER
    with pytest.raises(LastOwner):
        world.leave_organization(actor=world.again(admin))


def test_one_owner_removes_another(world: World) -> None:
    acme = world.an_organization()
    second = world.a_member(acme, role=OWNER)
    world.remove_member(actor=second, account_id=account_id(acme))
    assert world.members(acme.organization_id) == {account_id(second): OWNER}
