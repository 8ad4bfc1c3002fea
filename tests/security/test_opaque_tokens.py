import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.opaque_tokens import HmacTokens
from adapters.security.secret_keys import SecretKeys
from domain.one_time_tokens import Purpose

SECRET, NEXT_SECRET = "a secret of this test, long enough", "another secret of this test, long enough"
TOKENS = HmacTokens(SecretKeys(SECRET))


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("payload", [b"", b"\0", b"p" * 40, bytes(range(256))])
def test_what_is_issued_is_read(purpose: Purpose, payload: bytes) -> None:
    assert TOKENS.read(purpose, TOKENS.issue(purpose, payload)) == payload


def test_the_same_payload_gives_the_same_token() -> None:
    assert TOKENS.issue(Purpose.REFRESH, b"p") == HmacTokens(SecretKeys(SECRET)).issue(Purpose.REFRESH, b"p")


def test_a_token_is_good_for_one_purpose_only() -> None:
    issued = {purpose: TOKENS.issue(purpose, b"payload") for purpose in Purpose}
    assert len({token[:4] for token in issued.values()}) == len(Purpose)
    for purpose, token in issued.items():
        for other in Purpose:
            relabelled = issued[other][:4] + token[4:]
            assert (TOKENS.read(other, token) is not None) == (other is purpose)
            assert (TOKENS.read(other, relabelled) is not None) == (other is purpose)


def test_an_old_secret_still_reads_and_the_present_one_issues() -> None:
    old = TOKENS.issue(Purpose.DEVICE, b"payload")
    both = HmacTokens(SecretKeys(NEXT_SECRET, [SECRET]))
    assert both.read(Purpose.DEVICE, old) == b"payload"
    assert TOKENS.read(Purpose.DEVICE, both.issue(Purpose.DEVICE, b"payload")) is None
    assert HmacTokens(SecretKeys(NEXT_SECRET)).read(Purpose.DEVICE, old) is None


def test_no_character_can_be_changed_added_or_left_out() -> None:
    for payload in (b"p" * 40, b"p" * 41, b"p" * 42):
        token = TOKENS.issue(Purpose.REFRESH, payload)
        for place in range(len(token)):
            for other in "AZaz09-_=.+/ \n\0é\ud800":
                if other != token[place]:
                    assert TOKENS.read(Purpose.REFRESH, token[:place] + other + token[place + 1 :]) is None
            assert TOKENS.read(Purpose.REFRESH, token[:place] + token[place + 1 :]) is None
            assert TOKENS.read(Purpose.REFRESH, token[:place] + "A" + token[place:]) is None


def test_a_token_has_one_spelling() -> None:
    token = TOKENS.issue(Purpose.VERIFICATION, b"p" * 32)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(token[-1])
    left_over_bits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
    for spelling in (token + "=", token + "==", token + "\n", " " + token, token[:-1] + left_over_bits, token.upper()):
        assert TOKENS.read(Purpose.VERIFICATION, spelling) is None


@pytest.mark.parametrize(
    "text", ["", "ptr_", "\ud800", "ptr_\ud800", "ptr_\0", "ptr_" + "A" * 1_000_000, "ptr_AAAAAAAA"]
)
def test_other_text_says_nothing(text: str) -> None:
    assert TOKENS.read(Purpose.REFRESH, text) is None


@given(text=st.text(st.characters(exclude_categories=[])), prefix=st.sampled_from(["", "ptr_"]))
def test_any_text_says_nothing(text: str, prefix: str) -> None:
    assert TOKENS.read(Purpose.REFRESH, prefix + text) is None
