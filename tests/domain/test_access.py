from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access import (
    Actor,
    Because,
    Decision,
    NoAccount,
    OrganizationClaims,
    PermissionDenied,
    Place,
    Principal,
    Reason,
    SessionRequired,
    Standing,
    Subject,
)
from domain.accounts import AccountState, OperatorRequired
from domain.api_keys import ApiKey, KeyKind
from domain.assurance import AssurancePolicy, StepUpRequired
from domain.kernel import AccountId, ApiKeyId, OrganizationId, ServiceAccountId
from domain.organizations import OrganizationNotFound
from domain.permissions import OWN, Catalogue, Permission
from domain.roles import ADMIN, MEMBER, OWNER, ExceedsOwnRights, RoleName
from domain.service_accounts import ServiceAccount
from tests.builders import NOON, a_session, an_account, an_active_account

HERE, ELSEWHERE = OrganizationId(UUID(int=1)), OrganizationId(UUID(int=2))
READ, SEND = Permission("invoices:read"), Permission("invoices:send")
CLERK = RoleName("clerk")
ACCOUNT, SESSION = an_active_account(), a_session()
SERVICE = ServiceAccount(
    organization_id=HERE,
    id=ServiceAccountId(UUID(int=3)),
    display_name="Nightly",
    role=CLERK,
    created_by=ACCOUNT.id,
    created_at=NOON,
)


def a_standing(*permissions: Permission, role: RoleName = CLERK, organization_id: OrganizationId = HERE) -> Standing:
    return Standing(organization_id=organization_id, role=role, permissions=frozenset(permissions))


def a_key(*scopes: Permission, organization_id: OrganizationId | None = HERE) -> ApiKey:
    return ApiKey(
        id=ApiKeyId(UUID(int=4)),
        kind=KeyKind.PERSONAL,
        owner_id=ACCOUNT.id,
        organization_id=organization_id,
        display_name="Laptop",
        scopes=frozenset(scopes),
        prefix="ptc_u_",
        digest="digest",
        created_at=NOON,
    )


def a_person(standing: Standing | None = None) -> Subject:
    return Subject(account=ACCOUNT, session=SESSION, standing=standing)


def an_operator(*, aal: int) -> Principal:
    return Principal(account=an_active_account(is_operator=True, has_second_factor=True), session=a_session(aal=aal))


def codes(decision: Decision) -> list[Because]:
    return [reason.code for reason in decision.because]


some_permissions = st.frozensets(st.sampled_from([*OWN, READ, SEND]))
organizations = st.sampled_from([HERE, ELSEWHERE])


def standings(where: st.SearchStrategy[OrganizationId]) -> st.SearchStrategy[Standing]:
    roles = st.sampled_from([OWNER, ADMIN, MEMBER, CLERK])
    return st.builds(Standing, organization_id=where, role=roles, permissions=some_permissions)


def keys(where: st.SearchStrategy[OrganizationId | None]) -> st.SearchStrategy[ApiKey]:
    return st.builds(lambda scopes, where: a_key(*scopes, organization_id=where), some_permissions, where)


def callers(
    standings: st.SearchStrategy[Standing | None], keys: st.SearchStrategy[ApiKey]
) -> st.SearchStrategy[Subject]:
    """People in a session, people by a key, and service accounts."""
    return (
        st.builds(Subject, account=st.just(ACCOUNT), session=st.just(SESSION), standing=standings)
        | st.builds(Subject, account=st.just(ACCOUNT), key=keys, standing=standings)
        | st.builds(Subject, service_account=st.just(SERVICE), key=keys, standing=standings)
    )


subjects = callers(standings(organizations) | st.none(), keys(organizations | st.none()))
actors = callers(standings(st.just(HERE)), keys(st.just(HERE))).map(lambda subject: subject.within(HERE))


# ---- who is calling


def test_an_operator_may_do_what_operators_do() -> None:
    an_operator(aal=2).must_be_operator(AssurancePolicy())


def test_nobody_else_may() -> None:
    for session in (a_session(aal=1), a_session(aal=2)):
        with pytest.raises(OperatorRequired):
            Principal(account=an_active_account(), session=session).must_be_operator(AssurancePolicy())


def test_an_operator_proves_a_second_factor_unless_the_installation_asks_for_none() -> None:
    with pytest.raises(StepUpRequired):
        an_operator(aal=1).must_be_operator(AssurancePolicy())
    an_operator(aal=1).must_be_operator(AssurancePolicy(operators_need_second_factor=False))


def test_a_signed_in_person_is_one() -> None:
    assert a_person().person() == Principal(account=ACCOUNT, session=SESSION)
    assert a_person().own_account() == ACCOUNT
    assert a_person().id == ACCOUNT.id


