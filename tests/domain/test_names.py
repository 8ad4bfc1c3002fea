"""One rule for what people call things, and each kind of thing follows it."""

import time
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import InvalidDisplayName, parse_display_name
from domain.api_keys import InvalidApiKey, parse_key_name
from domain.kernel import Invalid
from domain.names import visible
from domain.organizations import InvalidOrganizationName, parse_organization_name
from domain.passkeys import InvalidPasskeyName, parse_passkey_name
from domain.permissions import Catalogue, CatalogueInvalid, Permission
from domain.roles import InvalidRole, parse_role_description
from domain.service_accounts import InvalidServiceAccount, parse_service_account_name


@given(st.text(max_size=120))
def test_any_text_is_kept_in_its_final_form_or_refused(raw: str) -> None:
    text = visible(raw, most=100)
    if text is not None:
        assert visible(text, most=100) == text
        assert unicodedata.is_normalized("NFC", text)
        assert len(text) <= 100
        text.encode()


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("", ""),
        (" \u3000\n", ""),
        ("  Ada Lovelace\t", "Ada Lovelace"),
        ("Zoe\u0308", "Zoë"),
        ("엘리자베스", "엘리자베스"),
        ("日本\u3000商社", "日本\u3000商社"),
        ("👩\u200d💻 Ada", "👩\u200d💻 Ada"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<b>Löwe</b> & 'Söhne'", "<b>Löwe</b> & 'Söhne'"),
        ("🔑", "🔑"),
        (" " * 1000 + "Ada", "Ada"),
    ],
)
def test_it_is_kept_as_people_write_it(raw: str, kept: str) -> None:
    assert visible(raw, most=100) == kept


@pytest.mark.parametrize(
    "odd",
    [
        *("\0", "\n", "\r\n", "\x1b", "\x1b[31m", "\x7f", "\x85"),
        *("\u200b", "\u202e", "\u2066", "\ufeff", "\u2028", "\u2029"),
        *("\ud800", "\ue000", "\uffff", "\u0378"),
    ],
    ids=ascii,
)
def test_one_character_that_cannot_be_seen_is_enough_to_refuse_it(odd: str) -> None:
    assert visible(f"Ada{odd}Lovelace", most=100) is None


@pytest.mark.parametrize(
    "nothing", ["\u200d", "\u200c\u200d \u200c", "\u3164", "\u2800\u2800", "\ufe0f", "\u0301"], ids=ascii
)
def test_what_shows_nothing_is_refused_by_whatever_characters(nothing: str) -> None:
    assert visible(nothing, most=100) is None
    assert visible(nothing + "A" + nothing, most=100) is not None


def test_the_length_is_counted_after_nfc() -> None:
    longest = "\u1f82" * 100  # each is four characters before NFC: the most there is
    assert visible(unicodedata.normalize("NFD", longest), most=100) == longest
    for too_long in (longest + "a", "a" * 101, "e\u0301" * 101):
        assert visible(too_long, most=100) is None


@pytest.mark.parametrize("character", ["\u0301\u0323", "ü", "a"])
def test_a_crafted_megabyte_is_refused_at_once(character: str) -> None:
    started = time.perf_counter()
    assert visible(character * 5_000_000, most=100) is None
    assert time.perf_counter() - started < 2


class Named(NamedTuple):
    parse: Callable[[str], str]
    refusal: type[Invalid]
    field: str | None = "name"
    most: int = 100
    may_be_empty: bool = False


def parse_catalogue_description(raw: str) -> str:
    return Catalogue.declare({"invoices:read": raw}).permissions[Permission("invoices:read")]


EVERYTHING = {
    "account": Named(parse_display_name, InvalidDisplayName, "display_name", may_be_empty=True),
    "organization": Named(parse_organization_name, InvalidOrganizationName),
    "passkey": Named(parse_passkey_name, InvalidPasskeyName),
    "key": Named(parse_key_name, InvalidApiKey),
    "service account": Named(parse_service_account_name, InvalidServiceAccount),
    "role": Named(parse_role_description, InvalidRole, "description", 200, may_be_empty=True),
    "permission": Named(parse_catalogue_description, CatalogueInvalid, None, 200, may_be_empty=True),
}


@pytest.mark.parametrize("named", EVERYTHING.values(), ids=EVERYTHING)
def test_every_thing_is_called_by_the_one_rule(named: Named) -> None:
    assert named.parse("  Lo\u0308we 👩\u200d🌾 ") == "Löwe 👩\u200d🌾"
    assert named.parse("x" * named.most)
    for raw in ("x" * (named.most + 1), "a\nb", "a\u202eb", "\u200d", "\ud800"):
        with pytest.raises(named.refusal) as refused:
            named.parse(raw)
        assert refused.value.field == named.field


@pytest.mark.parametrize("named", EVERYTHING.values(), ids=EVERYTHING)
def test_only_what_needs_no_name_may_have_an_empty_one(named: Named) -> None:
    for raw in ("", "  "):
        if named.may_be_empty:
            assert named.parse(raw) == ""
        else:
            with pytest.raises(named.refusal):
                named.parse(raw)
