"""Invitations: by mail, for 48 hours, one an address, for the account that has proved that address."""

from collections.abc import Callable

import pytest

from domain.access import Actor, PermissionDenied
from domain.accounts import InvalidEmail
from domain.invitations import MOST_PENDING, InvitationForAnother, InvitationNotFound, TooManyInvitations
from domain.kernel import ChangedMeanwhile
from domain.mail import MailKind
from domain.memberships import AlreadyMember
from domain.one_time_tokens import TokenInvalid
from domain.permissions import (
    INVITATIONS_MANAGE,
    INVITATIONS_READ,
    MEMBERS_READ,
    ORGANIZATION_READ,
    OWN,
    ROLES_READ,
    Catalogue,
)
from domain.roles import ADMIN, MEMBER, OWNER, ExceedsOwnRights, RoleName, RoleUnknown
from domain.sessions import SessionEnded
from tests.application.use_cases import MOST_A_DAY
from tests.application.world import ADA, EVE, PASSWORD, SECOND, World
from tests.builders import DAY, HOUR, MINUTE

GRACE = "grace@example.com"


def invited(world: World, by: Actor, email: str = EVE, *, role: str = MEMBER) -> str:
    """The token that was mailed."""
    world.invite(actor=by, email=email, role=role)
    return world.mailed_token("invitation")


def waiting(world: World, actor: Actor) -> list[str]:
    return [each.email.value for each in world.list_invitations(actor=actor, limit=10, after=None)[0]]


# ---- inviting


def test_an_address_is_invited_by_mail_and_its_account_accepts(world: World) -> None:
    acme = world.an_organization()
    invitation = world.invite(actor=acme, email=" Eve@EXAMPLE.org", role=ADMIN)
    assert (invitation.email.value, invitation.invited_by) == (EVE, acme.id)
    assert invitation.expires_at == world.clock.now() + 48 * HOUR
    eve = world.somebody(EVE)
    joined = world.accept_invitation(principal=eve, token=world.mailed_token("invitation"))
    assert (joined.organization.id, joined.role) == (acme.organization_id, ADMIN)
    assert world.within(eve, acme.organization_id).standing.role == ADMIN
    assert waiting(world, acme) == []
    names = world.event_names()
    assert {"invitation.created", "invitation.ended", "member.added"} <= set(names)


def test_the_mail_says_which_organization_and_where_to_answer(world: World) -> None:
    world.invite(actor=world.an_organization(name="Löwe & Söhne"), email=EVE, role=MEMBER)
    mail = world.mailed("invitation")
    assert mail.to.value == EVE
    assert mail.values["organization"] == "Löwe & Söhne"
    assert mail.values["hours"] == "48"
    assert mail.values["link"] == f"https://id.example.com/accept-invitation#token={mail.values['token']}"


def test_whether_the_address_has_an_account_makes_no_difference_to_the_work(world: World) -> None:
    acme = world.an_organization()
    world.an_account(GRACE)
    works = []
    for email in (EVE, GRACE):
        with world.work() as work:
            world.invite(actor=acme, email=email, role=MEMBER)
        works.append(work)
    assert works[0] == works[1]


def test_what_cannot_be_is_refused_and_nothing_is_mailed(world: World) -> None:
    acme = world.an_organization()
    world.a_member(acme)
    for email, role, refusal in (
        ("eve", MEMBER, InvalidEmail),
        (GRACE, "boss", RoleUnknown),
        (EVE, MEMBER, AlreadyMember),
    ):
        with pytest.raises(refusal):
            world.invite(actor=acme, email=email, role=role)
    assert world.deliver() == []
    assert waiting(world, acme) == []


def test_only_who_may_invite_does(world: World) -> None:
    acme = world.an_organization()
    member, reader = world.a_member(acme), world.a_member_who_may(acme, INVITATIONS_READ, email=GRACE)
    invitation = world.invite(actor=acme, email="joan@example.com", role=MEMBER)
    for actor in (member, reader):
        with pytest.raises(PermissionDenied):
            world.invite(actor=actor, email="mary@example.com", role=MEMBER)
        with pytest.raises(PermissionDenied):
            world.revoke_invitation(actor=actor, invitation_id=invitation.id)
    with pytest.raises(PermissionDenied):
        world.list_invitations(actor=member, limit=10, after=None)
    assert waiting(world, reader) == ["joan@example.com"]


