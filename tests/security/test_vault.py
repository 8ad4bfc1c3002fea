import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.canonical_base64 import decode, encode
from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application.ports.security import SealBroken

SECRET, NEXT_SECRET = "a secret of this test, long enough", "another secret of this test, long enough"
VAULT = AesVault(SecretKeys(SECRET))


@pytest.mark.parametrize("plaintext", ["", "x", "a secret\n", "grüße 😀", "x" * 10_000])
def test_what_is_sealed_opens(plaintext: str) -> None:
    assert VAULT.open(VAULT.seal(plaintext, row="keys/1"), row="keys/1") == plaintext


def test_sealed_text_shows_nothing_and_never_repeats() -> None:
    first, second = (VAULT.seal("plaintext" * 3, row="keys/1") for _ in range(2))
    assert first != second
    assert b"plaintext" not in decode(first.partition(".")[2])


def test_sealed_text_moved_to_another_row_does_not_open() -> None:
    sealed = VAULT.seal("x", row="keys/1")
    for row in ("keys/2", "", "keys/1 "):
        with pytest.raises(SealBroken):
            VAULT.open(sealed, row=row)


def test_no_byte_can_be_changed() -> None:
    name, _, text = VAULT.seal("plaintext", row="keys/1").partition(".")
    raw = decode(text)
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(SealBroken):
            VAULT.open(f"{name}.{encode(changed)}", row="keys/1")
        with pytest.raises(SealBroken):
            VAULT.open(f"{name}.{encode(raw[:place])}", row="keys/1")


def test_another_algorithm_is_not_taken_for_this_one() -> None:
    sealed = VAULT.seal("x", row="keys/1")
    with pytest.raises(SealBroken):
        VAULT.open(sealed.replace("aes256gcm.", "aes256siv."), row="keys/1")


def test_an_old_secret_still_opens_and_is_outdated() -> None:
    old = VAULT.seal("x", row="keys/1")
    both = AesVault(SecretKeys(NEXT_SECRET, [SECRET]))
    assert both.open(old, row="keys/1") == "x"
    assert both.is_outdated(old)
    assert not both.is_outdated(both.seal("x", row="keys/1"))
    assert not VAULT.is_outdated(old)


def test_a_secret_that_is_not_configured_is_missed_by_name() -> None:
    sealed = VAULT.seal("x", row="keys/1")
    with pytest.raises(SealBroken, match="SECRET_KEYS_OLD"):
        AesVault(SecretKeys(NEXT_SECRET)).open(sealed, row="keys/1")


@given(text=st.text(st.characters(exclude_categories=[])), prefix=st.sampled_from(["", "aes256gcm."]))
def test_any_other_text_does_not_open(text: str, prefix: str) -> None:
    with pytest.raises(SealBroken):
        VAULT.open(prefix + text, row="keys/1")
    with pytest.raises(SealBroken):
        VAULT.is_outdated(prefix + text)
