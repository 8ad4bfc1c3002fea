from dataclasses import replace
from uuid import uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.kernel import DomainError, OrganizationId, Stale
from domain.organizations import Organization, OrganizationMade, OrganizationNotFound, Slug, SlugTaken
from tests.builders import MINUTE, NOON, an_organization
from tests.contract.given import SOMEBODY, deleted, events, founded
from tests.contract.threads import MANY, at_once, tally


def stored(database: Persistence, id: OrganizationId) -> Organization:
    with database.autocommit() as reads:
        return reads.organizations.get(id)


def save(database: Persistence, organization: Organization) -> None:
    with database.unit_of_work() as uow:
        uow.organizations.save(organization)


def changed(
    organization: Organization,
    *,
    name: str | None = None,
    slug: Slug | None = None,
    requires_second_factor: bool = True,
) -> Organization:
    return organization.change(
        name=name or organization.name,
        slug=slug or organization.slug,
        requires_second_factor=requires_second_factor,
        at=NOON,
    )


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    organization = founded(database)
    assert stored(database, organization.id) == organization
    with database.unit_of_work() as uow:
        assert uow.organizations.lock(organization.id) == organization
    with database.autocommit() as reads:
        assert reads.organizations.some([organization.id]) == {organization.id: organization}


def test_the_time_of_its_end_survives_the_round_trip(database: Persistence) -> None:
    organization = founded(database)
    deleted(database, organization)
    with database.autocommit() as reads:
        assert reads.organizations.deleted(limit=2) == [replace(organization, deleted_at=NOON, version=1)]


def test_an_unknown_one_is_not_found(database: Persistence) -> None:
    unknown = OrganizationId(uuid4())
    with database.unit_of_work() as uow:
        for read in (uow.organizations.get, uow.organizations.lock):
            with pytest.raises(OrganizationNotFound):
                read(unknown)
        assert uow.organizations.some([unknown]) == {}
        assert uow.organizations.some([]) == {}


def test_it_is_added_with_what_it_recorded(database: Persistence) -> None:
    organization = an_organization()
    made = OrganizationMade(organization_id=organization.id, by=SOMEBODY, at=NOON)
    with database.unit_of_work() as uow:
        uow.organizations.add(replace(organization, events=(made,)))
    assert stored(database, organization.id).events == ()
    assert events(database, organization.id) == [("organization.created", organization.id)]


def test_some_are_read_at_once_and_no_others(database: Persistence) -> None:
    one, another, _ = (founded(database) for _ in range(3))
    with database.autocommit() as reads:
        found = reads.organizations.some({one.id, another.id, OrganizationId(uuid4())})
    assert found == {one.id: one, another.id: another}


def test_a_slug_has_one_organization(database: Persistence) -> None:
    organization = founded(database)
    other = an_organization(slug=organization.slug)
    with pytest.raises(SlugTaken):
        founded(database, id=other.id, slug=other.slug)
    with pytest.raises(OrganizationNotFound):
        stored(database, other.id)


def test_a_transaction_goes_on_after_a_slug_was_taken(database: Persistence) -> None:
    organization, another = founded(database), an_organization()
    with database.unit_of_work() as uow:
        with pytest.raises(SlugTaken):
            uow.organizations.add(an_organization(slug=organization.slug))
        uow.organizations.add(another)
    assert stored(database, another.id) == another


def test_a_save_changes_it_and_counts(database: Persistence) -> None:
    organization = founded(database)
    save(database, changed(organization, name="Lovelace Ltd", slug=Slug("lovelace"), requires_second_factor=False))
    assert stored(database, organization.id) == replace(
        organization, name="Lovelace Ltd", slug=Slug("lovelace"), requires_second_factor=False, version=1
    )
    assert events(database, organization.id) == [("organization.changed", organization.id)]


def test_a_stale_save_is_refused(database: Persistence) -> None:
    organization = founded(database)
    renamed = changed(organization, name="First")
    save(database, renamed)
    for stale in (renamed, an_organization()):
        with pytest.raises(Stale):
            save(database, stale)
    assert events(database, organization.id) == [("organization.changed", organization.id)]


def test_a_slug_that_another_has_cannot_be_changed_to(database: Persistence) -> None:
    organization, other = founded(database), founded(database)
    with pytest.raises(SlugTaken):
        save(database, changed(organization, slug=other.slug))
    assert stored(database, organization.id) == organization


