"""The catalogue is the operator's: planned, applied, and applied again."""

from collections.abc import Callable

import pytest

from domain.access import Actor
from domain.permissions import (
    MEMBERS_READ,
    Catalogue,
    CatalogueChanges,
    Permission,
    PermissionInUse,
    PermissionKept,
    PermissionUnknown,
)
from domain.roles import MEMBER
from tests.application.world import EVE, World

READ, SEND = Permission("invoices:read"), Permission("invoices:send")
FIRST = Catalogue.declare({READ: "See", SEND: "Send"}, of_admin=["invoices:*"], of_member=[READ])
WITHOUT_SEND = Catalogue.declare({READ: "See"}, of_admin=["invoices:*"], of_member=[READ])


def a_clerk(world: World) -> tuple[Actor, str]:
    """A member whose role and key name invoices:send."""
    acme = world.an_organization()
    world.make_role(actor=acme, name="clerk", description="", permissions=[SEND, MEMBERS_READ])
    clerk = world.a_member(acme, role="clerk")
    key = world.make_personal_key(
        principal=clerk.person(), actor=clerk, name="K", scopes=[SEND, MEMBERS_READ], expires_at=None
    )
    return clerk, key.secret


def test_a_plan_shows_the_changes_and_makes_none(world: World) -> None:
    plan = world.plan_catalogue(FIRST)
    assert plan.changes == CatalogueChanges.between(Catalogue(), FIRST)
    assert plan.in_use == {}
    assert world.show_catalogue() == Catalogue()


def test_what_is_applied_counts_from_the_next_request(world: World) -> None:
    acme = world.an_organization()
    member = world.a_member(acme)
    assert not world.again(member).subject.decide(READ, acme.organization_id).allowed
    assert world.apply_catalogue(FIRST).changes == CatalogueChanges.between(Catalogue(), FIRST)
    assert world.again(member).subject.decide(READ, acme.organization_id).allowed
    assert {READ, SEND} <= world.again(acme).permissions()


def test_whatever_names_permissions_holds_the_catalogue_that_has_them(world: World) -> None:
    acme = world.an_organization()
    principal = acme.person()
    robot = world.make_service_account(actor=acme, name="Robot", role=MEMBER)
    may = [MEMBERS_READ]
    acts: list[Callable[[], object]] = [
        lambda: world.make_role(actor=acme, name="clerk", description="", permissions=may),
        lambda: world.change_role(actor=acme, name="clerk", permissions=[]),
        lambda: world.make_personal_key(principal=principal, actor=acme, name="K", scopes=may, expires_at=None),
        lambda: world.make_service_key(actor=acme, service_account_id=robot.id, name="K", scopes=may, expires_at=None),
    ]
    for act in acts:
        with world.work() as work:
            act()
        assert "catalogue.hold" in work
        assert "catalogue.get" not in work


def test_applied_again_it_changes_nothing(world: World) -> None:
    world.apply_catalogue(FIRST)
    with world.work() as work:
        assert not world.apply_catalogue(FIRST).changes
    assert "catalogue.put" not in work
    assert world.show_catalogue() == FIRST


def test_what_roles_or_keys_name_is_not_removed_unasked(world: World) -> None:
    world.apply_catalogue(FIRST)
    clerk, _ = a_clerk(world)
    assert world.plan_catalogue(WITHOUT_SEND).in_use == {SEND: 2}
    with pytest.raises(PermissionInUse, match=r"invoices:send \(2\)"):
        world.apply_catalogue(WITHOUT_SEND)
    assert world.show_catalogue() == FIRST
    assert world.again(clerk).permissions() == {SEND, MEMBERS_READ}


def test_what_is_withdrawn_by_name_is_struck_out_of_roles_and_keys(world: World) -> None:
    world.apply_catalogue(FIRST)
    clerk, secret = a_clerk(world)
    applied = world.apply_catalogue(WITHOUT_SEND, withdraw=[SEND])
    assert applied.changes.removed == (SEND,)
    assert applied.in_use == {SEND: 2}
    assert world.again(clerk).permissions() == {MEMBERS_READ}
    key = world.by_key(secret).key
    assert key
    assert key.scopes == {MEMBERS_READ}


def test_what_comes_back_is_granted_to_nobody_who_had_it(world: World) -> None:
    world.apply_catalogue(FIRST)
    clerk, secret = a_clerk(world)
    world.apply_catalogue(WITHOUT_SEND, withdraw=[SEND])
    world.apply_catalogue(FIRST)
    assert world.again(clerk).permissions() == {MEMBERS_READ}
    assert not world.by_key(secret).decide(SEND, clerk.organization_id).allowed


def test_what_nothing_names_is_removed_without_a_word(world: World) -> None:
    world.apply_catalogue(FIRST)
    world.apply_catalogue(WITHOUT_SEND)
    assert SEND not in world.show_catalogue().permissions


def test_a_withdrawal_of_what_stays_or_never_was_is_a_mistake(world: World) -> None:
    world.apply_catalogue(FIRST)
    for name, refusal in ((READ, PermissionKept), ("parcels:send", PermissionUnknown)):
        with pytest.raises(refusal, match=name) as refused:
            world.apply_catalogue(WITHOUT_SEND, withdraw=[SEND, name])
        assert refused.value.field == "withdraw"
    assert world.show_catalogue() == FIRST


def test_a_member_loses_at_once_what_the_built_in_role_no_longer_grants(world: World) -> None:
    world.apply_catalogue(FIRST)
    acme = world.an_organization()
    member = world.a_member(acme, EVE, role=MEMBER)
    assert READ in member.permissions()
    world.apply_catalogue(Catalogue.declare({READ: "See", SEND: "Send"}))
    assert READ not in world.again(member).permissions()
    assert READ in world.again(acme).permissions()
