from dataclasses import replace
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.kernel import AccountId, CursorInvalid, MembershipId, OrganizationId, Stale
from domain.memberships import AlreadyMember, EndOfMembership, Membership
from domain.roles import ADMIN, OWNER, RoleName
from tests.builders import NOON, a_membership
from tests.contract.given import NOT_A_CURSOR, events, founded, joined, pages, reasons, signed_up
from tests.contract.threads import MANY, at_once, tally

ENDED = ("member.removed", "removed")


def begin(organization_id: OrganizationId, account_id: AccountId) -> Membership:
    return Membership.begin(
        id=MembershipId(uuid4()), organization_id=organization_id, account_id=account_id, role=OWNER, at=NOON
    )


def stored(database: Persistence, membership: Membership) -> Membership | None:
    with database.autocommit() as reads:
        return reads.memberships.find(membership.organization_id, membership.account_id)


def of_account(database: Persistence, account_id: AccountId) -> list[Membership]:
    with database.autocommit() as reads:
        return reads.memberships.page_of_account(account_id, limit=100, after=None)[0]


def of_organization(database: Persistence, id: OrganizationId) -> list[Membership]:
    with database.autocommit() as reads:
        return reads.memberships.page_of_organization(id, limit=100, after=None)[0]


def save(database: Persistence, membership: Membership) -> None:
    with database.unit_of_work() as uow:
        uow.memberships.save(membership)


def remove(database: Persistence, membership: Membership) -> bool:
    with database.unit_of_work() as uow:
        return uow.memberships.remove(membership.end(EndOfMembership.REMOVED, at=NOON))


def test_every_field_survives_the_round_trip_from_both_ends(database: Persistence) -> None:
    membership = joined(database, founded(database).id, role=RoleName("r" * 40))
    assert stored(database, membership) == membership
    assert of_organization(database, membership.organization_id) == [membership]
    assert of_account(database, membership.account_id) == [membership]


def test_it_is_found_by_organization_and_account_together_only(database: Persistence) -> None:
    membership = joined(database, founded(database).id)
    for other in (joined(database, founded(database).id).organization_id, OrganizationId(uuid4())):
        assert stored(database, replace(membership, organization_id=other)) is None
    assert stored(database, replace(membership, account_id=AccountId(uuid4()))) is None


def test_it_is_added_with_what_it_recorded(database: Persistence) -> None:
    organization, account = founded(database), signed_up(database)
    begun = begin(organization.id, account.id)
    with database.unit_of_work() as uow:
        uow.memberships.add(begun)
    assert events(database, organization.id) == [("member.added", begun.id)]
    assert events(database, account.id) == []


def test_nobody_is_a_member_twice(database: Persistence) -> None:
    membership = joined(database, founded(database).id)
    with database.unit_of_work() as uow:
        with pytest.raises(AlreadyMember):
            uow.memberships.add(replace(membership, role=OWNER))
        assert uow.memberships.find(membership.organization_id, membership.account_id) == membership
    assert of_account(database, membership.account_id) == [membership]


def test_a_save_shows_at_both_ends_and_counts(database: Persistence) -> None:
    membership = joined(database, founded(database).id)
    save(database, membership.change_role(ADMIN, at=NOON))
    promoted = replace(membership, role=ADMIN, version=1)
    assert stored(database, membership) == promoted
    assert of_organization(database, membership.organization_id) == [promoted]
    assert of_account(database, membership.account_id) == [promoted]
    assert events(database, membership.organization_id) == [("member.role_changed", membership.id)]


def test_a_stale_save_is_refused(database: Persistence) -> None:
    membership = joined(database, founded(database).id)
    promoted = membership.change_role(ADMIN, at=NOON)
    save(database, promoted)
    for stale in (promoted, a_membership()):
        with pytest.raises(Stale):
            save(database, stale)
    assert len(events(database, membership.organization_id)) == 1


def test_it_is_removed_at_both_ends_with_what_it_recorded_once(database: Persistence) -> None:
    membership = joined(database, founded(database).id)
    stranger = joined(database, membership.organization_id)
    assert [remove(database, membership), remove(database, membership)] == [True, False]
    assert stored(database, membership) is None
    assert of_organization(database, membership.organization_id) == [stranger]
    assert of_account(database, membership.account_id) == []
    assert reasons(database, membership.organization_id) == {membership.id: ENDED}
    assert len(events(database, membership.organization_id)) == 1


def test_who_was_removed_may_come_again(database: Persistence) -> None:
    membership = joined(database, founded(database).id)
    remove(database, membership)
    with database.unit_of_work() as uow:
        uow.memberships.add(membership)
    assert of_account(database, membership.account_id) == [membership]


def test_all_of_an_account_end_each_with_its_event(database: Persistence) -> None:
    account, organizations = signed_up(database), [founded(database) for _ in range(3)]
    ended = [joined(database, organization.id, account=account) for organization in organizations]
    stranger = joined(database, organizations[0].id)
    with database.unit_of_work() as uow:
        uow.memberships.end_all(account.id, EndOfMembership.ACCOUNT_CLOSED, at=NOON)
        uow.memberships.end_all(account.id, EndOfMembership.ACCOUNT_CLOSED, at=NOON)
    assert of_account(database, account.id) == []
    assert [of_organization(database, organization.id) for organization in organizations] == [[stranger], [], []]
    for membership in ended:
        assert events(database, membership.organization_id) == [("member.removed", membership.id)]
        assert reasons(database, membership.organization_id) == {membership.id: ("member.removed", "account_closed")}


