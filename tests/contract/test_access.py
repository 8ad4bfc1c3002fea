"""Who somebody is and what they are in an organization."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from application.ports.access import Asked
from application.ports.unit_of_work import Persistence
from domain.access import Place, Standing, Subject
from domain.accounts import Account, AccountState
from domain.api_keys import ApiKey, KeyKind
from domain.kernel import AccountId, ActorId, ApiKeyId, OrganizationId, SessionId
from domain.organizations import Organization
from domain.permissions import MEMBERS_READ, ORGANIZATION_READ, Catalogue, Permission
from domain.roles import ADMIN, MEMBER, OWNER, RoleName
from domain.service_accounts import ServiceAccount
from domain.sessions import Session
from tests.builders import DAY, NOON, a_personal_key, a_role, a_service_account, a_service_key, a_session
from tests.contract.given import deleted, founded, joined, signed_up

CLERK = RoleName("clerk")
OF_CLERK = frozenset({ORGANIZATION_READ, Permission("invoices:write")})
OF_MEMBER = Catalogue().of_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """An organization with a role of its own, a member who has it, and a service account."""

    organization: Organization
    account: Account
    service_account: ServiceAccount

    @property
    def id(self) -> OrganizationId:
        return self.organization.id

    def standing(self, role: RoleName = CLERK, permissions: frozenset[Permission] = OF_CLERK) -> Standing:
        return Standing(
            organization_id=self.id,
            role=role,
            permissions=permissions,
            requires_second_factor=self.organization.requires_second_factor,
        )


def tenant(database: Persistence, **changes: Any) -> Tenant:
    organization, account = founded(database, **changes), signed_up(database)
    service_account = a_service_account(organization_id=organization.id)
    with database.unit_of_work() as uow:
        uow.roles.add(a_role(organization_id=organization.id, name=CLERK, permissions=OF_CLERK))
        uow.service_accounts.add(service_account)
    joined(database, organization.id, role=CLERK, account=account)
    return Tenant(organization=organization, account=account, service_account=service_account)


@pytest.fixture
def here(database: Persistence) -> Tenant:
    return tenant(database, requires_second_factor=True)


@pytest.fixture
def elsewhere(database: Persistence) -> Tenant:
    return tenant(database, requires_second_factor=False)


def signed_in(database: Persistence, account: Account) -> Session:
    session = a_session(account_id=account.id)
    with database.unit_of_work() as uow:
        uow.sessions.add(session)
    return session


def kept(database: Persistence, key: ApiKey) -> ApiKey:
    with database.unit_of_work() as uow:
        uow.api_keys.add(key)
    return key


def by_session(
    database: Persistence,
    session: Session,
    organization_id: OrganizationId | None = None,
    other_id: ActorId | None = None,
) -> tuple[Subject, Place | None] | None:
    with database.autocommit() as reads:
        return reads.access.by_session(
            session.account_id, session.id, organization_id=organization_id, other_id=other_id
        )


def by_key(
    database: Persistence,
    key: ApiKey,
    organization_id: OrganizationId | None = None,
    other_id: ActorId | None = None,
) -> tuple[Subject, Place | None] | None:
    with database.autocommit() as reads:
        return reads.access.by_key(key.kind, key.owner_id, key.id, organization_id=organization_id, other_id=other_id)


def standing(database: Persistence, session: Session, organization_id: OrganizationId) -> Standing | None:
    found = by_session(database, session, organization_id)
    assert found
    return found[0].standing


# ---- by session


def test_a_session_is_its_account(database: Persistence) -> None:
    account = signed_up(database)
    session = signed_in(database, account)
    assert by_session(database, session) == (Subject(account=account, session=session), None)


def test_a_session_is_found_under_its_own_account_only(database: Persistence, here: Tenant) -> None:
    session, other = signed_in(database, here.account), signed_in(database, signed_up(database))
    for stranger in (
        replace(session, account_id=other.account_id),
        replace(session, account_id=AccountId(uuid4())),
        replace(session, id=SessionId(uuid4())),
    ):
        assert by_session(database, stranger) is None
        assert by_session(database, stranger, here.id) is None
        assert by_session(database, stranger, here.id, here.account.id) is None


def test_it_is_for_others_to_judge_whether_session_and_account_live(database: Persistence) -> None:
    account = signed_up(database, state=AccountState.SUSPENDED)
    session = a_session(account_id=account.id, expires_at=NOON - DAY)
    with database.unit_of_work() as uow:
        uow.sessions.add(session)
    assert by_session(database, session) == (Subject(account=account, session=session), None)


def test_a_member_has_what_the_organizations_own_role_grants(database: Persistence, here: Tenant) -> None:
    session = signed_in(database, here.account)
    subject = Subject(account=here.account, session=session, standing=here.standing())
    assert by_session(database, session, here.id) == (subject, None)


@pytest.mark.parametrize("role", [OWNER, ADMIN, MEMBER])
@pytest.mark.parametrize("declares", [False, True])
def test_a_member_has_what_the_catalogue_grants_a_built_in_role(
    database: Persistence, here: Tenant, role: RoleName, declares: bool
) -> None:
    catalogue = Catalogue()
    if declares:
        catalogue = Catalogue.declare({"a:b": "", "a:c": ""}, of_admin=["a:*"], of_member=["a:b"])
        with database.unit_of_work() as uow:
            uow.catalogue.put(catalogue)
    grants = {OWNER: frozenset(catalogue.permissions), ADMIN: catalogue.of_admin, MEMBER: catalogue.of_member}
    account = signed_up(database)
    joined(database, here.id, role=role, account=account)
    assert standing(database, signed_in(database, account), here.id) == here.standing(role, grants[role])


def test_a_role_of_the_same_name_elsewhere_grants_nothing_here(
    database: Persistence, here: Tenant, elsewhere: Tenant
) -> None:
    with database.unit_of_work() as uow:
        role = uow.roles.find(elsewhere.id, CLERK)
        assert role
        uow.roles.save(role.change(description="", permissions=frozenset({MEMBERS_READ}), at=NOON))
    joined(database, elsewhere.id, role=CLERK, account=here.account)
    session = signed_in(database, here.account)
    assert standing(database, session, here.id) == here.standing()
    assert standing(database, session, elsewhere.id) == elsewhere.standing(CLERK, frozenset({MEMBERS_READ}))


def test_a_role_that_is_gone_grants_nothing(database: Persistence, here: Tenant) -> None:
    with database.unit_of_work() as uow:
        uow.roles.void(here.id)
    assert standing(database, signed_in(database, here.account), here.id) == here.standing(CLERK, frozenset())


def test_who_does_not_belong_there_has_no_standing(database: Persistence, here: Tenant, elsewhere: Tenant) -> None:
    session = signed_in(database, here.account)
    assert standing(database, session, elsewhere.id) is None
    assert standing(database, session, OrganizationId(uuid4())) is None


def test_nobody_has_a_standing_in_a_deleted_organization(database: Persistence, here: Tenant) -> None:
    session = signed_in(database, here.account)
    deleted(database, here.organization)
    assert by_session(database, session, here.id) == (Subject(account=here.account, session=session), None)


def test_what_changed_counts_from_the_next_question(database: Persistence, here: Tenant) -> None:
    session = signed_in(database, here.account)
    with database.unit_of_work() as uow:
        membership = uow.memberships.find(here.id, here.account.id)
        assert membership
        uow.memberships.save(membership.change_role(MEMBER, at=NOON))
    assert standing(database, session, here.id) == here.standing(MEMBER, OF_MEMBER)
    with database.unit_of_work() as uow:
        uow.memberships.remove(membership)
    assert standing(database, session, here.id) is None


# ---- the other, by session and by key


def other(database: Persistence, tenant: Tenant, other_id: ActorId) -> Place | None:
    """As a stranger to the organization finds them by session, which is as one does by key."""
    account = signed_up(database)
    session, key = signed_in(database, account), kept(database, a_personal_key(owner_id=account.id))
    found, by_a_key = by_session(database, session, tenant.id, other_id), by_key(database, key, tenant.id, other_id)
    assert found
    assert by_a_key
    assert found[0] == Subject(account=account, session=session)
    assert by_a_key == (Subject(account=account, key=key), found[1])
    return found[1]


def test_another_account_is_found_with_its_standing(database: Persistence, here: Tenant) -> None:
    assert other(database, here, here.account.id) == Place(here.standing(), AccountState.ACTIVE)


def test_another_who_is_a_service_account_is_found_with_its_standing(database: Persistence, here: Tenant) -> None:
    assert other(database, here, here.service_account.id) == Place(here.standing(MEMBER, OF_MEMBER), None)


def test_another_who_is_suspended_is_found_as_such(database: Persistence, here: Tenant) -> None:
    account = signed_up(database, state=AccountState.SUSPENDED)
    joined(database, here.id, account=account)
    assert other(database, here, account.id) == Place(here.standing(MEMBER, OF_MEMBER), AccountState.SUSPENDED)


def test_of_others_who_do_not_belong_there_nothing_is_said(
    database: Persistence, here: Tenant, elsewhere: Tenant
) -> None:
    for id in (elsewhere.account.id, elsewhere.service_account.id, AccountId(uuid4())):
        assert other(database, here, id) is None


def test_a_deleted_organization_has_nobody_in_it(database: Persistence, here: Tenant) -> None:
    deleted(database, here.organization)
    for id in (here.account.id, here.service_account.id):
        assert other(database, here, id) is None


def test_without_an_organization_there_is_no_other(database: Persistence, here: Tenant) -> None:
    session = signed_in(database, here.account)
    key = kept(database, a_service_key(organization_id=here.id, service_account_id=here.service_account.id))
    for found in (
        by_session(database, session, other_id=here.service_account.id),
        by_key(database, key, other_id=here.account.id),
    ):
        assert found
        assert found[1] is None


def test_caller_and_other_have_a_standing_each(database: Persistence, here: Tenant) -> None:
    admin = signed_up(database)
    joined(database, here.id, role=ADMIN, account=admin)
    session = signed_in(database, admin)
    assert by_session(database, session, here.id, here.account.id) == (
        Subject(account=admin, session=session, standing=here.standing(ADMIN, Catalogue().of_admin)),
        Place(here.standing(), AccountState.ACTIVE),
    )


def test_the_other_may_be_the_caller_and_is_then_no_session(database: Persistence, here: Tenant) -> None:
    session = signed_in(database, here.account)
    assert by_session(database, session, here.id, here.account.id) == (
        Subject(account=here.account, session=session, standing=here.standing()),
        Place(here.standing(), AccountState.ACTIVE),
    )


# ---- by key


def test_a_key_for_no_organization_is_its_account_and_has_no_standing(database: Persistence, here: Tenant) -> None:
    key = kept(database, a_personal_key(owner_id=here.account.id))
    for organization_id in (None, here.id):
        assert by_key(database, key, organization_id) == (Subject(account=here.account, key=key), None)


def test_a_personal_key_has_the_standing_of_its_account_where_it_works(
    database: Persistence, here: Tenant, elsewhere: Tenant
) -> None:
    key = kept(database, a_personal_key(owner_id=here.account.id, organization_id=here.id))
    joined(database, elsewhere.id, account=here.account)
    holder = Subject(account=here.account, key=key, standing=here.standing())
    for organization_id in (here.id, elsewhere.id):
        assert by_key(database, key, organization_id) == (holder, None)
    assert by_key(database, key) == (replace(holder, standing=None), None)


def test_a_service_key_has_the_standing_of_its_service_account(
    database: Persistence, here: Tenant, elsewhere: Tenant
) -> None:
    key = kept(database, a_service_key(organization_id=here.id, service_account_id=here.service_account.id))
    holder = Subject(service_account=here.service_account, key=key, standing=here.standing(MEMBER, OF_MEMBER))
    for organization_id in (here.id, elsewhere.id):
        assert by_key(database, key, organization_id) == (holder, None)
    assert by_key(database, key) == (replace(holder, standing=None), None)


def test_a_service_account_has_what_the_organizations_own_role_grants(database: Persistence, here: Tenant) -> None:
    clerk = a_service_account(organization_id=here.id, role=CLERK)
    with database.unit_of_work() as uow:
        uow.service_accounts.add(clerk)
    key = kept(database, a_service_key(organization_id=here.id, service_account_id=clerk.id))
    assert by_key(database, key, here.id) == (Subject(service_account=clerk, key=key, standing=here.standing()), None)
    assert other(database, here, clerk.id) == Place(here.standing(), None)


def test_the_holder_of_a_key_asks_about_another(database: Persistence, here: Tenant, elsewhere: Tenant) -> None:
    key = kept(database, a_service_key(organization_id=here.id, service_account_id=here.service_account.id))
    holder = Subject(service_account=here.service_account, key=key, standing=here.standing(MEMBER, OF_MEMBER))
    asked = Place(here.standing(), AccountState.ACTIVE)
    assert by_key(database, key, here.id, here.account.id) == (holder, asked)
    stranger = Place(elsewhere.standing(), AccountState.ACTIVE)
    assert by_key(database, key, elsewhere.id, elsewhere.account.id) == (holder, stranger)


def test_a_key_whose_holder_left_is_nobody(database: Persistence, here: Tenant, elsewhere: Tenant) -> None:
    key = kept(database, a_personal_key(owner_id=here.account.id, organization_id=elsewhere.id))
    for organization_id in (here.id, elsewhere.id):
        assert by_key(database, key, organization_id) is None
        assert by_key(database, key, organization_id, elsewhere.account.id) is None


def test_a_key_for_a_deleted_organization_is_nobody(database: Persistence, here: Tenant) -> None:
    personal = kept(database, a_personal_key(owner_id=here.account.id, organization_id=here.id))
    service = kept(database, a_service_key(organization_id=here.id, service_account_id=here.service_account.id))
    deleted(database, here.organization)
    for key in (personal, service):
        assert by_key(database, key) is by_key(database, key, here.id) is None


def test_it_is_for_others_to_judge_whether_key_and_account_live(database: Persistence) -> None:
    account = signed_up(database, state=AccountState.SUSPENDED)
    key = kept(database, a_personal_key(owner_id=account.id, expires_at=NOON - DAY))
    assert by_key(database, key) == (Subject(account=account, key=key), None)


def test_a_key_is_found_by_its_own_kind_only(database: Persistence, here: Tenant) -> None:
    key = a_service_key(organization_id=here.id, service_account_id=here.service_account.id)
    kept(database, key)
    with database.autocommit() as reads:
        assert reads.access.by_key(KeyKind.SERVICE, key.owner_id, key.id)
        assert reads.access.by_key(KeyKind.PERSONAL, key.owner_id, key.id) is None


def test_an_unknown_key_and_one_of_nobody_is_nobody(database: Persistence, here: Tenant) -> None:
    key = kept(database, a_personal_key(owner_id=here.account.id))
    stray = [a_service_key(organization_id=here.id), a_personal_key(organization_id=here.id), a_service_key()]
    for nobodys in (
        *(kept(database, each) for each in stray),
        replace(key, id=ApiKeyId(uuid4())),
        replace(key, owner_id=uuid4()),
        replace(key, owner_id=here.id),
    ):
        assert by_key(database, nobodys) is None
        assert by_key(database, nobodys, here.id, here.account.id) is None


def test_a_key_of_a_service_account_elsewhere_is_nobody(database: Persistence, here: Tenant, elsewhere: Tenant) -> None:
    key = kept(database, a_service_key(organization_id=here.id, service_account_id=elsewhere.service_account.id))
    assert by_key(database, key, here.id) is None


# ---- many at once


def test_of_many_asked_about_those_are_told_who_belong_there(
    database: Persistence, here: Tenant, elsewhere: Tenant
) -> None:
    suspended = signed_up(database, state=AccountState.SUSPENDED)
    joined(database, elsewhere.id, role=OWNER, account=suspended)
    joined(database, elsewhere.id, account=here.account)
    of_owner = frozenset(Catalogue().permissions)
    expected: dict[Asked, Place] = {
        (here.id, here.account.id): Place(here.standing(), AccountState.ACTIVE),
        (here.id, here.service_account.id): Place(here.standing(MEMBER, OF_MEMBER), None),
        (elsewhere.id, here.account.id): Place(elsewhere.standing(MEMBER, OF_MEMBER), AccountState.ACTIVE),
        (elsewhere.id, suspended.id): Place(elsewhere.standing(OWNER, of_owner), AccountState.SUSPENDED),
    }
    nobody: set[Asked] = {
        (here.id, elsewhere.account.id),
        (here.id, elsewhere.service_account.id),
        (here.id, AccountId(uuid4())),
        (OrganizationId(uuid4()), here.account.id),
    }
    with database.autocommit() as reads:
        assert reads.access.places({*expected, *nobody}) == expected
        assert reads.access.places(nobody) == {}
        assert reads.access.places(set()) == {}


def test_of_many_asked_about_none_belongs_to_a_deleted_organization(
    database: Persistence, here: Tenant, elsewhere: Tenant
) -> None:
    deleted(database, here.organization)
    asked = {(each.id, id) for each in (here, elsewhere) for id in (each.account.id, each.service_account.id)}
    with database.autocommit() as reads:
        assert {id for id, _ in reads.access.places(asked)} == {elsewhere.id}


def test_two_hundred_are_asked_about_at_once(database: Persistence, here: Tenant) -> None:
    """A hundred checks name a caller and a subject each."""
    asked = {(here.id, joined(database, here.id, role=CLERK).account_id) for _ in range(200)}
    with database.autocommit() as reads:
        found = reads.access.places(asked)
    assert found.keys() == asked
    assert {place.standing for place in found.values()} == {here.standing()}
