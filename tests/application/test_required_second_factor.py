"""An organization that requires a second factor of whoever signs in to it."""

import pytest

from application.access import Check
from domain.access import Actor, Because, SessionRequired
from domain.assurance import StepUpRequired
from domain.roles import OWNER
from tests.application.world import ADA, EVE, HOME, World
from tests.builders import MINUTE


def requiring(world: World) -> Actor:
    """An organization that requires it, seen by its owner, who has an authenticator app."""
    principal = world.with_app()
    organization = world.make_organization(principal=principal, name="Acme")
    owner = world.within(principal, organization.id)
    world.change_organization(actor=owner, requires_second_factor=True)
    return world.again(owner)


def test_an_owner_who_has_shown_one_requires_it_of_all(world: World) -> None:
    owner = requiring(world)
    assert world.show_organization(actor=owner).organization.requires_second_factor
    assert world.event_names()[-1] == "organization.changed"


@pytest.mark.parametrize("required", [True, False])
def test_nobody_decides_about_it_without_having_shown_one(world: World, required: bool) -> None:
    owner = world.an_organization()
    with pytest.raises(StepUpRequired) as refused:
        world.change_organization(actor=owner, requires_second_factor=required)
    assert refused.value.is_enrolment_due


def test_a_name_is_still_changed_without(world: World) -> None:
    assert world.change_organization(actor=world.an_organization(), name="Acme & Co").organization.name == "Acme & Co"


def test_a_change_of_the_name_leaves_it_as_it_is(world: World) -> None:
    owner = requiring(world)
    assert world.change_organization(actor=owner, name="Acme & Co").organization.requires_second_factor


def test_a_member_without_one_is_told_to_enrol_first(world: World) -> None:
    owner, eve = requiring(world), world.somebody(EVE)
    with pytest.raises(StepUpRequired) as refused:
        world.joined(eve, owner)
    assert refused.value.members() == {"required": {"acr": "aal2", "max_age": None}, "enrol_first": True}


def test_a_member_who_has_one_and_did_not_show_it_is_told_to_step_up(world: World) -> None:
    owner = requiring(world)
    world.an_app_of(world.an_account(EVE))
    device = world.enter_with_app(EVE, trust_device=True).device_token
    eve = world.who(world.enter(EVE, device_token=device))
    with pytest.raises(StepUpRequired) as refused:
        world.joined(eve, owner)
    assert not refused.value.is_enrolment_due
    assert world.within(world.stepped_up(eve), owner.organization_id)


def test_it_need_not_be_fresh(world: World) -> None:
    owner = requiring(world)
    world.clock.advance(60 * MINUTE)
    assert world.again(owner)


def test_an_owner_is_no_exception(world: World) -> None:
    owner = requiring(world)
    other = world.somebody(EVE)
    with pytest.raises(StepUpRequired):
        world.joined(other, owner, role=OWNER)


def test_no_token_for_it_comes_with_a_refresh_either(world: World) -> None:
    owner = requiring(world)
    world.an_account(EVE)
    entered = world.enter(EVE)
    with pytest.raises(StepUpRequired):
        world.joined(world.who(entered), owner)
    with pytest.raises(StepUpRequired):
        world.refresh(refresh_token=entered.refresh_token, client=HOME, organization_id=owner.organization_id)
    assert world.refresh(refresh_token=entered.refresh_token, client=HOME)


def test_a_refresh_of_who_has_shown_one_enters_it(world: World) -> None:
    owner = requiring(world)
    entered = world.enter_with_app(ADA)
    assert world.refresh(refresh_token=entered.refresh_token, client=HOME, organization_id=owner.organization_id)


def test_a_member_whose_last_factor_has_fallen_is_told_to_enrol_again(world: World) -> None:
    owner = requiring(world)
    principal = owner.person()
    codes = world.make_recovery_codes(principal=principal)
    world.remove_totp(principal=principal, recovery_code=codes[0])
    caller = world.subject(principal, owner.organization_id)
    with pytest.raises(StepUpRequired) as refused:
        caller.within(owner.organization_id)
    assert refused.value.is_enrolment_due
    check = Check(permission="organization:read", organization_id=owner.organization_id)
    assert not world.check_access(caller=caller, other=None, check=check).decision.allowed


def test_what_is_asked_in_the_name_of_a_session_without_one_is_denied(world: World) -> None:
    owner, eve = requiring(world), world.somebody(EVE)
    with pytest.raises(StepUpRequired):
        world.joined(eve, owner)
    caller = world.subject(eve, owner.organization_id)
    check = Check(permission="organization:read", organization_id=owner.organization_id)
    decision = world.check_access(caller=caller, other=None, check=check).decision
    assert not decision.allowed
    assert decision.because[-1].code is Because.SECOND_FACTOR_LACKS
    assert not world.check_access_of_many(caller=caller, checks=[check])[0].decision.allowed


def test_keys_go_on(world: World) -> None:
    owner = requiring(world)
    secret = world.make_personal_key(
        principal=owner.person(), actor=owner, name="nightly", scopes=["organization:read"], expires_at=None
    ).secret
    caller = world.authenticate(secret, organization_id=owner.organization_id)[0]
    assert world.show_organization(actor=caller.within(owner.organization_id))


def test_no_key_decides_about_it(world: World) -> None:
    owner = requiring(world)
    secret = world.make_personal_key(
        principal=owner.person(), actor=owner, name="nightly", scopes=["organization:update"], expires_at=None
    ).secret
    caller = world.authenticate(secret, organization_id=owner.organization_id)[0]
    with pytest.raises(SessionRequired):
        world.change_organization(actor=caller.within(owner.organization_id), requires_second_factor=False)


def test_once_it_is_no_longer_required_everybody_is_back(world: World) -> None:
    owner, eve = requiring(world), world.somebody(EVE)
    with pytest.raises(StepUpRequired):
        world.joined(eve, owner)
    world.change_organization(actor=owner, requires_second_factor=False)
    assert world.within(eve, owner.organization_id)
