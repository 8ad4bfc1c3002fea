from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.kernel import CursorInvalid, OrganizationId, ServiceAccountId, Stale
from domain.roles import ADMIN, MEMBER
from domain.service_accounts import ServiceAccount
from tests.builders import NOON, a_service_account
from tests.contract.given import NOT_A_CURSOR, SOMEBODY, events, founded, pages
from tests.contract.threads import MANY, at_once, tally


def kept(database: Persistence, **changes: Any) -> ServiceAccount:
    """In an organization of its own, unless one is named."""
    organization_id = changes.get("organization_id") or founded(database).id
    service_account = a_service_account(**{**changes, "organization_id": organization_id})
    with database.unit_of_work() as uow:
        uow.service_accounts.add(service_account)
    return service_account


def stored(database: Persistence, service_account: ServiceAccount) -> ServiceAccount | None:
    with database.autocommit() as reads:
        return reads.service_accounts.find(service_account.organization_id, service_account.id)


def save(database: Persistence, service_account: ServiceAccount) -> None:
    with database.unit_of_work() as uow:
        uow.service_accounts.save(service_account)


def remove(database: Persistence, service_account: ServiceAccount) -> bool:
    with database.unit_of_work() as uow:
        return uow.service_accounts.remove(service_account.delete(at=NOON))


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    service_account = kept(database, display_name="ü" * 100)
    assert stored(database, service_account) == service_account


def test_it_is_found_in_its_own_organization_only(database: Persistence) -> None:
    service_account, other = kept(database), kept(database)
    assert stored(database, replace(service_account, organization_id=other.organization_id)) is None
    assert stored(database, replace(service_account, id=ServiceAccountId(uuid4()))) is None


def test_what_it_recorded_is_an_event_of_the_organization(database: Persistence) -> None:
    organization = founded(database)
    made = ServiceAccount.make(
        id=ServiceAccountId(uuid4()),
        organization_id=organization.id,
        display_name="Nightly",
        role=MEMBER,
        by=SOMEBODY,
        at=NOON,
    )
    with database.unit_of_work() as uow:
        uow.service_accounts.add(made)
    found = stored(database, made)
    assert found == made
    save(database, found.change(display_name="Daily", role=MEMBER, at=NOON))
    remove(database, found)
    assert events(database, organization.id) == [
        ("service_account.created", made.id),
        ("service_account.changed", made.id),
        ("service_account.deleted", made.id),
    ]


def test_a_save_changes_it_and_counts(database: Persistence) -> None:
    service_account = kept(database)
    save(database, service_account.change(display_name="Daily", role=ADMIN, at=NOON))
    assert stored(database, service_account) == replace(service_account, display_name="Daily", role=ADMIN, version=1)


def test_a_stale_save_is_refused(database: Persistence) -> None:
    service_account = kept(database)
    changed = service_account.change(display_name="Daily", role=MEMBER, at=NOON)
    save(database, changed)
    for stale in (changed, a_service_account()):
        with pytest.raises(Stale):
            save(database, stale)
    assert len(events(database, service_account.organization_id)) == 1


def test_it_is_removed_once_with_what_it_recorded(database: Persistence) -> None:
    service_account = kept(database)
    other = kept(database, organization_id=service_account.organization_id)
    assert [remove(database, service_account), remove(database, service_account)] == [True, False]
    assert (stored(database, service_account), stored(database, other)) == (None, other)
    assert events(database, service_account.organization_id) == [("service_account.deleted", service_account.id)]


def test_they_are_counted_for_each_organization(database: Persistence) -> None:
    organization = founded(database)
    for _ in range(3):
        kept(database, organization_id=organization.id)
    kept(database)
    with database.autocommit() as reads:
        assert reads.service_accounts.count(organization.id) == 3
        assert reads.service_accounts.count(OrganizationId(uuid4())) == 0


def test_pages_show_every_one_once_oldest_first(database: Persistence) -> None:
    organization = founded(database)
    service_accounts = [kept(database, organization_id=organization.id) for _ in range(4)]
    kept(database)
    with database.autocommit() as reads:
        found = pages(lambda after: reads.service_accounts.page(organization.id, limit=3, after=after))
    assert found == [service_accounts[:3], service_accounts[3:]]


@pytest.mark.parametrize("after", NOT_A_CURSOR)
def test_a_page_starts_only_where_another_ended(database: Persistence, after: str) -> None:
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.service_accounts.page(OrganizationId(uuid4()), limit=2, after=after)


def test_all_of_an_organization_are_voided_without_a_word(database: Persistence) -> None:
    service_account, other = kept(database), kept(database)
    kept(database, organization_id=service_account.organization_id)
    with database.unit_of_work() as uow:
        uow.service_accounts.void(service_account.organization_id)
        assert uow.service_accounts.count(service_account.organization_id) == 0
    assert stored(database, other) == other
    assert events(database, service_account.organization_id) == []


def test_of_many_who_remove_one_one_does(database: Persistence) -> None:
    service_account = kept(database)
    assert tally(at_once(lambda _: remove(database, service_account))) == {True: 1, False: MANY - 1}


def test_of_many_saves_of_what_all_have_read_one_counts(database: Persistence) -> None:
    service_account = kept(database)

    def rename(number: int) -> None:
        save(database, service_account.change(display_name=f"{number}", role=MEMBER, at=NOON))

    assert tally(at_once(rename)) == {None: 1, Stale: MANY - 1}
