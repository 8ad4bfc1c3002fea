import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.permissions import (
    MEMBERS_READ,
    ORGANIZATION_DELETE,
    ORGANIZATION_READ,
    OWN,
    Catalogue,
    CatalogueChanges,
    CatalogueInvalid,
    Permission,
    PermissionInvalid,
    PermissionUnknown,
    parse_permission,
    resource_of,
)

INVOICES = {"invoices:read": "See invoices", "invoices:send": "Send invoices", "orders:read": "See orders"}
READ, SEND, ORDERS = map(Permission, INVOICES)

words = st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True)
names = st.builds("{}:{}".format, words, words).filter(
    lambda name: resource_of(Permission(name)) not in {resource_of(own) for own in OWN}
)
texts = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    declared: Mapping[str, str] = draw(st.dictionaries(names, texts, max_size=5))
    some = st.sets(st.sampled_from(sorted(declared))) if declared else st.just(set())
    return Catalogue.declare(declared, of_admin=draw(some), of_member=draw(some))


@given(words, words)
def test_a_permission_is_a_resource_and_an_action(resource: str, action: str) -> None:
    permission = parse_permission(f"{resource}:{action}")
    assert permission == f"{resource}:{action}"
    assert resource_of(permission) == resource


@given(st.text())
def test_any_text_is_a_permission_or_refused(text: str) -> None:
    try:
        permission = parse_permission(text)
    except PermissionInvalid:
        return
    assert permission == text
    assert re.fullmatch(r"[a-z0-9_-]{1,40}:[a-z0-9_-]{1,40}", text)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        ":",
        "invoices",
        "invoices:",
        ":send",
        "invoices:send:all",
        "Invoices:send",
        "invoices:*",
        " invoices:send",
        "invoices:send\n",
        "1nvoices:send",
        "invoices:-send",
        f"{'a' * 41}:send",
        f"invoices:{'a' * 41}",
        "invöices:send",
    ],
)
def test_what_is_no_permission_is_refused_with_the_field_it_came_in(raw: str) -> None:
    with pytest.raises(PermissionInvalid) as refused:
        parse_permission(raw, field="scope")
    assert refused.value.field == "scope"


def test_porticos_own_permissions_are_permissions_and_say_what_they_are_for() -> None:
    for permission, text in OWN.items():
        assert parse_permission(permission) == permission
        assert text


def test_without_a_declaration_the_catalogue_is_porticos_own() -> None:
    assert Catalogue() == Catalogue.declare({})
    assert Catalogue().permissions == OWN


def test_an_admin_may_do_all_of_porticos_own_but_delete_the_organization_and_a_member_may_look() -> None:
    catalogue = Catalogue()
    assert catalogue.of_admin == OWN.keys() - {ORGANIZATION_DELETE}
    assert {ORGANIZATION_READ, MEMBERS_READ} <= catalogue.of_member < catalogue.of_admin


def test_what_a_backend_declares_stands_beside_porticos_own() -> None:
    catalogue = Catalogue.declare(INVOICES, of_admin=["invoices:*"], of_member=["invoices:read"])
    assert catalogue.permissions.items() == OWN.items() | INVOICES.items()
    assert list(catalogue.permissions) == sorted(catalogue.permissions)
    assert catalogue.of_admin - Catalogue().of_admin == {READ, SEND}
    assert catalogue.of_member - Catalogue().of_member == {READ}


def test_a_role_may_be_given_of_porticos_own_as_well() -> None:
    catalogue = Catalogue.declare({}, of_admin=["organization:*"], of_member=["invitations:manage"])
    assert catalogue.of_admin == OWN.keys()
    assert "invitations:manage" in catalogue.of_member


@pytest.mark.parametrize("name", ["members:promote", "organization:read", "api_keys:steal"])
def test_porticos_own_resources_are_taken(name: str) -> None:
    with pytest.raises(CatalogueInvalid, match=name):
        Catalogue.declare({name: "Ours now"})


@pytest.mark.parametrize("granted", ["orders:send", "parcels:*", "*", "*:*", "*:read", "invoices", "invoices:re*", ""])
def test_a_role_grants_only_what_is_declared(granted: str) -> None:
    for of in ("of_admin", "of_member"):
        with pytest.raises(CatalogueInvalid, match="does not declare"):
            Catalogue.declare(INVOICES, **{of: [granted]})


def test_a_declared_name_must_be_a_permission() -> None:
    with pytest.raises(PermissionInvalid):
        Catalogue.declare({"invoices:*": "All of it"})


def test_what_the_catalogue_lacks_is_unknown_and_named() -> None:
    catalogue = Catalogue.declare(INVOICES)
    assert catalogue.known(["invoices:read", "members:read", "invoices:read"]) == {READ, MEMBERS_READ}
    assert catalogue.known([]) == frozenset()
    with pytest.raises(PermissionUnknown, match=r": a:a, b:b\.") as refused:
        catalogue.known(["b:b", "invoices:read", "a:a"], field="scopes")
    assert refused.value.field == "scopes"


def test_of_many_unknown_ones_ten_are_named() -> None:
    with pytest.raises(PermissionUnknown) as refused:
        Catalogue().known(f"parcels:send{number:02}" for number in range(50))
    assert refused.value.detail.count("parcels:") == 10


@given(catalogues())
def test_between_equal_catalogues_nothing_changes(catalogue: Catalogue) -> None:
    again = Catalogue(
        permissions=dict(sorted(catalogue.permissions.items(), reverse=True)),
        of_admin=catalogue.of_admin,
        of_member=catalogue.of_member,
    )
    assert not CatalogueChanges.between(catalogue, again)


@given(catalogues(), catalogues())
def test_the_changes_lead_from_the_one_catalogue_to_the_other(before: Catalogue, after: Catalogue) -> None:
    changes = CatalogueChanges.between(before, after)
    assert bool(changes) is (before != after)
    assert (before.permissions.keys() | set(changes.added)) - set(changes.removed) == after.permissions.keys()
    for role, had, has in (("admin", before.of_admin, after.of_admin), ("member", before.of_member, after.of_member)):
        granted, withdrawn = (
            {each for name, each in of if name == role} for of in (changes.granted, changes.withdrawn)
        )
        assert (had | granted) - withdrawn == has
    for name in before.permissions.keys() & after.permissions.keys():
        assert (name in changes.described_anew) is (before.permissions[name] != after.permissions[name])


def test_changes_are_told_in_the_order_of_the_alphabet() -> None:
    before = Catalogue.declare(INVOICES, of_member=["orders:read"])
    after = Catalogue.declare({"orders:read": "See all orders", "a:b": "", "a:a": ""}, of_admin=["a:b", "a:a"])
    changes = CatalogueChanges.between(before, after)
    assert changes.added == ("a:a", "a:b")
    assert changes.removed == (READ, SEND)
    assert changes.described_anew == (ORDERS,)
    assert changes.granted == (("admin", "a:a"), ("admin", "a:b"))
    assert changes.withdrawn == (("member", ORDERS),)
