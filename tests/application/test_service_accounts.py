"""The programs of an organization, and their keys."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from application.api_keys import MadeApiKey
from domain.access import Actor, NoAccount, PermissionDenied, SessionRequired
from domain.api_keys import MOST_KEYS, ApiKeyInvalid, ApiKeyNotFound, InvalidApiKey, KeyKind, TooManyApiKeys
from domain.kernel import ChangedMeanwhile, CursorInvalid
from domain.organizations import OrganizationNotFound
from domain.permissions import (
    API_KEYS_MANAGE,
    API_KEYS_READ,
    MEMBERS_MANAGE,
    MEMBERS_READ,
    ORGANIZATION_READ,
    ORGANIZATION_UPDATE,
    SERVICE_ACCOUNTS_MANAGE,
    SERVICE_ACCOUNTS_READ,
    PermissionUnknown,
)
from domain.roles import ADMIN, MEMBER, OWNER, ExceedsOwnRights, RoleUnknown
from domain.service_accounts import (
    MOST_SERVICE_ACCOUNTS,
    InvalidServiceAccount,
    ServiceAccount,
    ServiceAccountNotFound,
    TooManyServiceAccounts,
)
from tests.application.world import EVE, World
from tests.builders import HOUR


def a_robot(world: World, of: Actor, *, role: str = ADMIN) -> ServiceAccount:
    return world.make_service_account(actor=of, name="Robot", role=role)


def a_key(world: World, actor: Actor, robot: ServiceAccount, *scopes: str) -> MadeApiKey:
    return world.make_service_key(
        actor=actor,
        service_account_id=robot.id,
        name="Nightly",
        scopes=scopes or [ORGANIZATION_READ],
        expires_at=None,
    )


def with_only(world: World, owner: Actor, *permissions: str, email: str = EVE) -> Actor:
    """A member who may do just that."""
    world.make_role(actor=owner, name="narrow", description="", permissions=permissions)
    return world.a_member(owner, email, role="narrow")


def is_worth_something(world: World, made: MadeApiKey) -> bool:
    try:
        world.by_key(made.secret)
    except ApiKeyInvalid:
        return False
    return True


# ---- the accounts


def test_a_service_account_is_made_shown_changed_and_deleted(world: World) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner, role=MEMBER)
    assert (robot.display_name, robot.role, robot.created_by) == ("Robot", MEMBER, owner.id)
    changed = world.change_service_account(
        actor=owner, service_account_id=robot.id, name=" Nightly export ", role=ADMIN
    )
    assert (changed.display_name, changed.role) == ("Nightly export", ADMIN)
    assert world.list_service_accounts(actor=owner, limit=10, after=None)[0][0].display_name == "Nightly export"
    world.delete_service_account(actor=owner, service_account_id=robot.id)
    assert world.list_service_accounts(actor=owner, limit=10, after=None) == ([], None)
    names = [name for name in world.event_names() if name.startswith("service_account")]
    assert names == ["service_account.created", "service_account.changed", "service_account.deleted"]


def test_a_change_that_changes_nothing_is_none(world: World) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    assert world.change_service_account(actor=owner, service_account_id=robot.id) == robot
    assert world.change_service_account(actor=owner, service_account_id=robot.id, role=ADMIN) == robot
    assert "service_account.changed" not in world.event_names()


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\0b"])
def test_a_name_can_be_read(world: World, name: str) -> None:
    owner = world.an_organization()
    with pytest.raises(InvalidServiceAccount):
        world.make_service_account(actor=owner, name=name, role=MEMBER)
    robot = a_robot(world, owner)
    with pytest.raises(InvalidServiceAccount):
        world.change_service_account(actor=owner, service_account_id=robot.id, name=name)


def test_no_program_is_an_owner(world: World) -> None:
    owner = world.an_organization()
    with pytest.raises(InvalidServiceAccount):
        a_robot(world, owner, role=OWNER)
    robot = a_robot(world, owner)
    with pytest.raises(InvalidServiceAccount):
        world.change_service_account(actor=owner, service_account_id=robot.id, role=OWNER)


@pytest.mark.parametrize("role", ["", "nobody", "Owner", "\0"])
def test_its_role_is_one_of_the_organization(world: World, role: str) -> None:
    owner = world.an_organization()
    with pytest.raises(RoleUnknown):
        a_robot(world, owner, role=role)
    robot = a_robot(world, owner)
    with pytest.raises(RoleUnknown):
        world.change_service_account(actor=owner, service_account_id=robot.id, role=role)


def test_nobody_gives_or_takes_a_role_beyond_their_own(world: World) -> None:
    owner = world.an_organization()
    above = a_robot(world, owner, role=ADMIN)
    narrow = with_only(world, owner, SERVICE_ACCOUNTS_MANAGE)
    with pytest.raises(ExceedsOwnRights):
        a_robot(world, narrow, role=MEMBER)
    for change in ({"name": "Mine"}, {"role": "narrow"}):
        with pytest.raises(ExceedsOwnRights):
            world.change_service_account(actor=narrow, service_account_id=above.id, **change)
    with pytest.raises(ExceedsOwnRights):
        world.delete_service_account(actor=narrow, service_account_id=above.id)
    mine = a_robot(world, narrow, role="narrow")
    with pytest.raises(ExceedsOwnRights):
        world.change_service_account(actor=narrow, service_account_id=mine.id, role=MEMBER)
    world.delete_service_account(actor=narrow, service_account_id=mine.id)


def test_an_organization_has_at_most_a_hundred(world: World) -> None:
    owner = world.an_organization()
    for _ in range(MOST_SERVICE_ACCOUNTS):
        a_robot(world, owner)
    with pytest.raises(TooManyServiceAccounts):
        a_robot(world, owner)


def test_they_are_listed_oldest_first_in_pages(world: World) -> None:
    owner = world.an_organization()
    made = [a_robot(world, owner).id for _ in range(3)]
    first, after = world.list_service_accounts(actor=owner, limit=2, after=None)
    rest, end = world.list_service_accounts(actor=owner, limit=2, after=after)
    assert [robot.id for robot in (*first, *rest)] == made
    assert end is None
    with pytest.raises(CursorInvalid):
        world.list_service_accounts(actor=owner, limit=2, after="x")


Call = Callable[[World, Actor, ServiceAccount, MadeApiKey], object]

READS: list[Call] = [lambda world, by, _, __: world.list_service_accounts(actor=by, limit=1, after=None)]
CHANGES: list[Call] = [
    lambda world, by, _, __: world.make_service_account(actor=by, name="R", role=MEMBER),
    lambda world, by, robot, _: world.change_service_account(actor=by, service_account_id=robot.id, name="R"),
    lambda world, by, robot, _: world.delete_service_account(actor=by, service_account_id=robot.id),
]
READS_OF_KEYS: list[Call] = [
    lambda world, by, robot, _: world.list_service_keys(actor=by, service_account_id=robot.id, limit=1, after=None)
]
CHANGES_OF_KEYS: list[Call] = [
    lambda world, by, robot, _: a_key(world, by, robot),
    lambda world, by, robot, made: world.rotate_service_key(actor=by, service_account_id=robot.id, key_id=made.key.id),
    lambda world, by, robot, made: world.revoke_service_key(actor=by, service_account_id=robot.id, key_id=made.key.id),
]
OF_KEYS = READS_OF_KEYS + CHANGES_OF_KEYS
NEEDED = [
    *((call, SERVICE_ACCOUNTS_READ) for call in READS),
    *((call, SERVICE_ACCOUNTS_MANAGE) for call in CHANGES),
    *((call, API_KEYS_READ) for call in READS_OF_KEYS),
    *((call, API_KEYS_MANAGE) for call in CHANGES_OF_KEYS),
]


@pytest.mark.parametrize(("call", "permission"), NEEDED)
def test_whoever_lacks_the_permission_is_refused_before_anything_is_read(
    world: World, call: Call, permission: str
) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    made = a_key(world, owner, robot)
    others = world.show_catalogue().permissions.keys() - {permission}
    everything_else = with_only(world, owner, *others)
    with world.work() as work, pytest.raises(PermissionDenied) as refused:
        call(world, everything_else, robot, made)
    assert refused.value.permission == permission
    assert work == []


@pytest.mark.parametrize("call", [*CHANGES, *CHANGES_OF_KEYS])
def test_whoever_was_demoted_or_removed_since_they_were_asked_changes_nothing(world: World, call: Call) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    made = a_key(world, owner, robot)
    admin = world.a_member(owner, role=ADMIN)
    world.change_member_role(actor=owner, account_id=admin.id, role=MEMBER)
    with pytest.raises(ChangedMeanwhile):
        call(world, admin, robot, made)
    world.remove_member(actor=owner, account_id=admin.id)
    with pytest.raises(OrganizationNotFound):
        call(world, admin, robot, made)
    assert world.list_service_accounts(actor=owner, limit=10, after=None) == ([robot], None)
    assert world.list_service_keys(actor=owner, service_account_id=robot.id, limit=10, after=None) == ([made.key], None)


@pytest.mark.parametrize("call", [*CHANGES[1:], *READS_OF_KEYS, CHANGES_OF_KEYS[0]])
def test_the_service_account_of_another_organization_is_not_found(world: World, call: Call) -> None:
    owner, stranger = world.an_organization(), world.an_organization(EVE, name="Other")
    robot = a_robot(world, owner)
    with pytest.raises(ServiceAccountNotFound):
        call(world, stranger, robot, a_key(world, owner, robot))


# ---- their keys


def test_a_key_acts_as_the_service_account(world: World) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    made = a_key(world, owner, robot, ORGANIZATION_READ, MEMBERS_READ)
    caller = world.by_key(made.secret)
    actor = caller.within(owner.organization_id)
    assert (caller.id, actor.standing.role) == (robot.id, ADMIN)
    assert actor.permissions() == {ORGANIZATION_READ, MEMBERS_READ}
    assert (made.key.kind, made.key.owner_id) == (KeyKind.SERVICE, owner.organization_id)
    with pytest.raises(NoAccount):
        caller.own_account()


def test_its_scopes_go_neither_beyond_its_role_nor_beyond_its_maker(world: World) -> None:
    owner = world.an_organization()
    weak, strong = a_robot(world, owner, role=MEMBER), a_robot(world, owner, role=ADMIN)
    with pytest.raises(ExceedsOwnRights):
        a_key(world, owner, weak, ORGANIZATION_READ, ORGANIZATION_UPDATE)
    narrow = with_only(world, owner, API_KEYS_MANAGE, ORGANIZATION_READ)
    with pytest.raises(ExceedsOwnRights):
        a_key(world, narrow, strong, ORGANIZATION_READ, ORGANIZATION_UPDATE)
    a_key(world, narrow, strong, ORGANIZATION_READ)


def test_its_scopes_are_of_the_catalogue_and_it_has_some(world: World) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    with pytest.raises(PermissionUnknown):
        a_key(world, owner, robot, "organization:burn")
    with pytest.raises(InvalidApiKey):
        world.make_service_key(actor=owner, service_account_id=robot.id, name="N", scopes=[], expires_at=None)


def test_a_service_account_has_at_most_fifty(world: World) -> None:
    owner = world.an_organization()
    robot, other = a_robot(world, owner), a_robot(world, owner)
    for _ in range(MOST_KEYS):
        a_key(world, owner, robot)
    with pytest.raises(TooManyApiKeys):
        a_key(world, owner, robot)
    a_key(world, owner, other)


@pytest.mark.parametrize("call", OF_KEYS)
def test_a_key_never_reaches_keys(world: World, call: Call) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    made = a_key(world, owner, robot, API_KEYS_READ, API_KEYS_MANAGE, ORGANIZATION_READ)
    by_robot = world.by_key(made.secret).within(owner.organization_id)
    with pytest.raises(SessionRequired):
        call(world, by_robot, robot, made)


def test_a_service_account_makes_another_no_stronger_than_its_key(world: World) -> None:
    owner = world.an_organization()
    made = a_key(world, owner, a_robot(world, owner), SERVICE_ACCOUNTS_MANAGE)
    by_robot = world.by_key(made.secret).within(owner.organization_id)
    with pytest.raises(ExceedsOwnRights):
        a_robot(world, by_robot, role=MEMBER)
    world.make_role(actor=owner, name="manager", description="", permissions=[SERVICE_ACCOUNTS_MANAGE])
    assert a_robot(world, by_robot, role="manager").created_by == by_robot.id


def test_whoever_rotates_a_key_learns_what_opens_all_of_its_scopes(world: World) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    made = a_key(world, owner, robot, MEMBERS_MANAGE)
    narrow = with_only(world, owner, API_KEYS_MANAGE)
    with pytest.raises(ExceedsOwnRights):
        world.rotate_service_key(actor=narrow, service_account_id=robot.id, key_id=made.key.id)
    world.revoke_service_key(actor=narrow, service_account_id=robot.id, key_id=made.key.id)
    assert not is_worth_something(world, made)


def test_both_secrets_work_for_a_day_and_then_the_new_one_alone(world: World) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    made = a_key(world, owner, robot)
    rotated = world.rotate_service_key(actor=owner, service_account_id=robot.id, key_id=made.key.id)
    assert is_worth_something(world, made)
    assert is_worth_something(world, rotated)
    world.clock.advance(24 * HOUR)
    assert not is_worth_something(world, made)
    assert is_worth_something(world, rotated)


def test_a_key_is_found_under_its_own_service_account_only(world: World) -> None:
    owner = world.an_organization()
    robot, other = a_robot(world, owner), a_robot(world, owner)
    made = a_key(world, owner, robot)
    personal = world.make_personal_key(
        principal=owner.person(), actor=owner, name="Mine", scopes=[ORGANIZATION_READ], expires_at=None
    )
    for call in (world.rotate_service_key, world.revoke_service_key):
        for service_account_id, key_id in (
            (other.id, made.key.id),
            (robot.id, uuid4()),
            (robot.id, personal.key.id),
        ):
            with pytest.raises(ApiKeyNotFound):
                call(actor=owner, service_account_id=service_account_id, key_id=key_id)
    with pytest.raises(ApiKeyNotFound):
        world.revoke_personal_key(principal=owner.person(), key_id=made.key.id)
    assert world.list_service_keys(actor=owner, service_account_id=other.id, limit=9, after=None) == ([], None)
    assert [
        key.id for key in world.list_service_keys(actor=owner, service_account_id=robot.id, limit=9, after=None)[0]
    ] == [made.key.id]


def test_its_keys_end_with_it_and_no_others(world: World) -> None:
    owner = world.an_organization()
    robot, other = a_robot(world, owner), a_robot(world, owner)
    mine, theirs = a_key(world, owner, robot), a_key(world, owner, other)
    world.delete_service_account(actor=owner, service_account_id=robot.id)
    assert not is_worth_something(world, mine)
    assert is_worth_something(world, theirs)
    (ended,) = [event for event in world.events() if event.name == "api_key.ended"]
    assert (ended.data["key_id"], ended.data["reason"]) == (str(mine.key.id), "service_account_deleted")


def test_its_keys_outlive_whoever_made_them(world: World) -> None:
    owner = world.an_organization()
    admin = world.a_member(owner, role=ADMIN)
    robot = a_robot(world, admin)
    made = a_key(world, admin, robot)
    world.remove_member(actor=owner, account_id=admin.id)
    assert is_worth_something(world, made)


def test_its_demotion_counts_from_the_next_request(world: World) -> None:
    owner = world.an_organization()
    robot = a_robot(world, owner)
    made = a_key(world, owner, robot, MEMBERS_READ, MEMBERS_MANAGE)
    world.change_service_account(actor=owner, service_account_id=robot.id, role=MEMBER)
    assert world.by_key(made.secret).within(owner.organization_id).permissions() == {MEMBERS_READ}
    with pytest.raises(PermissionDenied):
        world.remove_member(
            actor=world.by_key(made.secret).within(owner.organization_id), account_id=owner.person().account.id
        )


def test_with_the_organization_its_keys_are_gone_at_once(world: World) -> None:
    owner = world.an_organization()
    made = a_key(world, owner, a_robot(world, owner))
    world.delete_organization(actor=owner, confirm=world.show_organization(actor=owner).organization.slug)
    assert not is_worth_something(world, made)