def test_nobody_invites_above_their_own_role(world: World) -> None:
    acme = world.an_organization()
    admin = world.a_member(acme, role=ADMIN)
    of_member = (ORGANIZATION_READ, MEMBERS_READ, ROLES_READ)
    inviter = world.a_member_who_may(acme, INVITATIONS_MANAGE, *of_member, email=GRACE)
    for actor, role in ((admin, OWNER), (inviter, OWNER), (inviter, ADMIN)):
        with pytest.raises(ExceedsOwnRights):
            world.invite(actor=actor, email="joan@example.com", role=role)
    world.invite(actor=admin, email="joan@example.com", role=ADMIN)
    world.invite(actor=inviter, email="mary@example.com", role=MEMBER)
    world.invite(actor=acme, email="rosa@example.com", role=OWNER)


def test_a_key_invites_nobody_beyond_its_scopes_and_no_owner(world: World) -> None:
    acme = world.an_organization()
    for scopes, role in ((acme.permissions(), OWNER), ({INVITATIONS_MANAGE}, MEMBER)):
        made = world.make_personal_key(principal=acme.person(), actor=acme, name="K", scopes=scopes, expires_at=None)
        with pytest.raises(ExceedsOwnRights):
            world.invite(actor=world.by_key(made.secret).within(acme.organization_id), email=EVE, role=role)


def test_whoever_was_demoted_meanwhile_invites_nobody(world: World) -> None:
    acme = world.an_organization()
    admin = world.a_member(acme, role=ADMIN)
    world.change_member_role(actor=acme, account_id=admin.person().account.id, role=MEMBER)
    with pytest.raises(ChangedMeanwhile):
        world.invite(actor=admin, email=GRACE, role=ADMIN)


def test_only_so_many_wait(world: World) -> None:
    acme = world.an_organization()
    world.invite(actor=acme, email="over@example.com", role=MEMBER)
    world.clock.advance(23 * HOUR)
    for number in range(MOST_PENDING - 1):
        if number == MOST_A_DAY - 1:
            world.clock.advance(HOUR)
        world.invite(actor=acme, email=f"{number}@example.com", role=MEMBER)
    world.clock.advance(DAY)
    first = world.invite(actor=acme, email="x@example.com", role=MEMBER)
    with pytest.raises(TooManyInvitations):
        world.invite(actor=acme, email=EVE, role=MEMBER)
    replacing = world.invite(actor=acme, email="x@example.com", role=ADMIN)
    with pytest.raises(InvitationNotFound):
        world.revoke_invitation(actor=acme, invitation_id=first.id)
    world.revoke_invitation(actor=acme, invitation_id=replacing.id)
    world.invite(actor=acme, email=EVE, role=MEMBER)
    world.clock.advance(48 * HOUR)
    world.invite(actor=acme, email=GRACE, role=MEMBER)


def test_only_so_many_are_sent_in_a_day_taken_back_or_not(world: World) -> None:
    acme = world.an_organization()
    for _ in range(MOST_A_DAY):
        sent = world.invite(actor=acme, email=EVE, role=MEMBER)
    world.revoke_invitation(actor=acme, invitation_id=sent.id)
    before = len(world.events())
    world.clock.advance(DAY - SECOND)
    with pytest.raises(TooManyInvitations):
        world.invite(actor=acme, email=GRACE, role=MEMBER)
    assert (waiting(world, acme), len(world.events())) == ([], before)
    world.clock.advance(SECOND)
    world.invite(actor=acme, email=GRACE, role=MEMBER)


# ---- one an address


def test_an_address_has_one_invitation_and_the_new_one_takes_the_place_of_the_old(world: World) -> None:
    acme = world.an_organization()
    old = invited(world, acme, role=ADMIN)
    world.clock.advance(MINUTE)
    new = invited(world, acme, role=MEMBER)
    assert waiting(world, acme) == [EVE]
    eve = world.somebody(EVE)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=eve, token=old)
    world.accept_invitation(principal=eve, token=new)
    assert world.within(eve, acme.organization_id).standing.role == MEMBER
    ends = [event.data["reason"] for event in world.events() if event.name == "invitation.ended"]
    assert ends == ["replaced", "accepted"]


