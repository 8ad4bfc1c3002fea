"""The rules of organizations when 32 act at the same moment, through the use cases as the container wraps them."""

from collections.abc import Callable, Sequence
from types import NoneType

import pytest

from adapters.environment import Uuid7Ids
from adapters.security.opaque_tokens import HmacTokens
from adapters.security.secret_keys import SecretKeys
from application.invitations import AcceptInvitation, Invite, invitation_token
from application.memberships import ChangeMemberRole, LeaveOrganization, end_memberships_of
from application.organizations import MakeOrganization, RemoveDeletedOrganizations, SeenOrganization
from application.ports.unit_of_work import Persistence
from application.retrying import Retrying
from application.roles import DeleteRole
from application.service_accounts import MakeServiceAccount
from domain.access import Actor, Principal, Standing, Subject
from domain.accounts import Account
from domain.invitations import Invitation, TooManyInvitations
from domain.kernel import OrganizationId
from domain.mail import MailPolicy
from domain.memberships import EndOfMembership, LastOwner, Membership
from domain.one_time_tokens import TokenInvalid
from domain.organizations import Organization, OrganizationNotFound, SlugTaken, TooManyOrganizations
from domain.permissions import ORGANIZATION_READ, Catalogue
from domain.roles import MEMBER, OWNER, RoleInUse, RoleName, RoleNotFound, RoleUnknown
from domain.service_accounts import ServiceAccount
from tests.builders import DAY, NOON, FixedClock, a_role, a_session, an_invitation
from tests.contract.given import deleted, events, founded, joined, signed_up
from tests.contract.threads import MANY, at_once, begun, tally

CLOCK = FixedClock()
TOKENS = HmacTokens(SecretKeys("a secret of the tests"))
MOST = 5
CLERK, OF_CLERK = RoleName("clerk"), frozenset({ORGANIZATION_READ})


def signed_in(database: Persistence, account: Account) -> Principal:
    session = a_session(account_id=account.id)
    with database.unit_of_work() as uow:
        uow.sessions.add(session)
    return Principal(account=account, session=session)


def an_owner(database: Persistence, organization_id: OrganizationId) -> Actor:
    account = signed_up(database)
    joined(database, organization_id, role=OWNER, account=account)
    principal = signed_in(database, account)
    standing = Standing(organization_id=organization_id, role=OWNER, permissions=frozenset(Catalogue().permissions))
    return Subject(account=account, session=principal.session, standing=standing).within(organization_id)


def members(database: Persistence, organization_id: OrganizationId) -> list[Membership]:
    with database.autocommit() as reads:
        return reads.memberships.page_of_organization(organization_id, limit=100, after=None)[0]


def owners(database: Persistence, organization_id: OrganizationId) -> list[Membership]:
    return [member for member in members(database, organization_id) if member.is_owner]


def kinds(outcomes: Sequence[object]) -> dict[type, int]:
    """A refusal is a type already."""
    return tally([each if isinstance(each, type) else type(each) for each in outcomes])


@pytest.mark.parametrize("many", [2, MANY])
def test_one_owner_remains_when_all_leave(database: Persistence, many: int) -> None:
    organization = founded(database, requires_second_factor=False)
    actors = [an_owner(database, organization.id) for _ in range(many)]
    leave = Retrying(LeaveOrganization(unit_of_work=database.unit_of_work, clock=CLOCK))
    outcomes = at_once(lambda number: leave(actor=actors[number]), threads=many)
    assert tally(outcomes) == {None: many - 1, LastOwner: 1}
    (left,) = members(database, organization.id)
    assert left.is_owner


def test_one_owner_remains_when_all_step_down(database: Persistence) -> None:
    organization = founded(database, requires_second_factor=False)
    actors = [an_owner(database, organization.id) for _ in range(MANY)]
    change_role = Retrying(ChangeMemberRole(unit_of_work=database.unit_of_work, clock=CLOCK))

    def step_down(number: int) -> Membership:
        return change_role(actor=actors[number], account_id=actors[number].id, role=MEMBER).membership

    assert kinds(at_once(step_down)) == {Membership: MANY - 1, LastOwner: 1}
    assert len(owners(database, organization.id)) == 1


