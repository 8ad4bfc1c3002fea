from collections.abc import Sequence
from threading import Lock

from application.ports.security import PasswordStrength

# zxcvbn's work grows steeply with length: what a stranger sends must not hold a thread for seconds.
_JUDGED = 32
_MOST_PERSONAL = 8
_LONGEST_PERSONAL = 64

# It also tries each reading of the characters that stand for letters ("p4$$word"), in each combination: with all
# twenty of them in one password that takes up to a second, with twelve a tenth.
_SUBSTITUTES = frozenset("0123456789!$%(+<@[{|")
_MOST_SUBSTITUTES = 12


class ZxcvbnStrength(PasswordStrength):
    def __init__(self) -> None:
        from zxcvbn import zxcvbn  # here, for its word lists take 13 MiB: not for a process that judges no password

        self._zxcvbn = zxcvbn
        # It keeps the personal words in a global. The work is pure Python, so that waiting here costs no time.
        self._lock = Lock()

    def score(self, password: str, *, personal: Sequence[str]) -> int:
        judged = _beginning(password)
        if not judged:
            return 0  # zxcvbn raises IndexError
        words = [word[:_LONGEST_PERSONAL] for word in personal[:_MOST_PERSONAL]]
        with self._lock:
            return int(self._zxcvbn(judged, user_inputs=words)["score"])


def _beginning(password: str) -> str:
    """As much as is judged. Twelve substitutes alone make a high score, unless they follow a pattern."""
    judged = password[:_JUDGED]
    met: set[str] = set()
    for place, character in enumerate(judged):
        met |= _SUBSTITUTES & {character}
        if len(met) > _MOST_SUBSTITUTES:
            return judged[:place]
    return judged