def test_those_of_an_organization_are_removed_in_batches_each_with_its_event(database: Persistence) -> None:
    organization = founded(database)
    members = [joined(database, organization.id) for _ in range(5)]
    elsewhere = joined(database, founded(database).id)
    batches = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            batches.append(uow.memberships.void(organization.id, limit=2, at=NOON))
    assert [len(batch) for batch in batches] == [2, 2, 1, 0]
    assert {id for batch in batches for id in batch} == {member.account_id for member in members}
    assert all(of_account(database, member.account_id) == [] for member in members)
    assert of_organization(database, organization.id) == []
    assert reasons(database, organization.id) == {
        member.id: ("member.removed", "organization_deleted") for member in members
    }
    assert stored(database, elsewhere) == elsewhere


def test_an_owner_knows_whether_there_is_another(database: Persistence) -> None:
    organization, other = founded(database), founded(database)
    ada = joined(database, organization.id, role=OWNER)
    joined(database, organization.id, role=ADMIN)
    joined(database, other.id, role=OWNER)
    with database.unit_of_work() as uow:
        assert not uow.memberships.has_other_owner(organization.id, ada.account_id)
        assert uow.memberships.has_other_owner(organization.id, AccountId(uuid4()))
    grace = joined(database, organization.id, role=OWNER)
    with database.unit_of_work() as uow:
        assert uow.memberships.has_other_owner(organization.id, ada.account_id)
        assert uow.memberships.has_other_owner(organization.id, grace.account_id)


def test_what_an_account_owns_is_told_in_the_order_of_the_ids(database: Persistence) -> None:
    account, organizations = signed_up(database), [founded(database) for _ in range(4)]
    for organization in organizations[2::-1]:
        joined(database, organization.id, role=OWNER, account=account)
    joined(database, organizations[3].id, role=ADMIN, account=account)
    joined(database, organizations[3].id, role=OWNER)
    with database.autocommit() as reads:
        assert reads.memberships.owned_by(account.id) == [each.id for each in organizations[:3]]
        assert reads.memberships.count_owned(account.id) == 3
        assert reads.memberships.owned_by(AccountId(uuid4())) == []
        assert reads.memberships.count_owned(AccountId(uuid4())) == 0


def test_pages_of_an_organization_show_every_member_once(database: Persistence) -> None:
    organization = founded(database)
    members = [joined(database, organization.id) for _ in range(5)]
    joined(database, founded(database).id)
    with database.autocommit() as reads:
        found = pages(lambda after: reads.memberships.page_of_organization(organization.id, limit=2, after=after))
    assert found == [members[:2], members[2:4], members[4:]]


def test_pages_of_an_account_show_every_membership_once(database: Persistence) -> None:
    account = signed_up(database)
    memberships = [joined(database, founded(database).id, account=account) for _ in range(4)]
    joined(database, memberships[0].organization_id)
    with database.autocommit() as reads:
        found = pages(lambda after: reads.memberships.page_of_account(account.id, limit=2, after=after))
    assert found == [memberships[:2], memberships[2:]]


@pytest.mark.parametrize("after", NOT_A_CURSOR)
def test_a_page_starts_only_where_another_ended(database: Persistence, after: str) -> None:
    with database.autocommit() as reads:
        with pytest.raises(CursorInvalid):
            reads.memberships.page_of_organization(OrganizationId(uuid4()), limit=2, after=after)
        with pytest.raises(CursorInvalid):
            reads.memberships.page_of_account(AccountId(uuid4()), limit=2, after=after)


def test_of_many_who_add_a_member_one_does(database: Persistence) -> None:
    organization, account = founded(database), signed_up(database)
    begun = begin(organization.id, account.id)

    def add(_: int) -> None:
        with database.unit_of_work() as uow:
            uow.memberships.add(begun)

    assert tally(at_once(add)) == {None: 1, AlreadyMember: MANY - 1}
    assert of_account(database, account.id) == of_organization(database, organization.id) == [begun]
    assert events(database, organization.id) == [("member.added", begun.id)]


def test_of_many_who_remove_a_member_one_does(database: Persistence) -> None:
    membership = joined(database, founded(database).id)
    assert tally(at_once(lambda _: remove(database, membership))) == {True: 1, False: MANY - 1}
    assert len(events(database, membership.organization_id)) == 1


def test_of_many_saves_of_what_all_have_read_one_counts(database: Persistence) -> None:
    membership = joined(database, founded(database).id)
    outcomes = at_once(lambda number: save(database, membership.change_role(RoleName(f"role-{number}"), at=NOON)))
    assert tally(outcomes) == {None: 1, Stale: MANY - 1}
    assert of_account(database, membership.account_id) == of_organization(database, membership.organization_id)
