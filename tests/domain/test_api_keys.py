import string
import zlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.api_keys import (
    ApiKey,
    ApiKeyDamaged,
    ApiKeyEnded,
    ApiKeyMade,
    ApiKeyRotated,
    ApiKeySecret,
    EndOfKey,
    InvalidApiKey,
    KeyKind,
)
from domain.kernel import AccountId, ApiKeyId, OrganizationId
from domain.permissions import MEMBERS_READ
from tests.builders import DAY, HOUR, MINUTE, NOON

ID, ADA, ORGANIZATION = ApiKeyId(UUID(int=1)), AccountId(UUID(int=2)), OrganizationId(UUID(int=3))
TICK = timedelta(microseconds=1)
SCOPES = frozenset({MEMBERS_READ})

secrets = st.builds(
    ApiKeySecret.make,
    kind=st.sampled_from(KeyKind),
    id=st.uuids().map(ApiKeyId),
    owner_id=st.uuids(),
    random=st.binary(min_size=32, max_size=32),
)


def a_secret(random: bytes = b"r" * 32) -> ApiKeySecret:
    return ApiKeySecret.make(kind=KeyKind.PERSONAL, id=ID, owner_id=ADA, random=random)


def a_key(**changes: Any) -> ApiKey:
    given: dict[str, Any] = {
        "secret": a_secret(),
        "digest": "first",
        "service_account_id": None,
        "organization_id": ORGANIZATION,
        "display_name": "Laptop",
        "scopes": SCOPES,
        "expires_at": None,
        "by": ADA,
        "at": NOON,
    }
    return ApiKey.make(**{**given, **changes})


def is_damaged(text: str) -> bool:
    try:
        ApiKeySecret.parse(text)
    except ApiKeyDamaged:
        return True
    return False


# ---- secrets


@given(secrets)
def test_a_secret_says_what_it_is_and_whose(secret: ApiKeySecret) -> None:
    assert ApiKeySecret.is_meant(secret.text)
    assert ApiKeySecret.parse(secret.text) == secret
    assert len(secret.text) == 99
    assert set(secret.text) <= set(string.ascii_letters + string.digits + "_")


@pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
def test_the_smallest_and_the_largest_are_as_long_as_any(byte: bytes) -> None:
    whose = UUID(bytes=byte * 16)
    secret = ApiKeySecret.make(kind=KeyKind.SERVICE, id=ApiKeyId(whose), owner_id=whose, random=byte * 32)
    assert ApiKeySecret.parse(secret.text) == secret


def test_the_kind_can_be_seen() -> None:
    assert a_secret().text.startswith("ptc_u_")
    of_service = ApiKeySecret.make(kind=KeyKind.SERVICE, id=ID, owner_id=ORGANIZATION, random=b"r" * 32)
    assert of_service.text.startswith("ptc_s_")


@given(secrets, st.integers(0, 98), st.characters())
def test_any_single_changed_character_is_noticed(secret: ApiKeySecret, at: int, character: str) -> None:
    changed = secret.text[:at] + character + secret.text[at + 1 :]
    assert is_damaged(changed) is (changed != secret.text)


@given(secrets, st.integers(0, 98))
def test_a_secret_that_was_cut_is_noticed(secret: ApiKeySecret, length: int) -> None:
    assert is_damaged(secret.text[:length])
    assert is_damaged(secret.text[-length:] if length else "")


@given(secrets, st.text(min_size=1))
def test_a_secret_that_was_lengthened_is_noticed(secret: ApiKeySecret, more: str) -> None:
    assert is_damaged(secret.text + more)
    assert is_damaged(more + secret.text)


@given(secrets, st.integers(0, 97))
def test_two_characters_that_changed_places_are_noticed(secret: ApiKeySecret, at: int) -> None:
    text = secret.text
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    assert is_damaged(swapped) is (swapped != text)


@given(st.text() | st.text(min_size=99, max_size=99) | st.text(min_size=93, max_size=93).map("ptc_u_{}".format))
def test_any_text_is_damaged_and_nothing_worse(text: str) -> None:
    assert is_damaged(text)


def test_another_prefix_is_damaged_whatever_its_checksum() -> None:
    secret = a_secret()
    assert is_damaged("\ud800" + secret.text[1:])
    assert not ApiKeySecret.is_meant("xtc_" + secret.text[4:])