def test_nobody_takes_back_or_replaces_what_they_could_not_give(world: World) -> None:
    acme = world.an_organization()
    of_member = (ORGANIZATION_READ, MEMBERS_READ, ROLES_READ)
    admin = world.a_member(acme, role=ADMIN)
    inviter = world.a_member_who_may(acme, INVITATIONS_MANAGE, *of_member, email=GRACE)
    for actor, role in ((inviter, ADMIN), (inviter, OWNER), (admin, OWNER)):
        waits = world.invite(actor=acme, email=f"{role}@example.com", role=role)
        with pytest.raises(ExceedsOwnRights):
            world.revoke_invitation(actor=actor, invitation_id=waits.id)
        with pytest.raises(ExceedsOwnRights):
            world.invite(actor=actor, email=waits.email.value, role=MEMBER)
        assert waits in world.list_invitations(actor=acme, limit=10, after=None)[0]
    world.invite(actor=acme, email="mary@example.com", role=MEMBER)
    replacing = world.invite(actor=inviter, email="mary@example.com", role=MEMBER)
    world.revoke_invitation(actor=admin, invitation_id=replacing.id)
    assert "mary@example.com" not in waiting(world, acme)


def test_what_has_expired_is_nobodys_to_protect(world: World) -> None:
    acme = world.an_organization()
    admin = world.a_member(acme, GRACE, role=ADMIN)
    world.invite(actor=acme, email=EVE, role=OWNER)
    world.clock.advance(48 * HOUR)
    world.invite(actor=admin, email=EVE, role=MEMBER)
    assert waiting(world, acme) == [EVE]


def test_each_organization_invites_the_address_for_itself(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization(GRACE, name="Other")
    world.invite(actor=acme, email=EVE, role=MEMBER)
    world.invite(actor=other, email=EVE, role=ADMIN)
    assert waiting(world, acme) == waiting(world, other) == [EVE]


def test_mail_merges_and_the_list_of_who_is_invited_does_not(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization(GRACE, name="Other")
    for actor, role in ((acme, MEMBER), (other, ADMIN)):
        world.invite(actor=actor, email=EVE, role=role)
    (mail,) = world.deliver()
    assert mail.values["organization"] == "Other"
    (queued,) = world.queued(EVE)
    assert queued.kind is MailKind.INVITATION
    eve = world.somebody(EVE)
    received = world.list_my_invitations(principal=eve)
    assert [(each.organization.name, each.invitation.role) for each in received] == [("Other", ADMIN), ("Acme", MEMBER)]
    for each in received:
        assert world.accept_invitation(principal=eve, token=each.token).organization == each.organization
    assert world.list_my_invitations(principal=eve) == []


def test_however_often_it_is_invited_an_address_gets_a_mail_a_minute(world: World) -> None:
    acme = world.an_organization()
    for _ in range(5):
        world.invite(actor=acme, email=EVE, role=MEMBER)
    assert len(world.deliver()) == 1
    world.invite(actor=acme, email=EVE, role=MEMBER)
    world.clock.advance(MINUTE - SECOND)
    assert world.deliver() == []
    world.clock.advance(SECOND)
    assert len(world.deliver()) == 1


@pytest.mark.parametrize("over", ["revoked", "declined", "deleted", "expired"])
def test_no_mail_goes_out_for_an_invitation_that_is_over(world: World, over: str) -> None:
    acme = world.an_organization()
    invitation = world.invite(actor=acme, email=EVE, role=MEMBER)
    match over:
        case "revoked":
            world.revoke_invitation(actor=acme, invitation_id=invitation.id)
        case "declined":
            world.decline_invitation(token=world.list_my_invitations(principal=world.somebody(EVE))[0].token)
        case "deleted":
            world.delete_organization(actor=acme, confirm=world.show_organization(actor=acme).organization.slug)
        case "expired":
            world.clock.advance(48 * HOUR)
    assert world.deliver() == []


# ---- what waits for the caller


def test_whoever_has_not_proved_the_address_sees_nothing_that_waits_for_it(world: World) -> None:
    world.invite(actor=world.an_organization(), email=EVE, role=MEMBER)
    assert world.list_my_invitations(principal=world.somebody(EVE, verified=False)) == []
    assert world.list_my_invitations(principal=world.somebody(GRACE)) == []


def test_what_is_over_is_not_listed(world: World) -> None:
    acme = world.an_organization()
    eve = world.somebody(EVE)
    invitation = world.invite(actor=acme, email=EVE, role=MEMBER)
    assert [each.invitation for each in world.list_my_invitations(principal=eve)] == [invitation]
    world.clock.advance(48 * HOUR)
    assert world.list_my_invitations(principal=eve) == []
    assert waiting(world, acme) == []


# ---- accepting


def test_only_the_account_of_the_very_address_accepts(world: World) -> None:
    acme = world.an_organization()
    token = invited(world, acme)
    grace = world.somebody(GRACE)
    with pytest.raises(InvitationForAnother):
        world.accept_invitation(principal=grace, token=token)
    assert waiting(world, acme) == [EVE]


def test_an_unproved_address_does_not_accept(world: World) -> None:
    acme = world.an_organization()
    token = invited(world, acme)
    with pytest.raises(InvitationForAnother):
        world.accept_invitation(principal=world.somebody(EVE, verified=False), token=token)


def test_an_address_that_was_given_up_does_not_accept_any_more(world: World) -> None:
    acme = world.an_organization()
    token = invited(world, acme)
    eve = world.somebody(EVE)
    world.request_email_change(principal=eve, new_email=GRACE, password=PASSWORD)
    world.confirm_email_change(principal=eve, token=world.mailed_token("email_change"))
    with pytest.raises(InvitationForAnother):
        world.accept_invitation(principal=eve, token=token)


def test_it_is_accepted_once(world: World) -> None:
    acme = world.an_organization()
    token = invited(world, acme)
    eve = world.somebody(EVE)
    world.accept_invitation(principal=eve, token=token)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=eve, token=token)
    world.leave_organization(actor=world.within(eve, acme.organization_id))
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=eve, token=token)


