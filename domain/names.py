"""What people call things and say of them: one rule, whatever the thing."""

import unicodedata

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 200

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Control characters; invisible and direction marks, which make one name look like another; what is unassigned or
private, and so looks like nothing or like anything; half a character; line breaks."""
_JOINERS = "\u200c\u200d"
"""Cf as well, and meant: emoji and some scripts need them."""
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and a symbol by their category, and nothing to see: fillers of Hangul, the space of Braille."""


def visible(raw: str, *, most: int) -> str | None:
    """The text as it is kept: in NFC, without outer spaces, empty if there is nothing else.

    None if it is longer than `most` characters, has one that cannot be seen, or shows nothing for all its characters.
    """
    text = raw.strip()
    # What is longer than four times the limit is too long in NFC as well, and could take minutes to normalise.
    if len(text) > 4 * most:
        return None
    text = unicodedata.normalize("NFC", text)
    if len(text) > most or any(unicodedata.category(c) in _UNSEEN and c not in _JOINERS for c in text):
        return None
    return text if not text or any(_shows(c) for c in text) else None


def _shows(character: str) -> bool:
    """By itself: neither space, nor joiner, nor a mark upon another character."""
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK
