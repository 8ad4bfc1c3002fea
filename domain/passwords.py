"""Which passwords are good enough (NIST SP 800-63B; ASVS 6.2), and the reset of one that is lost."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from enum import StrEnum

from domain.accounts import EmailAddress
from domain.kernel import Invalid, PasswordResetId


class Weakness(StrEnum):
    """Why a password is refused: the machine-readable `reasons` of `password_too_weak`."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_TEXT = "not_text"
    SIMILAR_TO_EMAIL = "similar_to_email"
    SIMILAR_TO_NAME = "similar_to_name"
    COMMON = "common"
    GUESSABLE = "guessable"


class PasswordTooWeak(Invalid):
    """The new password is easy to guess, personal, too short or too long: `reasons` names all that is wrong."""

    code = "password_too_weak"

    def __init__(self, detail: str, *, reasons: Iterable[Weakness], field: str = "password") -> None:
        super().__init__(detail, field=field)
        self.reasons = tuple(reasons)

    def members(self) -> dict[str, object]:
        return {"reasons": [reason.value for reason in self.reasons]}


class WrongPassword(Invalid):
    """The caller is signed in, but the password that should confirm the act is not theirs."""

    code = "password_wrong"


LONGEST_HASHED = 4096
"""In characters: no hasher takes more (see `PasswordHasher.verify`)."""


def normalised(password: str) -> str:
    """NFC, so that one password typed on two keyboards is one password. Nothing is cut, ever.

    What is too long for any hash stays as it is: a crafted megabyte takes minutes to normalise.
    """
    return unicodedata.normalize("NFC", password) if len(password) <= LONGEST_HASHED else password


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    shortest: int = 12
    longest: int = 128
    least_score: int = 3
    """zxcvbn's scale of 0 to 4."""
    reset_lifetime: timedelta = timedelta(minutes=30)

    def weaknesses_at_sight(self, password: str, *, email: EmailAddress, display_name: str) -> list[Weakness]:
        """What can be said of a normalised password without a word list or an estimate of its strength."""
        found = []
        if len(password) < self.shortest:
            found.append(Weakness.TOO_SHORT)
        if len(password) > self.longest:
            found.append(Weakness.TOO_LONG)
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in password):
            found.append(Weakness.NOT_TEXT)
        if found:
            return found  # the rest is costly on long input, and would not change the answer
        if _is_similar(password, email.value) or _is_similar(password, email.local_part):
            found.append(Weakness.SIMILAR_TO_EMAIL)
        if any(_is_similar(password, part) for part in (display_name, *display_name.split())):
            found.append(Weakness.SIMILAR_TO_NAME)
        return found

    def refusal(self, weaknesses: Iterable[Weakness], *, field: str) -> PasswordTooWeak:
        reasons = tuple(weaknesses)
        words = {
            Weakness.TOO_SHORT: f"It needs at least {self.shortest} characters.",
            Weakness.TOO_LONG: f"It may have at most {self.longest} characters.",
            Weakness.NOT_TEXT: "It holds a character that is not text.",
            Weakness.SIMILAR_TO_EMAIL: "It is too close to the e-mail address.",
            Weakness.SIMILAR_TO_NAME: "It is too close to the display name.",
            Weakness.COMMON: "It is one of the most common passwords.",
            Weakness.GUESSABLE: "It is easy to guess: a few unrelated words are harder.",
        }
        return PasswordTooWeak(" ".join(words[reason] for reason in reasons), reasons=reasons, field=field)


def _is_similar(password: str, personal: str) -> bool:
    """Whether `personal` makes up so much of the password that knowing it is nearly knowing the password."""
    password, personal = password.casefold(), personal.casefold()
    if len(personal) < 4:
        return False
    if personal in password and len(password) - len(personal) < 8:
        return True
    return SequenceMatcher(a=password, b=personal, autojunk=False).ratio() >= 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordReset:
    """A request to set a new password, made for an address whether or not it has an account."""

    id: PasswordResetId
    email: EmailAddress
    created_at: datetime
    expires_at: datetime
