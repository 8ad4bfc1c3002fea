import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import AccountId, OrganizationId
from domain.organizations import (
    DeletionUnconfirmed,
    InvalidSlug,
    Organization,
    OrganizationChanged,
    OrganizationDeleted,
    OrganizationMade,
    Slug,
    parse_slug,
    slug_of,
)
from tests.builders import HOUR, NOON

ID, ADA = OrganizationId(UUID(int=1)), AccountId(UUID(int=2))


def an_organization() -> Organization:
    return Organization.make(id=ID, name="Acme", slug=Slug("acme"), by=ADA, at=NOON)


@given(st.text())
def test_any_text_is_a_slug_or_refused(text: str) -> None:
    try:
        slug = parse_slug(text)
    except InvalidSlug:
        return
    assert slug == text
    assert re.fullmatch(r"[a-z0-9-]{3,40}", slug)
    assert slug.strip("-") == slug


@pytest.mark.parametrize("slug", ["abc", "a-1", "123", "a--b", "a" * 40])
def test_a_slug_has_letters_digits_and_inner_hyphens(slug: str) -> None:
    assert parse_slug(slug) == slug


@pytest.mark.parametrize("slug", ["", "ab", "a" * 41, "-ab", "ab-", "Abc", "a_b", "a b", "abc\n", "äbc", "a.b", "a/b"])
def test_what_is_no_slug_is_refused(slug: str) -> None:
    with pytest.raises(InvalidSlug) as refused:
        parse_slug(slug)
    assert refused.value.field == "slug"


@given(st.text(max_size=200), st.uuids())
def test_a_slug_that_is_made_of_a_name_is_a_slug(name: str, id: UUID) -> None:
    assert parse_slug(slug_of(name, id)) == slug_of(name, id)


@pytest.mark.parametrize(
    ("name", "words"),
    [("Löwe & Söhne", "lowe-sohne"), ("日本", "org"), ("--", "org"), ("a" * 50, "a" * 27), (f"{'a' * 26} b", "a" * 26)],
)
def test_a_slug_looks_like_the_name(name: str, words: str) -> None:
    assert slug_of(name, UUID(int=0xABC)) == f"{words}-000000000abc"


def test_one_name_gives_each_organization_a_slug_of_its_own() -> None:
    assert slug_of("Acme", UUID(int=1)) != slug_of("Acme", UUID(int=2))


def test_an_organization_that_is_made_is_live_and_remembered() -> None:
    organization = an_organization()
    assert organization.is_live
    assert (organization.name, organization.slug, organization.created_at) == ("Acme", "acme", NOON)
    assert organization.events == (OrganizationMade(organization_id=ID, by=ADA, at=NOON),)


@pytest.mark.parametrize(
    ("name", "slug", "requires_second_factor"),
    [("Acme Ltd", "acme", False), ("Acme", "acme-ltd", False), ("Acme", "acme", True), ("Other", "other", True)],
)
def test_what_is_given_changes(name: str, slug: str, requires_second_factor: bool) -> None:
    changed = an_organization().change(
        name=name, slug=Slug(slug), requires_second_factor=requires_second_factor, at=NOON + HOUR
    )
    assert (changed.name, changed.slug, changed.requires_second_factor) == (name, slug, requires_second_factor)
    assert changed.events[-1] == OrganizationChanged(organization_id=ID, at=NOON + HOUR)


def test_a_change_to_the_same_is_none() -> None:
    organization = an_organization()
    same = organization.change(name="Acme", slug=Slug("acme"), requires_second_factor=False, at=NOON + HOUR)
    assert same is organization


def test_a_new_organization_asks_nobody_for_a_second_factor() -> None:
    assert not an_organization().requires_second_factor


def test_who_deletes_it_repeats_the_slug() -> None:
    deleted = an_organization().delete(confirm="acme", by=ADA, at=NOON + HOUR)
    assert not deleted.is_live
    assert deleted.deleted_at == NOON + HOUR
    assert deleted.events[-1] == OrganizationDeleted(organization_id=ID, by=ADA, at=NOON + HOUR)


@pytest.mark.parametrize("confirm", [None, "", "Acme", "acme ", "acme2"])
def test_without_the_slug_nothing_is_deleted(confirm: str | None) -> None:
    with pytest.raises(DeletionUnconfirmed) as refused:
        an_organization().delete(confirm=confirm, by=ADA, at=NOON)
    assert refused.value.field == "confirm"
