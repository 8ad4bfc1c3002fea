from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.accounts import EmailAddress
from domain.invitations import EndOfInvitation, Invitation
from domain.kernel import CursorInvalid, InvitationId, OrganizationId
from domain.roles import ADMIN, MEMBER
from tests.builders import DAY, HOUR, MINUTE, NOON, an_address, an_invitation
from tests.contract.given import NOT_A_CURSOR, SOMEBODY, events, founded, pages, reasons
from tests.contract.threads import MANY, at_once, tally


def waiting(database: Persistence, **changes: Any) -> Invitation:
    """In an organization of its own, unless one is named."""
    organization_id = changes.get("organization_id") or founded(database).id
    invitation = an_invitation(**{**changes, "organization_id": organization_id})
    put(database, invitation)
    return invitation


def put(database: Persistence, invitation: Invitation) -> Invitation | None:
    with database.unit_of_work() as uow:
        return uow.invitations.put(invitation)


def stored(database: Persistence, invitation: Invitation) -> Invitation | None:
    with database.autocommit() as reads:
        return reads.invitations.find(invitation.organization_id, invitation.id, at=NOON)


def of_address(database: Persistence, email: EmailAddress, *, limit: int = 100) -> list[Invitation]:
    with database.autocommit() as reads:
        return reads.invitations.of_address(email.digest, limit=limit, at=NOON)


def count(database: Persistence, organization_id: OrganizationId) -> int:
    with database.autocommit() as reads:
        return reads.invitations.count(organization_id, at=NOON)


def take(database: Persistence, invitation: Invitation, reason: EndOfInvitation = EndOfInvitation.ACCEPTED) -> bool:
    with database.unit_of_work() as uow:
        return uow.invitations.take(invitation.end(reason, at=NOON))


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    invitation = waiting(database)
    assert stored(database, invitation) == invitation
    assert of_address(database, invitation.email) == [invitation]
    with database.autocommit() as reads:
        page = reads.invitations.page(invitation.organization_id, limit=1, after=None, at=NOON)
    assert page == ([invitation], None)


def test_it_is_found_in_its_own_organization_only(database: Persistence) -> None:
    invitation, other = waiting(database), waiting(database)
    assert stored(database, replace(invitation, organization_id=other.organization_id)) is None
    assert stored(database, replace(invitation, id=InvitationId(uuid4()))) is None


def test_it_is_put_with_what_it_recorded(database: Persistence) -> None:
    organization = founded(database)
    invitation = Invitation.make(
        id=InvitationId(uuid4()),
        organization_id=organization.id,
        email=an_address(),
        role=MEMBER,
        by=SOMEBODY,
        lifetime=DAY,
        at=NOON,
    )
    assert put(database, invitation) is None
    assert events(database, organization.id) == [("invitation.created", invitation.id)]
    assert stored(database, invitation) == invitation


def test_an_address_has_one_in_an_organization_the_newest(database: Persistence) -> None:
    first = waiting(database)
    elsewhere = waiting(database, email=first.email)
    second = an_invitation(organization_id=first.organization_id, email=first.email, role=ADMIN)
    assert put(database, second) == first
    assert stored(database, first) is None
    assert stored(database, second) == second
    assert of_address(database, first.email) == [second, elsewhere]
    assert count(database, first.organization_id) == 1
    assert not take(database, first)
    assert reasons(database, first.organization_id) == {first.id: ("invitation.ended", "replaced")}
    assert stored(database, elsewhere) == elsewhere


def test_one_that_has_expired_gives_its_place_too(database: Persistence) -> None:
    first = waiting(database, expires_at=NOON)
    second = waiting(database, organization_id=first.organization_id, email=first.email)
    assert of_address(database, first.email) == [second]


def test_it_is_taken_once_with_what_it_recorded(database: Persistence) -> None:
    invitation = waiting(database)
    assert [take(database, invitation), take(database, invitation)] == [True, False]
    assert stored(database, invitation) is None
    assert of_address(database, invitation.email) == []
    assert count(database, invitation.organization_id) == 0
    assert events(database, invitation.organization_id) == [("invitation.ended", invitation.id)]
    assert reasons(database, invitation.organization_id) == {invitation.id: ("invitation.ended", "accepted")}


def test_who_was_invited_may_be_invited_again(database: Persistence) -> None:
    invitation = waiting(database)
    take(database, invitation, EndOfInvitation.DECLINED)
    again = an_invitation(organization_id=invitation.organization_id, email=invitation.email)
    assert put(database, again) is None
    assert of_address(database, invitation.email) == [again]


