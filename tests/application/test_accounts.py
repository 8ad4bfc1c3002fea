"""What the owner of an account may do with it."""

from collections import Counter

import pytest

from domain.accounts import AccountState, InvalidDisplayName, LastOperator
from domain.api_keys import ApiKeyInvalid
from domain.memberships import LastOwner
from domain.passwords import WrongPassword
from domain.permissions import MEMBERS_READ
from domain.roles import ADMIN, MEMBER, OWNER
from domain.sessions import EndReason, InvalidCredentials, SessionEnded
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, HOME, PASSWORD, World


def test_the_owner_chooses_a_name(world: World) -> None:
    principal = world.somebody()
    assert world.rename(principal=principal, display_name=" Ada Lovelace ").display_name == "Ada Lovelace"
    assert world.account(principal.account.id).display_name == "Ada Lovelace"
    assert world.event_names()[-1] == "account.renamed"


def test_the_same_name_is_no_event(world: World) -> None:
    principal = world.somebody()
    before = world.events()
    world.rename(principal=principal, display_name=principal.account.display_name)
    assert world.events() == before


def test_a_name_without_sense_is_refused(world: World) -> None:
    principal = world.somebody()
    with pytest.raises(InvalidDisplayName):
        world.rename(principal=principal, display_name="x" * 101)


def test_the_owner_leaves_for_good(world: World) -> None:
    principal = world.somebody()
    other = world.enter(client=ELSEWHERE)
    world.close(principal=principal, password=PASSWORD)
    account = world.account(principal.account.id)
    assert account.state is AccountState.CLOSED
    assert world.sessions(account.id) == []
    with pytest.raises(SessionEnded):
        world.who(other)
    with pytest.raises(InvalidCredentials):
        world.enter()
    assert world.mailed("account_closed").to.value == ADA
    assert [e.data["reason"] for e in world.events() if e.name == "session.ended"] == [EndReason.CLOSED] * 2


def test_closing_erases_what_is_personal(world: World) -> None:
    principal = world.somebody()
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    world.request_reset(email=ADA)
    world.deliver()
    world.close(principal=principal, password=PASSWORD)
    world.deliver()
    left = world.export(principal=principal)
    assert (left.sessions, left.email_change) == ([], None)
    kept = [world.account(principal.account.id), left.mail, left.events]
    for personal in (ADA, principal.account.display_name, PASSWORD, HOME.network, EVE):
        assert repr(personal) not in repr(kept)
    assert world.account(principal.account.id).password_hash == ""


def test_a_closed_address_is_free_and_gets_another_id(world: World) -> None:
    principal = world.somebody()
    world.close(principal=principal, password=PASSWORD)
    world.register(email=ADA, password=ANOTHER)
    assert world.verify(token=world.mailed_token("verification"), password=ANOTHER).id != principal.account.id


def test_with_the_account_goes_the_count_of_attempts_on_it(world: World) -> None:
    principal = world.somebody()
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            world.enter(password="a wrong password")
    world.close(principal=principal, password=PASSWORD)
    world.an_account()
    assert world.enter()


def test_closing_needs_the_password(world: World) -> None:
    principal = world.somebody()
    with pytest.raises(WrongPassword):
        world.close(principal=principal, password="wrong")
    assert world.account(principal.account.id) == principal.account


def test_the_last_operator_cannot_leave(world: World) -> None:
    operator = world.an_operator()
    with pytest.raises(LastOperator):
        world.close(principal=operator, password=PASSWORD)
    assert world.account(operator.account.id).is_active
    world.an_operator("second@example.net")
    world.close(principal=operator, password=PASSWORD)
    assert not world.account(operator.account.id).is_operator


def test_a_closed_account_stays_as_it_is(world: World) -> None:
    principal = world.somebody()
    world.close(principal=principal, password=PASSWORD)
    with pytest.raises(SessionEnded):
        world.rename(principal=principal, display_name="Somebody")


