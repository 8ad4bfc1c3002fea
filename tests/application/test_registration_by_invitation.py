"""Where accounts are by invitation only: a token admits its own address."""

import pytest

from domain.access import Actor
from domain.claims import Registration, RegistrationByInvitation, RegistrationClosed, RegistrationPolicy
from domain.roles import MEMBER
from tests.application.world import ANOTHER, EVE, PASSWORD, World
from tests.builders import HOUR

GRACE = "grace@example.com"


def invited(world: World, by: Actor, email: str = EVE) -> str:
    """The token that was mailed."""
    world.invite(actor=by, email=email, role=MEMBER)
    return world.mailed_token("invitation")


def by_invitation(mode: Registration = Registration.INVITED) -> World:
    return World(registration=RegistrationPolicy(mode=mode))


def test_the_invited_sign_up_where_strangers_may_not() -> None:
    world = by_invitation()
    acme = world.an_organization()
    token = invited(world, acme)
    world.register(email=EVE, password=PASSWORD, invitation_token=token)
    world.verify(token=world.mailed_token("verification"), password=PASSWORD)
    eve = world.who(world.enter(EVE))
    world.accept_invitation(principal=eve, token=token)
    assert world.within(eve, acme.organization_id)


def test_an_invitation_admits_its_own_address_and_no_other() -> None:
    world = by_invitation()
    token = invited(world, world.an_organization())
    for email, said in ((GRACE, token), (EVE, None), (EVE, ""), (EVE, "garbage"), (EVE, f"{token}x")):
        with pytest.raises(RegistrationByInvitation):
            world.register(email=email, password=PASSWORD, invitation_token=said)


def test_an_invitation_that_is_over_admits_nobody() -> None:
    world = by_invitation()
    acme = world.an_organization()
    declined, expired = invited(world, acme, EVE), invited(world, acme, GRACE)
    world.decline_invitation(token=declined)
    world.clock.advance(48 * HOUR)
    for email, token in ((EVE, declined), (GRACE, expired)):
        with pytest.raises(RegistrationByInvitation):
            world.register(email=email, password=PASSWORD, invitation_token=token)


def test_the_invitation_of_a_deleted_organization_admits_nobody() -> None:
    world = by_invitation()
    acme = world.an_organization()
    token = invited(world, acme)
    world.delete_organization(actor=acme, confirm=world.show_organization(actor=acme).organization.slug)
    with pytest.raises(RegistrationByInvitation):
        world.register(email=EVE, password=PASSWORD, invitation_token=token)


def test_a_closed_installation_admits_not_even_the_invited() -> None:
    world = by_invitation(Registration.CLOSED)
    token = invited(world, world.an_organization())
    with pytest.raises(RegistrationClosed):
        world.register(email=EVE, password=PASSWORD, invitation_token=token)


def test_an_open_installation_takes_a_token_that_is_worth_nothing(world: World) -> None:
    world.register(email=EVE, password=ANOTHER, invitation_token="garbage")
    assert world.mailed("verification")


def test_whether_the_invited_address_has_an_account_makes_no_difference_to_the_work() -> None:
    world = by_invitation()
    acme = world.an_organization()
    world.an_account(GRACE)
    works = []
    for email in (EVE, GRACE):
        token = invited(world, acme, email)
        with world.work() as work:
            world.register(email=email, password=PASSWORD, invitation_token=token)
        works.append(work)
    assert works[0] == works[1]