def test_an_owner_remains_when_each_demotes_the_next_or_leaves(database: Persistence) -> None:
    """Who was demoted meanwhile acts no more: not even to demote in turn."""
    organization = founded(database, requires_second_factor=False)
    actors = [an_owner(database, organization.id) for _ in range(MANY)]
    change_role = Retrying(ChangeMemberRole(unit_of_work=database.unit_of_work, clock=CLOCK))
    leave = Retrying(LeaveOrganization(unit_of_work=database.unit_of_work, clock=CLOCK))

    def act(number: int) -> object:
        if number % 4 == 0:
            return leave(actor=actors[number])
        return change_role(actor=actors[number], account_id=actors[number - 1].id, role=MEMBER).membership

    at_once(act)
    assert owners(database, organization.id)


def test_one_owner_remains_when_all_close_their_accounts(database: Persistence) -> None:
    organization = founded(database, requires_second_factor=False)
    accounts = [signed_up(database) for _ in range(MANY)]
    for account in accounts:
        joined(database, organization.id, role=OWNER, account=account)

    def close(number: int) -> None:
        with database.unit_of_work() as uow:
            uow.accounts.lock(accounts[number].id)
            end_memberships_of(uow, accounts[number].id, at=NOON)

    assert tally(at_once(close)) == {None: MANY - 1, LastOwner: 1}
    assert len(owners(database, organization.id)) == 1


def test_one_owner_remains_of_two_who_own_the_same_organizations_and_go_at_once(database: Persistence) -> None:
    """Both lock them in the same order: nobody waits for ever."""
    organizations = [founded(database, requires_second_factor=False) for _ in range(8)]
    ada, grace = signed_up(database), signed_up(database)
    for organization in organizations:
        for account in (ada, grace):
            joined(database, organization.id, role=OWNER, account=account)

    def close(number: int) -> None:
        with database.unit_of_work() as uow:
            account = (ada, grace)[number]
            uow.accounts.lock(account.id)
            end_memberships_of(uow, account.id, at=NOON)

    assert tally(at_once(close, threads=2)) == {None: 1, LastOwner: 1}
    assert [len(owners(database, each.id)) for each in organizations] == [1] * len(organizations)


def test_whoever_is_made_the_only_owner_while_they_close_their_account_stays(database: Persistence) -> None:
    """It has been asked already what they own, and their closing waits for that."""
    awaited, handed_over = (
        founded(database, requires_second_factor=False),
        founded(database, requires_second_factor=False),
    )
    ada = signed_up(database)
    for account in (ada, signed_up(database)):
        joined(database, awaited.id, role=OWNER, account=account)
    adas, graces = joined(database, handed_over.id, account=ada), joined(database, handed_over.id, role=OWNER)

    def close() -> None:
        with database.unit_of_work() as uow:
            uow.accounts.lock(ada.id)
            end_memberships_of(uow, ada.id, at=NOON)

    with database.unit_of_work() as uow:
        uow.organizations.lock(awaited.id)
        closing = begun(Retrying(close))
        with pytest.raises(TimeoutError):
            closing.result(timeout=0.2)
        uow.memberships.save(adas.change_role(OWNER, at=NOON))
        assert uow.memberships.remove(graces.end(EndOfMembership.LEFT, at=NOON))
    with pytest.raises(LastOwner):
        closing.result(timeout=10)
    assert [owner.account_id for owner in owners(database, handed_over.id)] == [ada.id]