def test_the_owner_reads_everything_that_is_held(world: World) -> None:
    principal = world.somebody()
    stranger = world.somebody("stranger@example.org")
    world.rename(principal=principal, display_name="Ada Lovelace")
    world.rename(principal=stranger, display_name="Somebody Else")
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    export = world.export(principal=principal)
    assert export.account == principal.account
    assert export.sessions == [principal.session]
    assert export.email_change
    assert export.email_change.new_email.value == EVE
    assert [mail.kind for mail in export.mail] == ["email_change_requested"]
    newest_first = ["account.email_change_requested", "account.renamed", "session.started"]
    assert [event.name for event in export.events] == newest_first
    assert str(stranger.account.id) not in repr(export)


def test_who_was_suspended_meanwhile_changes_nothing_any_more(world: World) -> None:
    operator, principal = world.an_operator(), world.somebody()
    world.suspend(principal=operator, account_id=principal.account.id)
    for change in (
        lambda: world.rename(principal=principal, display_name="Somebody"),
        lambda: world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER),
        lambda: world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD),
        lambda: world.close(principal=principal, password=PASSWORD),
    ):
        with pytest.raises(SessionEnded):
            change()


# ---- where the account belongs


def test_an_organizations_only_owner_does_not_close_their_account(world: World) -> None:
    acme = world.an_organization()
    member = world.a_member(acme, role=ADMIN)
    before = (world.account(acme.person().account.id), world.events())
    with pytest.raises(LastOwner):
        world.close(principal=acme.person(), password=PASSWORD)
    assert (world.account(acme.person().account.id), world.events()) == before
    world.change_member_role(actor=acme, account_id=member.person().account.id, role=OWNER)
    world.close(principal=acme.person(), password=PASSWORD)
    assert world.members(acme.organization_id) == {member.person().account.id: OWNER}


def test_a_deleted_organization_needs_no_owner(world: World) -> None:
    acme = world.an_organization()
    world.delete_organization(actor=acme, confirm=world.show_organization(actor=acme).organization.slug)
    world.close(principal=acme.person(), password=PASSWORD)
    assert not world.account(acme.person().account.id).is_active


def test_with_the_account_its_memberships_and_keys_end_everywhere(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization("grace@example.com")
    eve = world.a_member(acme)
    elsewhere = world.joined(eve.person(), other, role=ADMIN)
    keys = [
        world.make_personal_key(principal=eve.person(), actor=actor, name="K", scopes=scopes, expires_at=None)
        for actor, scopes in ((eve, [MEMBERS_READ]), (elsewhere, [MEMBERS_READ]), (None, []))
    ]
    world.close(principal=eve.person(), password=PASSWORD)
    for organization in (acme, other):
        assert eve.person().account.id not in world.members(organization.organization_id)
    for key in keys:
        with pytest.raises(ApiKeyInvalid):
            world.by_key(key.secret)
    ends = Counter((event.name, event.data.get("reason")) for event in world.events())
    assert ends["member.removed", "account_closed"] == 2
    assert ends["api_key.ended", "account_closed"] == 3


def test_the_owner_reads_where_the_account_belongs_and_what_may_act_for_it(world: World) -> None:
    acme, other = world.an_organization(ADA), world.an_organization("grace@example.com")
    eve = world.a_member(acme)
    key = world.make_personal_key(
        principal=eve.person(), actor=eve, name="Laptop", scopes=[MEMBERS_READ], expires_at=None
    )
    invitation = world.invite(actor=other, email=EVE, role=MEMBER)
    export = world.export(principal=eve.person())
    assert [(each.organization_id, each.role) for each in export.memberships] == [(acme.organization_id, MEMBER)]
    assert export.api_keys == [key.key]
    assert export.invitations == [invitation]
    assert key.secret not in repr(export)
    assert str(acme.person().account.id) not in repr(export)


def test_whoever_has_not_proved_the_address_does_not_read_who_invites_it(world: World) -> None:
    world.invite(actor=world.an_organization(), email=EVE, role=MEMBER)
    assert world.export(principal=world.somebody(EVE, verified=False)).invitations == []