def test_a_key_of_a_person_has_their_account_and_is_no_person() -> None:
    subject = Subject(account=ACCOUNT, key=a_key(READ))
    assert subject.own_account() == ACCOUNT
    assert subject.id == ACCOUNT.id
    with pytest.raises(SessionRequired):
        subject.person()


def test_a_service_account_is_neither_a_person_nor_has_an_account() -> None:
    subject = Subject(service_account=SERVICE, key=a_key(READ), standing=a_standing(READ))
    assert subject.id == SERVICE.id
    with pytest.raises(SessionRequired):
        subject.person()
    with pytest.raises(SessionRequired):
        subject.within(HERE).person()
    with pytest.raises(NoAccount):
        subject.own_account()


# ---- across tenants nothing exists


@given(subjects, organizations)
def test_an_actor_acts_only_where_both_membership_and_key_reach(subject: Subject, organization: OrganizationId) -> None:
    belongs = subject.standing is not None and subject.standing.organization_id == organization
    reaches = subject.key is None or subject.key.organization_id == organization
    if belongs and reaches:
        assert subject.within(organization).organization_id == organization
    else:
        with pytest.raises(OrganizationNotFound):
            subject.within(organization)


@pytest.mark.parametrize("aal", [1, 2])
@pytest.mark.parametrize("required", [False, True])
def test_an_organization_may_require_a_second_factor_of_who_signs_in(required: bool, aal: int) -> None:
    standing = replace(a_standing(READ), requires_second_factor=required)
    account = replace(ACCOUNT, has_second_factor=True)
    subject = Subject(account=account, session=a_session(aal=aal), standing=standing)
    if required and aal < 2:
        with pytest.raises(StepUpRequired):
            subject.within(HERE)
    else:
        assert subject.within(HERE).standing == standing


@pytest.mark.parametrize("holder", [{"account": ACCOUNT}, {"service_account": SERVICE}], ids=["person", "service"])
def test_a_key_has_no_second_factor_and_is_asked_for_none(holder: dict[str, Any]) -> None:
    standing = replace(a_standing(READ), requires_second_factor=True)
    assert Subject(**holder, key=a_key(READ), standing=standing).within(HERE).standing == standing


def test_to_who_does_not_belong_there_an_organization_does_not_even_say_what_it_requires() -> None:
    standing = replace(a_standing(READ, organization_id=ELSEWHERE), requires_second_factor=True)
    with pytest.raises(OrganizationNotFound):
        Subject(account=ACCOUNT, session=a_session(aal=1), standing=standing).within(HERE)


@given(subjects, some_permissions, organizations)
def test_who_is_not_within_an_organization_may_do_nothing_there(
    subject: Subject, permissions: frozenset[Permission], organization: OrganizationId
) -> None:
    try:
        subject.within(organization)
    except OrganizationNotFound:
        assert not any(subject.decide(each, organization).allowed for each in permissions)


# ---- what they may do


@given(actors)
def test_what_a_key_may_do_is_in_its_scopes_and_in_the_role(actor: Actor) -> None:
    assert actor.permissions() <= actor.standing.permissions
    if key := actor.subject.key:
        assert actor.permissions() == actor.standing.permissions & key.scopes


@given(actors, st.sampled_from([*OWN, READ, SEND]))
def test_a_decision_is_the_same_however_it_is_asked_for(actor: Actor, permission: Permission) -> None:
    decision = actor.subject.decide(permission, actor.organization_id)
    assert decision.allowed is (permission in actor.permissions())
    if decision.allowed:
        actor.must(permission)
    else:
        with pytest.raises(PermissionDenied) as refused:
            actor.must(permission)
        assert (refused.value.permission, refused.value.decision) == (permission, decision)


@given(actors, some_permissions)
def test_nobody_covers_more_than_they_may_do_themselves(actor: Actor, permissions: frozenset[Permission]) -> None:
    if all(actor.subject.decide(each, actor.organization_id).allowed for each in permissions):
        actor.must_cover(permissions)
        actor.must_cover_role(CLERK, permissions)
    else:
        for role in (OWNER, ADMIN, CLERK):
            with pytest.raises(ExceedsOwnRights):
                actor.must_cover_role(role, permissions)
        with pytest.raises(ExceedsOwnRights):
            actor.must_cover(permissions)


@given(actors)
def test_only_an_owner_in_person_deals_with_owners(actor: Actor) -> None:
    if actor.standing.role == OWNER and actor.subject.session:
        actor.must_cover_role(OWNER, frozenset())
    else:
        with pytest.raises(ExceedsOwnRights):
            actor.must_cover_role(OWNER, frozenset())


def test_an_admin_deals_with_no_owner_even_when_the_catalogue_grants_admins_everything() -> None:
    everything = frozenset(OWN)
    catalogue = Catalogue.declare({}, of_admin=["organization:*"])
    admin = a_person(Standing(organization_id=HERE, role=ADMIN, permissions=catalogue.of_admin)).within(HERE)
    admin.must_cover(everything)
    with pytest.raises(ExceedsOwnRights):
        admin.must_cover_role(OWNER, everything)