def test_an_expired_one_waits_no_more(database: Persistence) -> None:
    expired = waiting(database, expires_at=NOON)
    alive = waiting(database, organization_id=expired.organization_id, expires_at=NOON + MINUTE)
    assert stored(database, expired) is None
    assert of_address(database, expired.email) == []
    assert count(database, expired.organization_id) == 1
    with database.autocommit() as reads:
        assert reads.invitations.page(expired.organization_id, limit=5, after=None, at=NOON) == ([alive], None)


def test_those_that_wait_are_counted_for_each_organization(database: Persistence) -> None:
    organization = founded(database)
    for _ in range(3):
        waiting(database, organization_id=organization.id)
    waiting(database)
    assert (count(database, organization.id), count(database, founded(database).id)) == (3, 0)


def test_pages_show_every_one_that_waits_once_oldest_first(database: Persistence) -> None:
    organization = founded(database)
    invitations = [waiting(database, organization_id=organization.id) for _ in range(5)]
    waiting(database, organization_id=organization.id, expires_at=NOON - HOUR)
    waiting(database)
    with database.autocommit() as reads:
        found = pages(lambda after: reads.invitations.page(organization.id, limit=2, after=after, at=NOON))
    assert found == [invitations[:2], invitations[2:4], invitations[4:]]


@pytest.mark.parametrize("after", NOT_A_CURSOR)
def test_a_page_starts_only_where_another_ended(database: Persistence, after: str) -> None:
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.invitations.page(OrganizationId(uuid4()), limit=2, after=after, at=NOON)


def test_what_waits_for_an_address_is_told_newest_first_up_to_a_limit(database: Persistence) -> None:
    email = an_address()
    invitations = [waiting(database, email=email) for _ in range(3)]
    waiting(database)
    assert of_address(database, email) == invitations[::-1]
    assert of_address(database, email, limit=2) == invitations[:0:-1]
    assert of_address(database, an_address()) == []


def test_those_of_an_organization_are_voided_in_batches_without_an_event(database: Persistence) -> None:
    organization, other = founded(database), waiting(database)
    emails = [waiting(database, organization_id=organization.id, expires_at=NOON + n * DAY).email for n in range(5)]
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.invitations.void(organization.id, limit=2))
    assert removed == [2, 2, 1, 0]
    assert [of_address(database, email) for email in emails] == [[]] * 5
    assert stored(database, other) == other
    assert events(database, organization.id) == []


def test_expired_ones_are_swept_in_batches_without_an_event(database: Persistence) -> None:
    alive = waiting(database, expires_at=NOON + MINUTE)
    for number in range(5):
        waiting(database, organization_id=alive.organization_id, expires_at=NOON - number * DAY)
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.invitations.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert stored(database, alive) == alive
    assert of_address(database, alive.email) == [alive]
    assert events(database, alive.organization_id) == []


def test_what_was_swept_leaves_its_place(database: Persistence) -> None:
    expired = waiting(database, expires_at=NOON)
    with database.unit_of_work() as uow:
        assert uow.invitations.sweep(at=NOON, limit=2) == 1
    again = an_invitation(organization_id=expired.organization_id, email=expired.email)
    assert put(database, again) is None
    assert of_address(database, expired.email) == [again]


def test_of_many_who_take_an_invitation_one_gets_it(database: Persistence) -> None:
    invitation = waiting(database)
    assert tally(at_once(lambda _: take(database, invitation))) == {True: 1, False: MANY - 1}
    assert events(database, invitation.organization_id) == [("invitation.ended", invitation.id)]


def test_of_many_put_at_once_for_an_address_one_waits(database: Persistence) -> None:
    first = waiting(database)
    invitations = [an_invitation(organization_id=first.organization_id, email=first.email) for _ in range(MANY)]
    replaced = at_once(lambda number: put(database, invitations[number]))
    (left,) = of_address(database, first.email)
    assert {first, *invitations} - set(replaced) == {left}
    assert len(set(replaced)) == MANY
    assert count(database, first.organization_id) == 1
    assert reasons(database, first.organization_id).keys() == {each.id for each in (first, *invitations)} - {left.id}


def test_one_that_is_taken_while_another_takes_its_place_ends_once(database: Persistence) -> None:
    first = waiting(database)
    second = an_invitation(organization_id=first.organization_id, email=first.email)

    def act(number: int) -> object:
        return take(database, first) if number else put(database, second)

    outcomes = at_once(act, threads=2)
    assert outcomes in ([first, False], [None, True])
    assert of_address(database, first.email) == [second]
    assert [each for each in events(database, first.organization_id) if each[0] == "invitation.ended"] == [
        ("invitation.ended", first.id)
    ]
