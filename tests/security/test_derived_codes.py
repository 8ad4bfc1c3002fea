from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.derived_codes import HmacCodes
from adapters.security.secret_keys import SecretKeys
from domain.one_time_tokens import Purpose

SECRET, NEXT_SECRET = "a secret of this test, long enough", "another secret of this test, long enough"
CODES = HmacCodes(SecretKeys(SECRET))
RIGHT = CODES.digits(Purpose.EMAIL_CODE, b"payload")


@given(payload=st.binary(max_size=80))
def test_a_code_has_six_digits_and_is_known_again(payload: bytes) -> None:
    code = CODES.digits(Purpose.EMAIL_CODE, payload)
    assert len(code) == 6
    assert set(code) <= set("0123456789")
    assert CODES.are(code, Purpose.EMAIL_CODE, payload)


def test_what_was_derived_stays_derived() -> None:
    """It stands in no table: another derivation would void what has just been sent."""
    codes = HmacCodes(SecretKeys("portico"))
    assert codes.digits(Purpose.EMAIL_CODE, b"payload") == "447784"


def test_a_code_is_for_its_purpose_and_payload_only() -> None:
    of_others = {CODES.digits(purpose, b"payload") for purpose in Purpose if purpose is not Purpose.EMAIL_CODE}
    assert RIGHT not in of_others
    assert not CODES.are(RIGHT, Purpose.CHALLENGE, b"payload")
    assert not CODES.are(RIGHT, Purpose.EMAIL_CODE, b"another payload")


def test_an_old_secret_still_knows_its_codes() -> None:
    after = HmacCodes(SecretKeys(NEXT_SECRET, [SECRET]))
    assert after.are(RIGHT, Purpose.EMAIL_CODE, b"payload")
    assert after.digits(Purpose.EMAIL_CODE, b"payload") != RIGHT
    assert not HmacCodes(SecretKeys(NEXT_SECRET)).are(RIGHT, Purpose.EMAIL_CODE, b"payload")


def test_no_code_is_likelier_than_another() -> None:
    """20,000 codes, always the same ones: each digit at each place is within 8% of what is due."""
    codes = [CODES.digits(Purpose.EMAIL_CODE, number.to_bytes(4)) for number in range(20_000)]
    for place in range(6):
        counted = Counter(code[place] for code in codes)
        assert set(counted) == set("0123456789")
        assert all(abs(count - 2_000) < 160 for count in counted.values()), counted
    assert len(set(codes)) > 19_600, "about 200 of 20,000 share a code with another by chance"


@pytest.mark.parametrize(
    "code",
    [
        "",
        RIGHT[:-1],
        RIGHT + "0",
        f" {RIGHT}",
        f"{RIGHT}\n",
        RIGHT * 10_000,
        "9" * 10_000,
        RIGHT.translate({ord("0") + digit: 0x660 + digit for digit in range(10)}),
        RIGHT.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),
        "\x00" * 6,
        "\ud800" * 6,
    ],
    ids=range(11),
)
def test_anything_else_is_no_code(code: str) -> None:
    assert not CODES.are(code, Purpose.EMAIL_CODE, b"payload")
