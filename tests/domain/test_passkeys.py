import hashlib
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import AccountId, PasskeyId
from domain.passkeys import (
    NewPasskey,
    Passkey,
    PasskeyRegistered,
    PasskeyRemoved,
    PasskeyRenamed,
    PasskeyWasCloned,
)
from tests.builders import NOON, a_passkey

ADA, BLUE = AccountId(UUID(int=1)), PasskeyId(UUID(int=2))
NEW = NewPasskey(
    credential_id=b"\xff id", public_key=b"a public key", sign_count=3, transports=("usb",), is_backed_up=True
)
COUNTS = st.integers(0, 2**32 - 1)


# ---- life


def test_a_registration_makes_a_passkey_that_was_never_used() -> None:
    passkey = Passkey.register(NEW, id=BLUE, account_id=ADA, display_name="Blue", at=NOON)
    assert passkey == Passkey(
        account_id=ADA,
        id=BLUE,
        display_name="Blue",
        credential_id=b"\xff id",
        public_key=b"a public key",
        sign_count=3,
        transports=("usb",),
        is_backed_up=True,
        created_at=NOON,
        last_used_at=None,
    )
    assert passkey.events == (PasskeyRegistered(account_id=ADA, passkey_id=BLUE, at=NOON),)


def test_a_passkey_is_renamed() -> None:
    passkey = a_passkey()
    renamed = passkey.rename("Green", at=NOON)
    assert renamed == replace(passkey, display_name="Green")
    assert renamed.events == (PasskeyRenamed(account_id=passkey.account_id, passkey_id=passkey.id, at=NOON),)


def test_the_same_name_is_no_change() -> None:
    passkey = a_passkey(display_name="Blue")
    assert passkey.rename("Blue", at=NOON) is passkey


def test_a_use_moves_the_counter_and_the_time_and_is_no_event() -> None:
    passkey = a_passkey()
    used = passkey.used(8, at=NOON)
    assert used == replace(passkey, sign_count=8, last_used_at=NOON)
    assert used.events == ()


def test_a_removal_is_recorded() -> None:
    passkey = a_passkey()
    assert passkey.remove(at=NOON).events == (
        PasskeyRemoved(account_id=passkey.account_id, passkey_id=passkey.id, at=NOON),
    )


# ---- copies


@pytest.mark.parametrize(
    ("kept", "shown", "is_copy"),
    [
        (0, 0, False),  # most passkeys count nothing, so that they can be in several places
        (0, 1, False),
        (7, 8, False),
        (7, 2**32 - 1, False),
        (7, 7, True),
        (7, 6, True),
        (1, 0, True),  # one that has counted does not stop
        (2**32 - 1, 2**32 - 1, True),
        (2**32 - 1, 0, True),
    ],
)
def test_a_counter_that_is_used_at_all_must_go_on(kept: int, shown: int, is_copy: bool) -> None:
    assert a_passkey(sign_count=kept).is_copy(shown) is is_copy


@given(COUNTS, COUNTS)
def test_after_a_use_the_same_count_is_a_copys_unless_nothing_counts(kept: int, shown: int) -> None:
    passkey = a_passkey(sign_count=kept)
    if not passkey.is_copy(shown):
        assert passkey.used(shown, at=NOON).is_copy(shown) is (shown > 0)


def test_a_copy_is_recorded_and_moves_nothing() -> None:
    passkey = a_passkey()
    noted = passkey.note_copy(at=NOON)
    assert noted == passkey
    assert noted.events == (PasskeyWasCloned(account_id=passkey.account_id, passkey_id=passkey.id, at=NOON),)


# ---- how it is claimed, and what shows


def test_a_credential_of_any_length_is_claimed_by_its_digest() -> None:
    long = a_passkey(credential_id=b"\0" * 1023)
    assert long.credential_digest == hashlib.sha256(b"\0" * 1023).hexdigest()
    assert len({long.credential_digest, a_passkey(credential_id=b"\0" * 1022).credential_digest}) == 2


def test_the_public_key_stays_out_of_the_repr() -> None:
    assert "a public key" not in repr(NEW) + repr(a_passkey(public_key=b"a public key"))