def test_it_is_accepted_in_its_time_and_not_after(world: World) -> None:
    acme = world.an_organization()
    in_time, too_late = invited(world, acme, EVE), invited(world, acme, GRACE)
    world.clock.advance(48 * HOUR - SECOND)
    world.accept_invitation(principal=world.somebody(EVE), token=in_time)
    world.clock.advance(SECOND)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=world.somebody(GRACE), token=too_late)


def test_what_was_taken_back_cannot_be_accepted(world: World) -> None:
    acme = world.an_organization()
    invitation = world.invite(actor=acme, email=EVE, role=MEMBER)
    token = world.mailed_token("invitation")
    world.revoke_invitation(actor=acme, invitation_id=invitation.id)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=world.somebody(EVE), token=token)
    with pytest.raises(InvitationNotFound):
        world.revoke_invitation(actor=acme, invitation_id=invitation.id)


def test_nobody_takes_back_the_invitation_of_another_organization(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization(GRACE)
    invitation = world.invite(actor=acme, email=EVE, role=MEMBER)
    with pytest.raises(InvitationNotFound):
        world.revoke_invitation(actor=other, invitation_id=invitation.id)
    assert waiting(world, acme) == [EVE]


def a_demotion(world: World, acme: Actor, inviter: Actor) -> None:
    world.change_member_role(actor=acme, account_id=inviter.person().account.id, role=MEMBER)


def a_removal(world: World, acme: Actor, inviter: Actor) -> None:
    world.remove_member(actor=acme, account_id=inviter.person().account.id)


def a_suspension(world: World, _: Actor, inviter: Actor) -> None:
    world.suspend(principal=world.an_operator(), account_id=inviter.person().account.id)


def a_closing(world: World, _: Actor, inviter: Actor) -> None:
    world.close(principal=inviter.person(), password=PASSWORD)


@pytest.mark.parametrize("role", [ADMIN, MEMBER])
@pytest.mark.parametrize("meanwhile", [a_demotion, a_removal, a_suspension, a_closing])
def test_what_the_inviter_could_not_give_any_more_is_not_accepted(
    world: World, meanwhile: Callable[[World, Actor, Actor], None], role: RoleName
) -> None:
    acme = world.an_organization()
    inviter = world.a_member(acme, GRACE, role=ADMIN)
    token, eve = invited(world, inviter, role=role), world.somebody(EVE)
    meanwhile(world, acme, inviter)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=eve, token=token)
    assert eve.account.id not in world.members(acme.organization_id)


