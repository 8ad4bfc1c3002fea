"""Access tokens with which a backend decides offline."""

import json
from typing import Any

import pytest

from application.sessions import SignedIn
from domain.access import AccessTokenInvalid, Actor, AudienceUnknown, SessionRequired
from domain.kernel import OrganizationId
from domain.organizations import OrganizationNotFound
from domain.permissions import MEMBERS_READ, ORGANIZATION_READ
from domain.roles import ADMIN, MEMBER
from domain.sessions import RefreshReused, RefreshTokenInvalid, SessionEnded
from tests.application.use_cases import BACKENDS
from tests.application.world import ADA, EVE, HOME, World

INVOICES, LEDGER = BACKENDS


def claims(token: str) -> dict[str, Any]:
    """What the token of the fake says."""
    said: dict[str, Any] = json.loads(token)
    return said


def refreshed(world: World, entered: SignedIn, actor: Actor | None = None, audience: str | None = None) -> SignedIn:
    return world.refresh(
        refresh_token=entered.refresh_token,
        client=HOME,
        organization_id=actor.organization_id if actor else None,
        audience=audience,
    )


# ---- entering an organization


def test_it_says_which_organization_as_what_and_what_that_grants(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner, role=MEMBER)
    entered = world.enter_organization(actor=member)
    said = claims(entered.access_token)
    assert said["org"] == {
        "id": str(owner.organization_id),
        "roles": [MEMBER],
        "permissions": sorted(entered.standing.permissions),
    }
    assert {ORGANIZATION_READ, MEMBERS_READ} <= entered.standing.permissions
    assert (said["sub"], said["sid"]) == (str(member.id), str(member.person().session.id))


def test_it_is_for_the_backend_that_was_named_or_for_the_first(world: World) -> None:
    owner = world.an_organization()
    assert claims(world.enter_organization(actor=owner).access_token)["aud"] == INVOICES
    assert claims(world.enter_organization(actor=owner, audience=LEDGER).access_token)["aud"] == LEDGER


@pytest.mark.parametrize("audience", ["", "portico", "evil.example", INVOICES.upper(), INVOICES + " "])
def test_no_other_backend_gets_one(world: World, audience: str) -> None:
    owner = world.an_organization()
    with pytest.raises(AudienceUnknown):
        world.enter_organization(actor=owner, audience=audience)


def test_portico_takes_no_token_of_a_backend(world: World) -> None:
    token = world.enter_organization(actor=world.an_organization()).access_token
    with pytest.raises(AccessTokenInvalid):
        world.authenticate(token)


def test_a_key_gets_none(world: World) -> None:
    owner = world.an_organization()
    secret = world.make_personal_key(
        principal=owner.person(), actor=owner, name="Key", scopes=[ORGANIZATION_READ], expires_at=None
    ).secret
    with pytest.raises(SessionRequired):
        world.enter_organization(actor=world.by_key(secret).within(owner.organization_id))


def test_entering_writes_nothing_and_leaves_the_session_as_it_is(world: World) -> None:
    owner = world.an_organization()
    before = world.session(owner.person().account.id, owner.person().session.id)
    with world.work() as work:
        entered = world.enter_organization(actor=owner)
    assert work == []
    assert world.session(before.account_id, before.id) == before
    assert not hasattr(entered, "refresh_token")


def test_nothing_shows_the_token(world: World) -> None:
    entered = world.enter_organization(actor=world.an_organization())
    assert entered.access_token not in repr(entered)
    assert claims(entered.access_token)["jti"] not in repr(entered)


# ---- refreshing into one


def test_a_refresh_may_name_an_organization_and_its_access_token_is_for_it(world: World) -> None:
    owner = world.an_organization()
    entered = world.enter(ADA)
    into = refreshed(world, entered, owner, LEDGER)
    said = claims(into.access_token)
    assert (said["org"]["id"], said["org"]["roles"], said["aud"]) == (str(owner.organization_id), ["owner"], LEDGER)
    assert into.session.generation == 1


