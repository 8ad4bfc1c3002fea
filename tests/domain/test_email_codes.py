from domain.accounts import EmailAddress
from domain.email_codes import EmailCode, EmailCodePolicy, EmailCodeWrong
from domain.kernel import Unauthenticated
from tests.builders import MINUTE, an_email_code


def test_six_digits_are_tried_three_times_in_ten_minutes() -> None:
    assert EmailCodePolicy() == EmailCodePolicy(lifetime=10 * MINUTE, tries=3)


def test_a_new_code_is_untried_and_holds_no_digit_of_itself() -> None:
    waiting = an_email_code()
    fresh = EmailCode(id=waiting.id, email=waiting.email, created_at=waiting.created_at, expires_at=waiting.expires_at)
    assert fresh.tries == 0
    assert set(EmailCode.__slots__) == {"id", "email", "created_at", "expires_at", "tries"}


def test_a_code_is_of_one_address_however_it_was_written() -> None:
    asked = an_email_code(email=EmailAddress.parse("Ada@Example.COM"))
    assert asked.email.digest == EmailAddress.parse("ada@example.com").digest


def test_a_wrong_code_is_told_from_no_other_refusal() -> None:
    error = EmailCodeWrong()
    assert isinstance(error, Unauthenticated)
    assert error.members() == {}