def invited(database: Persistence, organization: Organization) -> tuple[Principal, Callable[[], SeenOrganization]]:
    """Somebody, and how they accept."""
    principal = signed_in(database, signed_up(database, email_verified_at=NOON))
    inviter = an_owner(database, organization.id)
    invitation = an_invitation(organization_id=organization.id, email=principal.account.email, invited_by=inviter.id)
    with database.unit_of_work() as uow:
        uow.invitations.put(invitation)
    accept = Retrying(AcceptInvitation(unit_of_work=database.unit_of_work, tokens=TOKENS, clock=CLOCK, ids=Uuid7Ids()))
    return principal, lambda: accept(principal=principal, token=invitation_token(TOKENS, invitation))


def test_of_many_who_accept_an_invitation_one_becomes_a_member(database: Persistence) -> None:
    organization = founded(database, requires_second_factor=False)
    principal, accept = invited(database, organization)
    assert kinds(at_once(lambda _: accept())) == {SeenOrganization: 1, TokenInvalid: MANY - 1}
    (member,) = (each for each in members(database, organization.id) if not each.is_owner)
    assert (member.account_id, member.role) == (principal.account.id, MEMBER)
    names = sorted(name for name, _ in events(database, organization.id))
    assert names == ["invitation.ended", "member.added"]


def test_whoever_accepts_while_the_organization_is_deleted_is_nothing_in_it(database: Persistence) -> None:
    organization = founded(database, requires_second_factor=False)
    principal, accept = invited(database, organization)

    def act(number: int) -> SeenOrganization | None:
        if number:
            return accept()
        deleted(database, organization)
        return None

    assert set(kinds(at_once(act))) <= {SeenOrganization, TokenInvalid, NoneType}
    with database.autocommit() as reads:
        found = reads.access.by_session(principal.account.id, principal.session.id, organization_id=organization.id)
    assert found
    assert found[0].standing is None


def test_a_slug_claimed_by_many_makes_one_organization_with_its_owner(database: Persistence) -> None:
    principals = [signed_in(database, signed_up(database, email_verified_at=NOON)) for _ in range(MANY)]
    make = Retrying(MakeOrganization(unit_of_work=database.unit_of_work, most_owned=MOST, clock=CLOCK, ids=Uuid7Ids()))
    outcomes = at_once(lambda number: make(principal=principals[number], name="Wanted", slug="wanted"))
    assert kinds(outcomes) == {Organization: 1, SlugTaken: MANY - 1}
    with database.autocommit() as reads:
        owned = [reads.memberships.owned_by(principal.account.id) for principal in principals]
    (made,) = (outcome for outcome in outcomes if isinstance(outcome, Organization))
    assert sorted(owned) == [[]] * (MANY - 1) + [[made.id]]


def test_of_many_organizations_that_one_account_makes_at_once_it_owns_as_many_as_it_may(database: Persistence) -> None:
    principal = signed_in(database, signed_up(database, email_verified_at=NOON))
    make = Retrying(MakeOrganization(unit_of_work=database.unit_of_work, most_owned=MOST, clock=CLOCK, ids=Uuid7Ids()))
    outcomes = at_once(lambda _: make(principal=principal, name="Wanted"))
    assert kinds(outcomes) == {Organization: MOST, TooManyOrganizations: MANY - MOST}


Give = Callable[[int], object]


def to_members(database: Persistence, actor: Actor) -> Give:
    others = [joined(database, actor.organization_id) for _ in range(MANY)]
    change_role = Retrying(ChangeMemberRole(unit_of_work=database.unit_of_work, clock=CLOCK))
    return lambda number: change_role(actor=actor, account_id=others[number].account_id, role=CLERK).membership


def to_service_accounts(database: Persistence, actor: Actor) -> Give:
    make = Retrying(MakeServiceAccount(unit_of_work=database.unit_of_work, clock=CLOCK, ids=Uuid7Ids()))
    return lambda number: make(actor=actor, name=f"Number {number}", role=CLERK)


def to_the_invited(database: Persistence, actor: Actor, *, most: int = 1000) -> Give:
    begin, policy, ids = database.unit_of_work, MailPolicy(), Uuid7Ids()
    invite = Retrying(
        Invite(unit_of_work=begin, lifetime=2 * DAY, most_a_day=most, mail_policy=policy, clock=CLOCK, ids=ids)
    )
    return lambda number: invite(actor=actor, email=f"ada-{number}@example.org", role=CLERK)


