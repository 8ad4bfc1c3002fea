"""May somebody do something, and why?"""

from uuid import UUID, uuid4

import pytest

from application.access import Check, Checked
from domain.access import Actor, Because, PermissionDenied, Subject
from domain.kernel import AccountId, OrganizationId, ServiceAccountId
from domain.organizations import OrganizationNotFound
from domain.permissions import (
    ACCESS_CHECK,
    MEMBERS_READ,
    ORGANIZATION_DELETE,
    ORGANIZATION_READ,
    ORGANIZATION_UPDATE,
    PermissionInvalid,
)
from domain.roles import ADMIN, MEMBER
from tests.application.world import EVE, World

GRANTED = [Because.MEMBERSHIP, Because.ROLE_GRANTS]
BOB = "bob@example.net"


def a_token(world: World, actor: Actor) -> str:
    """Of a new session: the world keeps none."""
    return world.enter(actor.person().account.email.value).access_token


def ask(
    world: World, credential: str, permission: str, organization_id: OrganizationId, about: UUID | None = None
) -> Checked:
    """As the route does: by one query."""
    subject_id = None if about is None else AccountId(about)
    caller, other = world.authenticate(credential, organization_id=organization_id, other_id=subject_id)
    check = Check(permission=permission, organization_id=organization_id, subject_id=subject_id, resource="invoice 7")
    return world.check_access(caller=caller, other=other, check=check)


def said(checked: Checked) -> tuple[bool, list[Because]]:
    return checked.decision.allowed, [reason.code for reason in checked.decision.because]


def a_key(world: World, actor: Actor, *scopes: str) -> str:
    return world.make_personal_key(
        principal=actor.person(), actor=actor, name="Key", scopes=scopes, expires_at=None
    ).secret


# ---- about oneself


def test_a_member_may_what_the_role_grants_and_is_told_so(world: World) -> None:
    owner = world.an_organization()
    token = a_token(world, world.a_member(owner))
    assert said(ask(world, token, ORGANIZATION_READ, owner.organization_id)) == (True, GRANTED)
    refused = (False, [Because.MEMBERSHIP, Because.ROLE_LACKS])
    assert said(ask(world, token, ORGANIZATION_UPDATE, owner.organization_id)) == refused


def test_every_reason_is_also_told_in_words(world: World) -> None:
    owner = world.an_organization()
    checked = ask(world, a_token(world, owner), ORGANIZATION_READ, owner.organization_id)
    assert [reason.detail for reason in checked.decision.because] == [
        "The role in this organization is owner.",
        "The role owner grants it.",
    ]
    assert checked.check.resource == "invoice 7"


@pytest.mark.parametrize("permission", ["nothing:such", "organization:burn"])
def test_what_the_catalogue_does_not_know_not_even_an_owner_may(world: World, permission: str) -> None:
    owner = world.an_organization()
    checked = ask(world, a_token(world, owner), permission, owner.organization_id)
    assert said(checked) == (False, [Because.MEMBERSHIP, Because.ROLE_LACKS])


@pytest.mark.parametrize("permission", ["", "everything", "*:*", "Invoices:Send", "a:b:c", "\0:\0", "x" * 41 + ":y"])
def test_what_cannot_be_a_permission_is_a_mistake_and_no_denial(world: World, permission: str) -> None:
    owner = world.an_organization()
    with pytest.raises(PermissionInvalid):
        ask(world, a_token(world, owner), permission, owner.organization_id)
    with pytest.raises(PermissionInvalid):
        world.check_access_of_many(
            caller=owner.subject, checks=[Check(permission=permission, organization_id=owner.organization_id)]
        )


def test_in_a_foreign_organization_and_in_none_the_answer_is_the_same(world: World) -> None:
    owner, stranger = world.an_organization(), world.an_organization(EVE, name="Other")
    token = a_token(world, stranger)
    answers = [ask(world, token, ORGANIZATION_READ, id) for id in (owner.organization_id, OrganizationId(uuid4()))]
    assert [said(each) for each in answers] == [(False, [Because.NO_MEMBERSHIP])] * 2
    assert answers[0].decision == answers[1].decision


