import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.opaque_tokens import HmacTokens
from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from domain.one_time_tokens import Purpose

SECRET, NEXT_SECRET = "a secret of this test, long enough", "another secret of this test, long enough"
HASHER = HmacSecretHasher(SecretKeys(SECRET))
KEY = "ptc_u_" + "x" * 93


def test_a_secret_matches_its_own_hash_and_no_other() -> None:
    assert HASHER.verify(KEY, HASHER.hash(KEY))
    assert not HASHER.verify(KEY, HASHER.hash(KEY[:-1] + "y"))
    assert not HASHER.verify(KEY + " ", HASHER.hash(KEY))
    assert not HASHER.verify("", HASHER.hash(KEY))


def test_a_hash_fits_its_column_and_shows_nothing() -> None:
    hash = HASHER.hash(KEY)
    assert len(hash) <= 100
    assert "xxx" not in hash
    assert hash == HmacSecretHasher(SecretKeys(SECRET)).hash(KEY), "every process makes the same"


def test_without_the_key_of_the_installation_the_same_secret_has_another_hash() -> None:
    assert HASHER.hash(KEY) != HmacSecretHasher(SecretKeys(NEXT_SECRET)).hash(KEY)


def test_an_old_key_still_verifies_and_the_present_one_hashes() -> None:
    old = HASHER.hash(KEY)
    both = HmacSecretHasher(SecretKeys(NEXT_SECRET, [SECRET]))
    assert both.verify(KEY, old)
    assert not both.verify(KEY + "x", old)
    assert both.hash(KEY) == HmacSecretHasher(SecretKeys(NEXT_SECRET)).hash(KEY)


def test_a_hash_of_an_old_key_is_outdated_and_so_is_what_is_none() -> None:
    both = HmacSecretHasher(SecretKeys(NEXT_SECRET, [SECRET]))
    assert both.is_outdated(HASHER.hash(KEY))
    assert not both.is_outdated(both.hash(KEY))
    assert both.is_outdated("no hash")
    assert both.is_outdated("")


def test_a_key_that_is_not_configured_any_more_verifies_nothing() -> None:
    assert not HmacSecretHasher(SecretKeys(NEXT_SECRET)).verify(KEY, HASHER.hash(KEY))


def test_no_character_of_a_hash_can_be_changed_added_or_left_out() -> None:
    hash = HASHER.hash(KEY)
    for place in range(len(hash)):
        for other in "AZaz09-_=.+/ \n\0é\ud800":
            if other != hash[place]:
                assert not HASHER.verify(KEY, hash[:place] + other + hash[place + 1 :])
        assert not HASHER.verify(KEY, hash[:place] + hash[place + 1 :])
        assert not HASHER.verify(KEY, hash[:place] + "A" + hash[place:])


def test_a_token_of_the_same_secret_is_no_hash() -> None:
    """Each purpose has a key of its own: what is made for one is worth nothing for the other."""
    token = HmacTokens(SecretKeys(SECRET)).issue(Purpose.REFRESH, KEY.encode())
    assert not HASHER.verify(KEY, token)


@pytest.mark.parametrize("hash", ["", "A", "AAAAAAAA", "A" * 51, "A" * 52, "\ud800", "\0", "é" * 52, "A" * 1_000_000])
def test_what_is_no_hash_verifies_nothing(hash: str) -> None:
    assert not HASHER.verify(KEY, hash)


@given(secret=st.text(st.characters(codec="ascii")), hash=st.text(st.characters(exclude_categories=[])))
def test_nothing_opens_by_chance(secret: str, hash: str) -> None:
    assert not HASHER.verify(secret, hash)


def test_nothing_shows_the_secret_of_the_installation() -> None:
    assert SECRET not in repr(HASHER) + repr(vars(HASHER))