def test_the_slug_before_a_change_is_free_at_once(database: Persistence) -> None:
    organization = founded(database, slug=Slug("before"))
    save(database, changed(organization, slug=Slug("after")))
    assert founded(database, slug=Slug("before"))
    with pytest.raises(SlugTaken):
        founded(database, slug=Slug("after"))


def test_a_stale_change_of_the_slug_claims_none(database: Persistence) -> None:
    organization = founded(database)
    save(database, changed(organization, name="First"))
    with pytest.raises(Stale):
        save(database, changed(organization, name="Second", slug=Slug("second")))
    assert founded(database, slug=Slug("second"))


def test_a_deleted_one_is_found_no_more_and_gives_its_slug_back(database: Persistence) -> None:
    organization = founded(database)
    deleted(database, organization)
    with database.unit_of_work() as uow:
        for read in (uow.organizations.get, uow.organizations.lock):
            with pytest.raises(OrganizationNotFound):
                read(organization.id)
        assert uow.organizations.some([organization.id]) == {}
    assert events(database, organization.id) == [("organization.deleted", organization.id)]
    heir = founded(database, slug=organization.slug)
    assert stored(database, heir.id) == heir


def test_what_was_deleted_first_is_removed_first(database: Persistence) -> None:
    first, second, third = (founded(database) for _ in range(3))
    order = [third, first, second]
    for number, organization in enumerate(order):
        save(database, organization.delete(confirm=organization.slug, by=SOMEBODY, at=NOON + number * MINUTE))
    with database.unit_of_work() as uow:
        assert [each.id for each in uow.organizations.deleted(limit=5)] == [each.id for each in order]
        assert [each.id for each in uow.organizations.deleted(limit=2)] == [third.id, first.id]


def test_one_that_is_live_is_not_removed(database: Persistence) -> None:
    organization = founded(database)
    with database.unit_of_work() as uow:
        uow.organizations.remove(organization.id)
    assert stored(database, organization.id) == organization


def test_what_was_deleted_is_found_until_it_is_removed_and_the_slug_stays_its_heirs(database: Persistence) -> None:
    first, second, live = (founded(database) for _ in range(3))
    deleted(database, first)
    deleted(database, second)
    heir = founded(database, slug=first.slug)
    with database.unit_of_work() as uow:
        assert {each.id for each in uow.organizations.deleted(limit=5)} == {first.id, second.id}
        assert len(uow.organizations.deleted(limit=1)) == 1
        uow.organizations.remove(first.id)
        assert [each.id for each in uow.organizations.deleted(limit=5)] == [second.id]
    assert stored(database, live.id) == live
    with pytest.raises(SlugTaken):
        founded(database, slug=heir.slug)


def test_of_many_who_claim_a_slug_one_gets_it(database: Persistence) -> None:
    claims = [an_organization(slug=Slug("wanted")) for _ in range(MANY)]

    def claim(number: int) -> None:
        with database.unit_of_work() as uow:
            uow.organizations.add(claims[number])

    assert tally(at_once(claim)) == {None: 1, SlugTaken: MANY - 1}
    with database.autocommit() as reads:
        assert len(reads.organizations.some({each.id for each in claims})) == 1


def test_of_many_who_change_to_a_slug_one_gets_it(database: Persistence) -> None:
    organizations = [founded(database) for _ in range(MANY)]

    def change(number: int) -> None:
        save(database, changed(organizations[number], name="Wanted", slug=Slug("wanted")))

    assert tally(at_once(change)) == {None: 1, SlugTaken: MANY - 1}


def test_of_many_saves_of_what_all_have_read_one_counts(database: Persistence) -> None:
    organization = founded(database)

    def rename(number: int) -> None:
        save(database, changed(organization, name=f"Number {number}"))

    outcomes: dict[type[DomainError | Stale] | None, int] = tally(at_once(rename))
    assert outcomes == {None: 1, Stale: MANY - 1}
    assert stored(database, organization.id).version == 1


def test_who_locked_it_sees_what_who_held_it_before_left(database: Persistence) -> None:
    organization = founded(database)

    def append(_: int) -> None:
        with database.unit_of_work() as uow:
            found = uow.organizations.lock(organization.id)
            uow.organizations.save(changed(found, name=f"{found.name}+"))

    assert tally(at_once(append)) == {None: MANY}
    assert stored(database, organization.id).name == organization.name + MANY * "+"