def test_the_next_refresh_is_for_none_unless_it_says_so(world: World) -> None:
    owner = world.an_organization()
    into = refreshed(world, world.enter(ADA), owner)
    plain = refreshed(world, into)
    assert (claims(plain.access_token)["org"], claims(plain.access_token)["aud"]) == (None, None)
    assert world.who(plain).account.id == owner.id


def test_a_refresh_shows_the_role_of_the_moment(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    entered = world.enter(EVE)
    world.change_member_role(actor=owner, account_id=member.id, role=ADMIN)
    assert claims(refreshed(world, entered, member).access_token)["org"]["roles"] == [ADMIN]


def test_a_refusal_exchanges_nothing(world: World) -> None:
    owner, stranger = world.an_organization(), world.an_organization(EVE, name="Other")
    entered = world.enter(ADA)
    for _ in range(2):
        with pytest.raises(OrganizationNotFound):
            refreshed(world, entered, stranger)
        with pytest.raises(AudienceUnknown):
            refreshed(world, entered, owner, "evil.example")
    assert world.session(entered.session.account_id, entered.session.id).generation == 0
    assert refreshed(world, entered, owner).session.generation == 1


def test_whoever_was_removed_refreshes_into_it_no_more(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    entered = refreshed(world, world.enter(EVE), member)
    world.remove_member(actor=owner, account_id=member.id)
    with pytest.raises(OrganizationNotFound):
        refreshed(world, entered, member)
    assert refreshed(world, entered).session.generation == 2


def test_into_a_deleted_organization_nobody_refreshes(world: World) -> None:
    owner = world.an_organization()
    entered = world.enter(ADA)
    world.delete_organization(actor=owner, confirm=world.show_organization(actor=owner).organization.slug)
    with pytest.raises(OrganizationNotFound):
        refreshed(world, entered, owner)


def test_a_refresh_into_an_organization_is_one_query_more(world: World) -> None:
    owner = world.an_organization()
    entered = world.enter(ADA)
    with world.work() as work:
        refreshed(world, entered, owner)
    assert work == ["access.by_session", "sessions.advance"]


def test_what_is_no_refresh_token_learns_nothing_of_organizations(world: World) -> None:
    owner = world.an_organization()
    for organization_id in (owner.organization_id, OrganizationId(owner.person().account.id)):
        with world.work() as work, pytest.raises(RefreshTokenInvalid):
            world.refresh(refresh_token="ptr_x", client=HOME, organization_id=organization_id)
        assert work == []


@pytest.mark.parametrize("audience", [None, "evil.example"])
def test_an_old_token_learns_nothing_of_organizations_and_ends_its_session(world: World, audience: str | None) -> None:
    owner = world.an_organization()
    stranger = world.an_organization(EVE, name="Other")
    for actor in (owner, stranger):
        entered = world.enter(ADA)
        refreshed(world, refreshed(world, entered))
        with pytest.raises(RefreshReused):
            refreshed(world, entered, actor, audience)
        with pytest.raises(SessionEnded):
            refreshed(world, entered, actor, audience)


def test_an_answer_that_was_lost_is_given_again_with_the_role_of_the_moment(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    entered = world.enter(EVE)
    refreshed(world, entered, member)
    world.change_member_role(actor=owner, account_id=member.id, role=ADMIN)
    again = refreshed(world, entered, member)
    assert (again.session.generation, claims(again.access_token)["org"]["roles"]) == (1, [ADMIN])
    world.remove_member(actor=owner, account_id=member.id)
    with pytest.raises(OrganizationNotFound):
        refreshed(world, entered, member)
    assert world.session(again.session.account_id, again.session.id).replays == 1


def test_a_session_that_ended_refreshes_into_nothing(world: World) -> None:
    owner = world.an_organization()
    entered = world.enter(ADA)
    world.sign_out(principal=world.who(entered))
    with pytest.raises(SessionEnded):
        refreshed(world, entered, owner)