def test_the_scope_of_a_key_is_a_step_of_its_own(world: World) -> None:
    owner = world.an_organization()
    secret = a_key(world, owner, ORGANIZATION_READ)
    allowed = ask(world, secret, ORGANIZATION_READ, owner.organization_id)
    refused = ask(world, secret, ORGANIZATION_DELETE, owner.organization_id)
    assert said(allowed) == (True, [*GRANTED, Because.SCOPE_ALLOWS])
    assert said(refused) == (False, [*GRANTED, Because.SCOPE_LACKS])


def test_a_scope_grants_nothing_that_the_role_lost(world: World) -> None:
    owner = world.an_organization()
    admin = world.a_member(owner, role=ADMIN)
    secret = a_key(world, admin, ORGANIZATION_UPDATE)
    world.change_member_role(actor=owner, account_id=admin.id, role=MEMBER)
    checked = ask(world, secret, ORGANIZATION_UPDATE, owner.organization_id)
    assert said(checked) == (False, [Because.MEMBERSHIP, Because.ROLE_LACKS])


def test_a_key_is_told_that_it_was_made_for_another_organization(world: World) -> None:
    owner = world.an_organization()
    other = world.make_organization(principal=owner.person(), name="Other")
    checked = ask(world, a_key(world, owner, ORGANIZATION_READ), ORGANIZATION_READ, other.id)
    assert said(checked) == (False, [Because.KEY_OF_ANOTHER_ORGANIZATION])


# ---- about others


def test_about_others_asks_who_may(world: World) -> None:
    owner = world.an_organization()
    member, bob = world.a_member(owner), world.a_member(owner, BOB)
    about_bob = ask(world, a_token(world, owner), ORGANIZATION_READ, owner.organization_id, bob.id)
    assert said(about_bob) == (True, GRANTED)
    assert about_bob.check.subject_id == bob.id
    with pytest.raises(PermissionDenied) as refused:
        ask(world, a_token(world, member), ORGANIZATION_READ, owner.organization_id, bob.id)
    assert refused.value.permission == ACCESS_CHECK