def test_an_id_that_is_none_is_damaged_though_its_checksum_is_right() -> None:
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    body = "ptc_u_" + "z" * 22 + a_secret().text[28:93]
    number, checksum = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        checksum = digits[digit] + checksum
    assert is_damaged(body + checksum)


@given(secrets)
def test_what_may_be_shown_gives_nothing_random_away(secret: ApiKeySecret) -> None:
    assert secret.text.startswith(secret.prefix)
    other = ApiKeySecret.make(kind=secret.kind, id=secret.id, owner_id=secret.owner_id, random=b"o" * 32)
    assert secret.prefix == other.prefix
    assert secret.text not in repr(secret)


# ---- keys


def test_a_key_that_is_made_is_remembered_without_its_secret() -> None:
    key = a_key()
    assert (key.id, key.owner_id, key.kind, key.prefix) == (ID, ADA, KeyKind.PERSONAL, a_secret().prefix)
    assert (key.scopes, key.organization_id, key.last_used_at) == (SCOPES, ORGANIZATION, None)
    assert key.events == (ApiKeyMade(key_id=ID, owner_id=ADA, organization_id=ORGANIZATION, by=ADA, at=NOON),)
    assert "first" not in repr(key)


@pytest.mark.parametrize("expires_at", [NOON, NOON - TICK, NOON - DAY])
def test_a_key_that_would_have_expired_is_not_made(expires_at: datetime) -> None:
    with pytest.raises(InvalidApiKey) as refused:
        a_key(expires_at=expires_at)
    assert refused.value.field == "expires_at"


def test_scopes_and_an_organization_come_together_or_not_at_all() -> None:
    assert a_key(organization_id=None, scopes=frozenset()).scopes == frozenset()
    for organization_id, scopes in ((None, SCOPES), (ORGANIZATION, frozenset())):
        with pytest.raises(InvalidApiKey) as refused:
            a_key(organization_id=organization_id, scopes=scopes)
        assert refused.value.field == "scopes"


def test_a_key_lives_until_it_expires_and_for_good_without_an_expiry() -> None:
    assert a_key().is_live(NOON + 10_000 * DAY)
    key = a_key(expires_at=NOON + HOUR)
    assert key.is_live(NOON + HOUR - TICK)
    assert not key.is_live(NOON + HOUR)


def test_after_a_rotation_both_secrets_open_it_while_they_overlap() -> None:
    key = a_key()
    assert key.digests(NOON) == ("first",)
    rotated = key.rotate(a_secret(b"s" * 32), "second", overlap=DAY, by=ADA, at=NOON)
    assert rotated.digests(NOON) == ("second", "first")
    assert rotated.digests(NOON + DAY - TICK) == ("second", "first")
    assert rotated.digests(NOON + DAY) == ("second",)
    assert rotated.events[-1] == ApiKeyRotated(key_id=ID, owner_id=ADA, organization_id=ORGANIZATION, by=ADA, at=NOON)


def test_of_any_number_of_secrets_the_newest_two_open_it() -> None:
    key = a_key()
    for digest in ("second", "third"):
        key = key.rotate(a_secret(), digest, overlap=DAY, by=ADA, at=NOON)
    assert key.digests(NOON) == ("third", "second")


def test_a_rotation_without_overlap_ends_the_old_secret_at_once() -> None:
    rotated = a_key().rotate(a_secret(), "second", overlap=timedelta(0), by=ADA, at=NOON)
    assert rotated.digests(NOON) == ("second",)


def test_a_rotation_changes_neither_what_it_may_do_nor_its_end() -> None:
    key = a_key(expires_at=NOON + HOUR)
    rotated = key.rotate(a_secret(), "second", overlap=DAY, by=ADA, at=NOON)
    assert (rotated.scopes, rotated.organization_id, rotated.expires_at) == (SCOPES, ORGANIZATION, NOON + HOUR)
    assert not rotated.is_live(NOON + HOUR)


def test_a_use_is_worth_noting_once_a_minute() -> None:
    key = a_key()
    assert key.is_use_worth_noting(NOON)
    used = replace(key, last_used_at=NOON)
    assert not used.is_use_worth_noting(NOON + MINUTE - TICK)
    assert used.is_use_worth_noting(NOON + MINUTE)


@pytest.mark.parametrize("reason", EndOfKey)
def test_an_end_says_why(reason: EndOfKey) -> None:
    assert a_key().end(reason, at=NOON + HOUR).events[-1] == ApiKeyEnded(
        key_id=ID, owner_id=ADA, organization_id=ORGANIZATION, reason=reason, at=NOON + HOUR
    )