# ---- why


def test_a_member_may_do_what_their_role_grants() -> None:
    decision = a_person(a_standing(READ)).decide(READ, HERE)
    assert decision.allowed
    assert codes(decision) == [Because.MEMBERSHIP, Because.ROLE_GRANTS]
    assert [reason.detail for reason in decision.because] == [
        "The role in this organization is clerk.",
        "The role clerk grants it.",
    ]


def test_a_key_needs_the_scope_as_well() -> None:
    holder = Subject(account=ACCOUNT, key=a_key(READ), standing=a_standing(READ, SEND))
    allowed, refused = holder.decide(READ, HERE), holder.decide(SEND, HERE)
    assert (allowed.allowed, refused.allowed) == (True, False)
    assert codes(allowed) == [Because.MEMBERSHIP, Because.ROLE_GRANTS, Because.SCOPE_ALLOWS]
    assert codes(refused) == [Because.MEMBERSHIP, Because.ROLE_GRANTS, Because.SCOPE_LACKS]


def test_a_scope_adds_nothing_to_the_role() -> None:
    decision = Subject(account=ACCOUNT, key=a_key(READ, SEND), standing=a_standing(READ)).decide(SEND, HERE)
    assert not decision.allowed
    assert codes(decision) == [Because.MEMBERSHIP, Because.ROLE_LACKS]


@pytest.mark.parametrize("key", [a_key(READ, organization_id=ELSEWHERE), a_key(organization_id=None)])
def test_a_key_for_elsewhere_or_for_nowhere_is_worth_nothing_here(key: ApiKey) -> None:
    decision = Subject(account=ACCOUNT, key=key, standing=a_standing(READ)).decide(READ, HERE)
    assert not decision.allowed
    assert codes(decision) == [Because.KEY_OF_ANOTHER_ORGANIZATION]


@pytest.mark.parametrize("standing", [None, a_standing(READ, organization_id=ELSEWHERE)])
def test_without_a_membership_nothing_is_allowed(standing: Standing | None) -> None:
    decision = a_person(standing).decide(READ, HERE)
    assert not decision.allowed
    assert codes(decision) == [Because.NO_MEMBERSHIP]


def test_nobody_at_all_may_do_nothing() -> None:
    assert codes(Subject().decide(READ, HERE)) == [Because.NO_MEMBERSHIP]


@pytest.mark.parametrize("state", [AccountState.SUSPENDED, AccountState.CLOSED])
def test_an_account_that_is_not_active_may_do_nothing_whatever_its_role(state: AccountState) -> None:
    standing = a_standing(READ, role=OWNER)
    refused = Decision(False, (Reason(Because.ACCOUNT_NOT_ACTIVE, f"The account is {state}."),))
    assert Subject(account=an_account(state=state), standing=standing).decide(READ, HERE) == refused
    assert Place(standing, state).decide(READ, HERE) == refused


@given(standings(organizations), st.sampled_from([*OWN, READ, SEND]))
def test_who_is_asked_about_is_judged_as_if_they_asked_themselves(standing: Standing, permission: Permission) -> None:
    person, program = Subject(account=ACCOUNT, standing=standing), Subject(service_account=SERVICE, standing=standing)
    assert Place(standing, ACCOUNT.state).decide(permission, HERE) == person.decide(permission, HERE)
    assert Place(standing, None).decide(permission, HERE) == program.decide(permission, HERE)


def test_a_place_elsewhere_is_worth_nothing_here() -> None:
    elsewhere = Place(a_standing(READ, organization_id=ELSEWHERE), AccountState.ACTIVE)
    assert codes(elsewhere.decide(READ, HERE)) == [Because.NO_MEMBERSHIP]


def test_a_refusal_tells_the_permission_and_the_reasons() -> None:
    actor = a_person(a_standing(READ)).within(HERE)
    with pytest.raises(PermissionDenied) as refused:
        actor.must(SEND)
    assert refused.value.detail == "That needs `invoices:send`. The role clerk does not grant it."
    assert refused.value.members() == {"permission": SEND, "because": ["membership", "role_lacks"]}


def test_a_token_for_an_organization_says_the_role_and_its_permissions_in_order() -> None:
    assert a_standing(SEND, READ).claims() == OrganizationClaims(id=HERE, roles=(CLERK,), permissions=(READ, SEND))


def test_an_actor_is_who_the_subject_is() -> None:
    actor = a_person(a_standing(READ)).within(HERE)
    assert actor.id == AccountId(ACCOUNT.id)
    assert actor.person() == Principal(account=ACCOUNT, session=SESSION)
