"""Organizations: made, shown, changed, deleted, and swept away."""

from collections import Counter

import pytest

from application.organizations import SeenOrganization
from domain.access import PermissionDenied, SessionRequired, Subject
from domain.api_keys import ApiKeyInvalid
from domain.kernel import ChangedMeanwhile, OrganizationId
from domain.memberships import EndOfMembership
from domain.one_time_tokens import TokenInvalid
from domain.organizations import (
    DeletionUnconfirmed,
    EmailUnverified,
    InvalidOrganizationName,
    InvalidSlug,
    OrganizationNotFound,
    SlugTaken,
    TooManyOrganizations,
)
from domain.permissions import ORGANIZATION_DELETE, ORGANIZATION_READ, ORGANIZATION_UPDATE
from domain.roles import ADMIN, MEMBER, OWNER
from domain.sessions import SessionEnded
from tests.application.use_cases import MOST_OWNED
from tests.application.world import ADA, EVE, World

GRACE = "grace@example.com"


def names_seen(world: World, subject: Subject) -> list[str]:
    listed, _ = world.list_organizations(subject=subject, limit=10, after=None)
    return [each.organization.name for each in listed]


def test_whoever_makes_an_organization_owns_it(world: World) -> None:
    ada = world.somebody()
    made = world.make_organization(principal=ada, name="  Löwe & Söhne ", slug="loewe")
    assert (made.name, made.slug, made.created_at) == ("Löwe & Söhne", "loewe", world.clock.now())
    assert world.members(made.id) == {ada.account.id: OWNER}
    assert world.within(ada, made.id).standing.role == OWNER
    assert world.event_names()[-2:] == ["organization.created", "member.added"]


def test_without_a_slug_one_is_made_of_the_name(world: World) -> None:
    ada = world.somebody()
    slugs = [world.make_organization(principal=ada, name="Löwe & Söhne").slug for _ in range(2)]
    assert all(slug.startswith("lowe-sohne-") for slug in slugs)
    assert slugs[0] != slugs[1]


def test_a_slug_has_one_organization(world: World) -> None:
    ada, eve = world.somebody(), world.somebody(EVE)
    world.make_organization(principal=ada, name="Acme", slug="acme")
    before = len(world.events())
    with pytest.raises(SlugTaken):
        world.make_organization(principal=eve, name="Acme", slug="acme")
    assert len(world.events()) == before
    assert names_seen(world, world.subject(eve)) == []


def test_an_account_owns_only_so_many_and_may_be_in_more(world: World) -> None:
    ada, acme = world.somebody(), world.an_organization(EVE)
    made = [world.make_organization(principal=ada, name="Mine") for _ in range(MOST_OWNED)]
    with pytest.raises(TooManyOrganizations):
        world.make_organization(principal=ada, name="One more")
    world.joined(ada, acme)
    world.delete_organization(actor=world.within(ada, made[0].id), confirm=made[0].slug)
    assert list(world.sweep())
    world.make_organization(principal=ada, name="Instead")


def test_what_is_no_name_or_no_slug_is_refused(world: World) -> None:
    ada = world.somebody()
    with pytest.raises(InvalidOrganizationName):
        world.make_organization(principal=ada, name="\u202eevil")
    with pytest.raises(InvalidSlug):
        world.make_organization(principal=ada, name="Acme", slug="Acme!")


def test_whoever_has_not_proved_their_address_makes_none(world: World) -> None:
    with pytest.raises(EmailUnverified):
        world.make_organization(principal=world.somebody(verified=False), name="Acme")


def test_whoever_was_signed_out_meanwhile_makes_none(world: World) -> None:
    ada = world.somebody()
    world.sign_out(principal=ada)
    with pytest.raises(SessionEnded):
        world.make_organization(principal=ada, name="Acme")


# ---- list and show


def test_everybody_sees_the_organizations_they_are_in_and_as_what(world: World) -> None:
    acme = world.an_organization(ADA)
    eve = world.a_member(acme, EVE, role=ADMIN).person()
    own = world.make_organization(principal=eve, name="Eve's own")
    world.an_organization(GRACE, name="Of another")
    listed, after = world.list_organizations(subject=world.subject(eve), limit=10, after=None)
    assert [(each.organization.name, each.role) for each in listed] == [("Acme", ADMIN), ("Eve's own", OWNER)]
    assert listed[1] == SeenOrganization(organization=own, role=OWNER)
    assert after is None


