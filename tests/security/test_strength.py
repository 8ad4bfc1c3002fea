from random import Random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.security.strength import ZxcvbnStrength
from tests.security.threads import threads_that_interleave

STRENGTH = ZxcvbnStrength()


@pytest.mark.parametrize(
    "password", ["", " ", "password1234", "qwertyuiopas", "aaaaaaaaaaaaaaaa", "123456789012", "\ud800" * 12]
)
def test_what_is_easily_guessed_scores_low(password: str) -> None:
    assert STRENGTH.score(password, personal=[]) < 3


@pytest.mark.parametrize("password", ["correct horse battery staple", "vK9#mQ2$xL7!", "grüner Elefant tanzt Tango"])
def test_what_is_hard_to_guess_scores_high(password: str) -> None:
    assert STRENGTH.score(password, personal=[]) >= 3


def test_a_random_password_scores_high_whatever_it_is_made_of() -> None:
    random = Random(1)
    for _ in range(50):
        assert STRENGTH.score("".join(random.choices("0123456789!$%(+<@[{|abcXYZ", k=20)), personal=[]) >= 3


def test_personal_words_add_nothing() -> None:
    assert STRENGTH.score("Xylophilia-Brackenbury", personal=[]) == 4
    assert STRENGTH.score("Xylophilia-Brackenbury", personal=["Xylophilia-Brackenbury"]) == 0


def test_one_persons_words_do_not_weigh_on_another() -> None:
    def score(personal: list[str]) -> int:
        return STRENGTH.score("Xylophilia-Brackenbury", personal=personal)

    with threads_that_interleave(8) as pool:
        scores = list(pool.map(score, [["Xylophilia-Brackenbury"], []] * 50))
    assert scores == [0, 4] * 50


def test_only_so_many_personal_words_are_read() -> None:
    words = ["word"] * 1000 + ["Xylophilia-Brackenbury"]
    assert STRENGTH.score("Xylophilia-Brackenbury", personal=words) == 4


def test_only_the_beginning_is_judged() -> None:
    assert STRENGTH.score("a" * 32 + "vK9#mQ2$xL7!" * 8, personal=[]) < 3


@pytest.mark.parametrize(
    "password",
    ["4@8({[<369!|0$5+7%21" * 6 + "x" * 8, "a" * 128, "\0" * 128, "😀" * 128, "1991-12-" * 16, "password" * 16],
)
def test_no_password_takes_long(password: str) -> None:
    """Of the first, the 32 characters that are judged would take zxcvbn itself up to a second."""
    started = perf_counter()
    STRENGTH.score(password, personal=[password] * 1000)
    assert perf_counter() - started < 1  # 0.1 s at worst, and a margin for a busy machine


@settings(max_examples=50)
@given(password=st.text(st.characters(exclude_categories=[]), max_size=128), word=st.text(max_size=100))
def test_anything_has_a_score(password: str, word: str) -> None:
    assert 0 <= STRENGTH.score(password, personal=[word, password]) <= 4