def test_only_who_is_still_an_owner_lets_an_owner_in(world: World) -> None:
    acme = world.an_organization()
    other = world.a_member(acme, GRACE, role=OWNER)
    token, eve = invited(world, other, role=OWNER), world.somebody(EVE)
    world.apply_catalogue(Catalogue(of_admin=frozenset(OWN)))
    world.change_member_role(actor=acme, account_id=other.person().account.id, role=ADMIN)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=eve, token=token)
    world.change_member_role(actor=acme, account_id=other.person().account.id, role=OWNER)
    assert world.accept_invitation(principal=eve, token=token).role == OWNER


def test_what_the_role_grants_by_now_must_be_the_inviters_to_give(world: World) -> None:
    acme = world.an_organization()
    inviter = world.a_member_who_may(acme, INVITATIONS_MANAGE, MEMBERS_READ, email=GRACE)
    world.make_role(actor=acme, name="clerk", description="", permissions=[MEMBERS_READ])
    token, eve = invited(world, inviter, role="clerk"), world.somebody(EVE)
    world.change_role(actor=acme, name="clerk", permissions=[ORGANIZATION_READ])
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=eve, token=token)


def test_a_program_invites_as_long_as_it_is_there(world: World) -> None:
    acme = world.an_organization()
    robot = world.make_service_account(actor=acme, name="Robot", role=ADMIN)
    made = world.make_service_key(
        actor=acme,
        service_account_id=robot.id,
        name="K",
        scopes=Catalogue().of_admin,
        expires_at=None,
    )
    program = world.by_key(made.secret).within(acme.organization_id)
    in_time, too_late = invited(world, program, EVE), invited(world, program, GRACE)
    world.accept_invitation(principal=world.somebody(EVE), token=in_time)
    world.delete_service_account(actor=acme, service_account_id=robot.id)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=world.somebody(GRACE), token=too_late)


def test_whoever_is_a_member_already_stays_what_they_are(world: World) -> None:
    acme = world.an_organization()
    token = invited(world, acme, role=ADMIN)
    eve = world.a_member(acme)
    with pytest.raises(AlreadyMember):
        world.accept_invitation(principal=eve.person(), token=token)
    assert world.again(eve).standing.role == MEMBER


def test_whoever_was_suspended_meanwhile_does_not_accept(world: World) -> None:
    acme = world.an_organization()
    token, eve = invited(world, acme), world.somebody(EVE)
    world.suspend(principal=world.an_operator(), account_id=eve.account.id)
    with pytest.raises(SessionEnded):
        world.accept_invitation(principal=eve, token=token)
    assert waiting(world, acme) == [EVE]


def test_what_is_no_token_of_an_invitation_is_refused(world: World) -> None:
    eve = world.somebody(EVE)
    world.request_reset(email=EVE)
    for token in ("", "garbage", world.mailed_token("password_reset"), world.enter(EVE).refresh_token):
        with pytest.raises(TokenInvalid):
            world.accept_invitation(principal=eve, token=token)
        with pytest.raises(TokenInvalid):
            world.decline_invitation(token=token)


# ---- declining


def test_whoever_reads_the_mail_declines_without_an_account(world: World) -> None:
    acme = world.an_organization()
    token = invited(world, acme)
    world.decline_invitation(token=token)
    assert waiting(world, acme) == []
    assert world.events()[-1].data["reason"] == "declined"
    with pytest.raises(TokenInvalid):
        world.decline_invitation(token=token)
    with pytest.raises(TokenInvalid):
        world.accept_invitation(principal=world.somebody(EVE), token=token)