def test_the_list_comes_in_pages(world: World) -> None:
    ada = world.somebody()
    made = [world.make_organization(principal=ada, name=f"Acme {number}").id for number in range(5)]
    seen: list[OrganizationId] = []
    after = None
    for _ in range(3):
        page, after = world.list_organizations(subject=world.subject(ada), limit=2, after=after)
        seen += [each.organization.id for each in page]
    assert (seen, after) == (made, None)


def test_a_key_lists_the_organization_it_was_made_for_and_without_one_all(world: World) -> None:
    acme = world.an_organization()
    ada = acme.person()
    world.make_organization(principal=ada, name="Other")
    bound = world.make_personal_key(
        principal=ada, actor=acme, name="Bound", scopes=[ORGANIZATION_READ], expires_at=None
    )
    free = world.make_personal_key(principal=ada, actor=None, name="Free", scopes=[], expires_at=None)
    assert names_seen(world, world.by_key(bound.secret)) == ["Acme"]
    assert names_seen(world, world.by_key(free.secret)) == ["Acme", "Other"]


def test_a_member_sees_the_organization_and_a_stranger_does_not_know_of_it(world: World) -> None:
    acme = world.an_organization()
    member = world.a_member(acme)
    assert world.show_organization(actor=member).organization.name == "Acme"
    assert world.show_organization(actor=member).role == MEMBER
    with pytest.raises(OrganizationNotFound):
        world.within(world.somebody(GRACE), acme.organization_id)


def test_a_role_without_it_does_not_even_see_the_organization(world: World) -> None:
    actor = world.a_member_who_may(world.an_organization())
    with pytest.raises(PermissionDenied):
        world.show_organization(actor=actor)


# ---- change


def test_name_and_slug_are_changed_and_the_old_slug_is_free(world: World) -> None:
    acme = world.an_organization()
    world.change_organization(actor=acme, slug="acme")
    assert world.change_organization(actor=acme, name="Acme Ltd").organization.slug == "acme"
    changed = world.change_organization(actor=acme, slug="acme-ltd")
    assert (changed.organization.name, changed.organization.slug, changed.role) == ("Acme Ltd", "acme-ltd", OWNER)
    assert world.event_names()[-3:] == ["organization.changed"] * 3
    world.make_organization(principal=acme.person(), name="Another", slug="acme")


def test_a_change_to_the_same_is_none(world: World) -> None:
    acme = world.an_organization()
    before = len(world.events())
    world.change_organization(actor=acme, name="Acme")
    world.change_organization(actor=acme)
    assert len(world.events()) == before


def test_a_change_is_judged_like_a_new_one(world: World) -> None:
    acme = world.an_organization()
    world.make_organization(principal=acme.person(), name="Other", slug="other")
    with pytest.raises(SlugTaken):
        world.change_organization(actor=acme, slug="other")
    with pytest.raises(InvalidOrganizationName):
        world.change_organization(actor=acme, name=" ")
    with pytest.raises(InvalidSlug):
        world.change_organization(actor=acme, slug="")


def test_only_who_may_change_it_does(world: World) -> None:
    acme = world.an_organization()
    world.change_organization(actor=world.a_member_who_may(acme, ORGANIZATION_UPDATE), name="Theirs")
    with pytest.raises(PermissionDenied):
        world.change_organization(actor=world.a_member(acme, GRACE), name="Mine")


def test_whoever_was_demoted_meanwhile_changes_nothing(world: World) -> None:
    acme = world.an_organization()
    admin = world.a_member(acme, role=ADMIN)
    world.change_member_role(actor=acme, account_id=admin.person().account.id, role=MEMBER)
    with pytest.raises(ChangedMeanwhile):
        world.change_organization(actor=admin, name="Mine")


def test_whoever_was_removed_meanwhile_changes_nothing(world: World) -> None:
    acme = world.an_organization()
    admin = world.a_member(acme, role=ADMIN)
    world.remove_member(actor=acme, account_id=admin.person().account.id)
    with pytest.raises(OrganizationNotFound):
        world.change_organization(actor=admin, name="Mine")


# ---- delete