def test_about_oneself_by_name_needs_no_right(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    checked = ask(world, a_token(world, member), ORGANIZATION_READ, owner.organization_id, member.id)
    assert said(checked) == (True, GRANTED)


def test_a_backend_asks_with_the_key_of_its_service_account(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    robot = world.make_service_account(actor=owner, name="Backend", role=ADMIN)

    def key(*scopes: str) -> str:
        return world.make_service_key(
            actor=owner, service_account_id=robot.id, name="Key", scopes=scopes, expires_at=None
        ).secret

    # The scopes of the key bound its holder, and nobody who is asked about.
    checked = ask(world, key(ACCESS_CHECK), MEMBERS_READ, owner.organization_id, member.id)
    assert said(checked) == (True, GRANTED)
    with pytest.raises(PermissionDenied):
        ask(world, key(MEMBERS_READ), MEMBERS_READ, owner.organization_id, member.id)


def test_a_service_account_can_be_asked_about(world: World) -> None:
    owner = world.an_organization()
    robot = world.make_service_account(actor=owner, name="Backend", role=MEMBER)
    token = a_token(world, owner)
    assert said(ask(world, token, MEMBERS_READ, owner.organization_id, robot.id)) == (True, GRANTED)
    refused = ask(world, token, ORGANIZATION_UPDATE, owner.organization_id, robot.id)
    assert said(refused) == (False, [Because.MEMBERSHIP, Because.ROLE_LACKS])


def test_of_whoever_is_no_member_nothing_is_said_not_even_that_they_exist(world: World) -> None:
    owner, stranger = world.an_organization(), world.an_organization(EVE, name="Other")
    token = a_token(world, owner)
    answers = [ask(world, token, ORGANIZATION_READ, owner.organization_id, about) for about in (stranger.id, uuid4())]
    assert [said(each) for each in answers] == [(False, [Because.NO_MEMBERSHIP])] * 2
    assert answers[0].decision == answers[1].decision


def test_about_the_members_of_a_foreign_organization_nobody_may_ask(world: World) -> None:
    owner, stranger = world.an_organization(), world.an_organization(EVE, name="Other")
    for credential in (a_token(world, stranger), a_key(world, stranger, ACCESS_CHECK)):
        for about in (owner.id, uuid4()):
            with pytest.raises(OrganizationNotFound):
                ask(world, credential, ORGANIZATION_READ, owner.organization_id, about)


def test_a_suspended_member_may_nothing(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    world.suspend(principal=world.an_operator(), account_id=member.id)
    checked = ask(world, a_token(world, owner), ORGANIZATION_READ, owner.organization_id, member.id)
    assert said(checked) == (False, [Because.ACCOUNT_NOT_ACTIVE])


def test_a_removal_counts_from_the_next_question(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    world.remove_member(actor=owner, account_id=member.id)
    checked = ask(world, a_token(world, owner), ORGANIZATION_READ, owner.organization_id, member.id)
    assert said(checked) == (False, [Because.NO_MEMBERSHIP])


def test_a_question_costs_one_query_whoever_it_is_about(world: World) -> None:
    owner = world.an_organization()
    member, token = world.a_member(owner), a_token(world, owner)
    for about in (None, member.id):
        with world.work() as work:
            ask(world, token, ORGANIZATION_READ, owner.organization_id, about)
        assert work == ["access.by_session"]


# ---- many at once


def many(world: World, caller: Subject, *checks: tuple[str, OrganizationId, UUID | None]) -> list[Checked]:
    return world.check_access_of_many(
        caller=caller,
        checks=[
            Check(permission=permission, organization_id=id, subject_id=None if about is None else AccountId(about))
            for permission, id, about in checks
        ],
    )


def test_many_are_answered_in_their_order_and_as_each_alone_would_be(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    other = world.make_organization(principal=owner.person(), name="Other").id
    robot = world.make_service_account(actor=owner, name="Backend", role=MEMBER)
    here, token = owner.organization_id, a_token(world, owner)
    checks = [
        (ORGANIZATION_DELETE, here, None),
        (ORGANIZATION_DELETE, here, member.id),
        (MEMBERS_READ, here, ServiceAccountId(robot.id)),
        (ORGANIZATION_READ, other, None),
        (ORGANIZATION_READ, other, member.id),
        (ORGANIZATION_READ, OrganizationId(uuid4()), None),
        (ORGANIZATION_READ, here, owner.id),
        (ORGANIZATION_READ, here, uuid4()),
    ]
    with world.work() as work:
        answers = many(world, world.authenticate(token)[0], *checks)
    assert work == ["access.by_session", "access.places"]
    assert [each.decision for each in answers] == [ask(world, token, *check).decision for check in checks]
    assert [each.decision.allowed for each in answers] == [True, False, True, True, False, False, True, False]


def test_a_keys_scopes_hold_for_many_as_well(world: World) -> None:
    owner = world.an_organization()
    other = world.make_organization(principal=owner.person(), name="Other").id
    caller = world.by_key(a_key(world, owner, ORGANIZATION_READ))
    answers = many(
        world,
        caller,
        (ORGANIZATION_READ, owner.organization_id, None),
        (ORGANIZATION_UPDATE, owner.organization_id, None),
        (ORGANIZATION_READ, other, None),
    )
    assert [said(each)[1][-1] for each in answers] == [
        Because.SCOPE_ALLOWS,
        Because.SCOPE_LACKS,
        Because.KEY_OF_ANOTHER_ORGANIZATION,
    ]


def test_one_question_that_may_not_be_asked_refuses_them_all(world: World) -> None:
    owner, stranger = world.an_organization(), world.an_organization(EVE, name="Other")
    fine = (ORGANIZATION_READ, stranger.organization_id, None)
    with pytest.raises(OrganizationNotFound):
        many(world, stranger.subject, fine, (ORGANIZATION_READ, owner.organization_id, owner.id))
    member = world.a_member(owner, BOB)
    with pytest.raises(PermissionDenied):
        many(world, member.subject, fine, (ORGANIZATION_READ, owner.organization_id, owner.id))
