import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import EmailAddress
from domain.passwords import PasswordPolicy, PasswordTooWeak, Weakness, normalised

ADA = EmailAddress("ada.lovelace@example.com")


def weaknesses(password: str, *, email: EmailAddress = ADA, display_name: str = "Ada Lovelace") -> list[Weakness]:
    return PasswordPolicy().weaknesses_at_sight(normalised(password), email=email, display_name=display_name)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "x" * 12,
        "x" * 128,
        "  spaces are kept  ",
        "пароль из слов",
        "🦉🦉🦉🦉🦉🦉🦉🦉🦉🦉🦉🦉",
        "no-digits-or-capitals-needed",
        "tab\tand\nnewline are characters",
    ],
)
def test_a_long_password_needs_no_special_characters(password: str) -> None:
    assert weaknesses(password) == []


@pytest.mark.parametrize(
    ("length", "found"), [(11, [Weakness.TOO_SHORT]), (12, []), (128, []), (129, [Weakness.TOO_LONG])]
)
def test_a_password_has_12_to_128_characters(length: int, found: list[Weakness]) -> None:
    assert weaknesses("x" * length) == found


def test_characters_are_counted_not_bytes() -> None:
    assert weaknesses("🦉" * 128) == []
    assert weaknesses("🦉" * 11) == [Weakness.TOO_SHORT]


def test_length_is_counted_after_nfc() -> None:
    assert weaknesses("e\u0301" * 6) == [Weakness.TOO_SHORT]
    assert weaknesses("e\u0301" * 12) == []
    assert weaknesses("e\u0301" * 128) == []
    assert weaknesses("e\u0301" * 129) == [Weakness.TOO_LONG]


def test_one_password_on_two_keyboards_is_one_password() -> None:
    assert normalised("Zoe\u0308's pa\u0308ssword") == normalised("Zoë's pässword")


def test_look_alikes_stay_different_passwords() -> None:
    assert normalised("ﬁne print") != normalised("fine print")  # NFC keeps the ligature; NFKC would not
    assert normalised("PASSWORD") != normalised("password")


@given(st.text(max_size=200))
def test_normalising_again_changes_nothing(password: str) -> None:
    once = normalised(password)
    assert normalised(once) == once == unicodedata.normalize("NFC", password)


def test_a_password_that_is_too_long_for_any_hash_is_not_worth_normalising() -> None:
    crafted = "a" + "\u0301\u0323" * 500_000
    started = time.perf_counter()
    assert weaknesses(crafted) == [Weakness.TOO_LONG]
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("odd", ["\0", chr(0xD800), chr(0xDFFF)])
def test_what_is_not_text_is_refused(odd: str) -> None:
    assert weaknesses(f"correct horse {odd} battery") == [Weakness.NOT_TEXT]


def test_every_reason_at_sight_is_told() -> None:
    assert weaknesses("\0") == [Weakness.TOO_SHORT, Weakness.NOT_TEXT]


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace@example.com",
        "ADA.Lovelace",
        "ada.lovelace1",
        "ada.lovelace2026!",
        "ada_lovelace_",
        "!ada.lovelace!",
    ],
)
def test_a_password_close_to_the_address_is_refused(password: str) -> None:
    assert Weakness.SIMILAR_TO_EMAIL in weaknesses(password, display_name="")


@pytest.mark.parametrize(
    "password", ["Ada Lovelace", "lovelace2026", "LOVELACE!!!!!", "xx Ada Lovelace xx", "AdaLovelace12"]
)
def test_a_password_close_to_the_name_is_refused(password: str) -> None:
    assert weaknesses(password, email=EmailAddress("x@y.co")) == [Weakness.SIMILAR_TO_NAME]


def test_similarity_sees_through_the_case_of_any_script() -> None:
    found = weaknesses("ГЕРТРУДАСТРАССЕ", email=EmailAddress("x@y.co"), display_name="Гертрудастрассе")
    assert found == [Weakness.SIMILAR_TO_NAME]


@pytest.mark.parametrize("display_name", ["", "Al", "Bo Li"])
def test_a_short_name_spoils_no_password(display_name: str) -> None:
    assert weaknesses("bo likes al & his alpacas", email=EmailAddress("al@y.co"), display_name=display_name) == []


def test_a_name_of_three_letters_spoils_no_password_even_where_short_ones_are_allowed() -> None:
    lenient = PasswordPolicy(shortest=8)
    assert lenient.weaknesses_at_sight("bob12345", email=EmailAddress("x@y.co"), display_name="Bob") == []


def test_a_name_may_be_a_part_of_a_password_that_has_eight_characters_more() -> None:
    assert weaknesses("lovelace1234567") == [Weakness.SIMILAR_TO_NAME]
    assert weaknesses("lovelace12345678") == []
    assert weaknesses("lovelace wrote seven notes on it") == []


def test_a_refusal_tells_machines_and_people_why() -> None:
    refusal = PasswordPolicy(shortest=14).refusal([Weakness.TOO_SHORT, Weakness.COMMON], field="new_password")
    assert refusal.field == "new_password"
    assert refusal.members() == {"reasons": ["too_short", "common"]}
    assert refusal.detail == "It needs at least 14 characters. It is one of the most common passwords."


@pytest.mark.parametrize("weakness", Weakness)
def test_every_weakness_has_words(weakness: Weakness) -> None:
    refusal = PasswordPolicy().refusal(iter([weakness]), field="password")
    assert isinstance(refusal, PasswordTooWeak)
    assert refusal.reasons == (weakness,)
    assert refusal.detail.startswith("It ")


def test_the_limits_are_settings() -> None:
    policy = PasswordPolicy(shortest=15, longest=64)
    assert policy.weaknesses_at_sight("x" * 14, email=ADA, display_name="") == [Weakness.TOO_SHORT]
    assert policy.weaknesses_at_sight("x" * 65, email=ADA, display_name="") == [Weakness.TOO_LONG]