def test_a_deleted_organization_is_gone_at_once_for_everybody(world: World) -> None:
    acme = world.an_organization()
    member, ada = world.a_member(acme).person(), acme.person()
    world.invite(actor=acme, email=GRACE, role=MEMBER)
    token = world.mailed_token("invitation")
    key = world.make_personal_key(principal=ada, actor=acme, name="K", scopes=[ORGANIZATION_READ], expires_at=None)
    slug = world.show_organization(actor=acme).organization.slug
    world.delete_organization(actor=acme, confirm=slug)
    assert world.event_names()[-1] == "organization.deleted"
    for principal in (ada, member):
        assert names_seen(world, world.subject(principal)) == []
        with pytest.raises(OrganizationNotFound):
            world.within(principal, acme.organization_id)
    with pytest.raises(OrganizationNotFound):
        world.show_organization(actor=acme)
    with pytest.raises(ApiKeyInvalid):
        world.by_key(key.secret)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=world.somebody(GRACE), token=token)
    world.make_organization(principal=ada, name="Again", slug=slug)


def test_it_asks_for_the_slug(world: World) -> None:
    acme = world.an_organization()
    for confirm in (None, "", "Acme"):
        with pytest.raises(DeletionUnconfirmed):
            world.delete_organization(actor=acme, confirm=confirm)
    assert world.show_organization(actor=acme)


def test_only_who_may_delete_it_does_and_only_in_person(world: World) -> None:
    acme = world.an_organization()
    slug = world.show_organization(actor=acme).organization.slug
    with pytest.raises(PermissionDenied):
        world.delete_organization(actor=world.a_member(acme, role=ADMIN), confirm=slug)
    key = world.make_personal_key(
        principal=acme.person(), actor=acme, name="K", scopes=[ORGANIZATION_DELETE], expires_at=None
    )
    with pytest.raises(SessionRequired):
        world.delete_organization(actor=world.by_key(key.secret).within(acme.organization_id), confirm=slug)


def test_it_is_deleted_once(world: World) -> None:
    acme = world.an_organization()
    slug = world.show_organization(actor=acme).organization.slug
    world.delete_organization(actor=acme, confirm=slug)
    with pytest.raises(OrganizationNotFound):
        world.delete_organization(actor=acme, confirm=slug)


# ---- what a deleted one leaves


def a_full_one(world: World, owner: str) -> None:
    acme = world.an_organization(owner)
    for number in range(3):
        member = world.a_member(acme, f"{number}.{owner}")
        world.make_personal_key(
            principal=member.person(), actor=member, name="K", scopes=[ORGANIZATION_READ], expires_at=None
        )
        world.invite(actor=acme, email=f"invited.{number}.{owner}", role=MEMBER)
    world.make_role(actor=acme, name="clerk", description="", permissions=[ORGANIZATION_READ])
    robot = world.make_service_account(actor=acme, name="Robot", role="clerk")
    world.make_service_key(
        actor=acme, service_account_id=robot.id, name="K", scopes=[ORGANIZATION_READ], expires_at=None
    )


def held(world: World) -> Counter[str]:
    """How many rows there are, by kind, that belong to organizations."""
    kinds = ("organizations", "memberships", "roles", "invitations", "service_accounts", "api_keys")
    with world.database.persistence.unit_of_work() as uow:
        return Counter({kind: len(getattr(uow, kind).rows) for kind in kinds})


def test_the_sweep_removes_what_deleted_organizations_left_and_nothing_of_others(world: World) -> None:
    a_full_one(world, ADA)
    before = held(world)
    a_full_one(world, EVE)
    eve = world.who(world.enter(EVE))
    (seen,), _ = world.list_organizations(subject=world.subject(eve), limit=9, after=None)
    gone = seen.organization
    world.delete_organization(actor=world.within(eve, gone.id), confirm=gone.slug)
    with world.work() as work:
        removed = Counter[str]()
        for batch in world.sweep():
            removed[batch.kind] += batch.removed
    assert removed["deleted organizations"] == 4 + 3 + 1
    assert held(world) == before
    assert work.count("memberships.void") == 5  # two of four at a time, and once in vain in every later batch
    assert work.count("begin") == work.count("commit")
    ends = [event for event in world.events() if event.name in {"member.removed", "api_key.ended"}]
    assert Counter(event.data["reason"] for event in ends) == {
        EndOfMembership.ORGANIZATION_DELETED: 4,
        "membership_ended": 3,
        "service_account_deleted": 1,
    }