def test_of_many_invitations_at_once_as_many_are_sent_as_may_be_in_a_day(database: Persistence) -> None:
    organization = founded(database, invitations_counted_since=None, requires_second_factor=False)
    invite = to_the_invited(database, an_owner(database, organization.id), most=MOST)
    with database.unit_of_work() as uow:
        uow.roles.add(a_role(organization_id=organization.id, name=CLERK, permissions=OF_CLERK))
    assert kinds(at_once(invite)) == {Invitation: MOST, TooManyInvitations: MANY - MOST}
    with database.autocommit() as reads:
        assert reads.organizations.get(organization.id).invitations_counted == MOST


@pytest.mark.parametrize("given", [to_members, to_service_accounts, to_the_invited])
def test_a_role_that_is_deleted_while_it_is_given_is_held_by_nobody(
    database: Persistence, given: Callable[[Persistence, Actor], Give]
) -> None:
    organization = founded(database, requires_second_factor=False)
    owner = an_owner(database, organization.id)
    with database.unit_of_work() as uow:
        uow.roles.add(a_role(organization_id=organization.id, name=CLERK, permissions=OF_CLERK))
    give = given(database, owner)
    delete = Retrying(DeleteRole(unit_of_work=database.unit_of_work, clock=CLOCK))

    def act(number: int) -> object:
        return give(number) if number % 2 else delete(actor=owner, name=CLERK)

    outcomes = kinds(at_once(act))
    with database.unit_of_work() as uow:
        is_there = uow.roles.find(organization.id, CLERK) is not None
        assert uow.roles.is_used(organization.id, CLERK) == is_there
    if is_there:
        assert outcomes.keys() <= {Membership, ServiceAccount, Invitation, RoleInUse}
    else:
        assert outcomes == {NoneType: 1, RoleNotFound: MANY // 2 - 1, RoleUnknown: MANY // 2}


def test_whoever_is_removed_while_they_act_does_so_before_or_not_at_all(database: Persistence) -> None:
    organization = founded(database, requires_second_factor=False)
    owner, leaver = (an_owner(database, organization.id) for _ in range(2))
    (left,) = (each for each in members(database, organization.id) if each.account_id == leaver.id)
    other = joined(database, organization.id)
    change_role = Retrying(ChangeMemberRole(unit_of_work=database.unit_of_work, clock=CLOCK))
    leave = Retrying(LeaveOrganization(unit_of_work=database.unit_of_work, clock=CLOCK))

    def act(number: int) -> object:
        if number == 0:
            return leave(actor=leaver)
        role = OWNER if number % 2 else MEMBER
        return change_role(actor=leaver, account_id=other.account_id, role=role).membership

    assert set(kinds(at_once(act))) <= {NoneType, Membership, OrganizationNotFound}
    assert {owner.id} <= {member.account_id for member in owners(database, organization.id)}
    assert events(database, organization.id)[-1] == ("member.removed", left.id)


def test_many_who_sweep_a_deleted_organization_remove_each_thing_once(database: Persistence) -> None:
    organization = founded(database, requires_second_factor=False)
    gone = [joined(database, organization.id) for _ in range(20)]
    with database.unit_of_work() as uow:
        for number in range(5):
            uow.invitations.put(an_invitation(organization_id=organization.id, expires_at=NOON + number * DAY))
    deleted(database, organization)
    remove = Retrying(RemoveDeletedOrganizations(unit_of_work=database.unit_of_work, clock=CLOCK, batch=3))
    at_once(lambda _: remove(), threads=8)
    while remove():
        pass
    assert members(database, organization.id) == []
    ended = [id for name, id in events(database, organization.id) if name == "member.removed"]
    assert sorted(ended) == sorted(member.id for member in gone)
    with database.autocommit() as reads:
        assert reads.organizations.deleted(limit=5) == []
    assert database.findings() == []
