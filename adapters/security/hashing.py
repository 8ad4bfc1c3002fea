import logging
import warnings
from threading import Semaphore
from typing import Any, Literal

from application.ports.security import PasswordHasher

with warnings.catch_warnings():  # passlib imports `crypt`, which it does not need and Python deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.context import CryptContext
    from passlib.hash import argon2, bcrypt_sha256

Scheme = Literal["bcrypt_sha256", "argon2"]

# OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
_ARGON2: dict[str, Any] = {"type": "ID", "memory_cost": 19_456, "time_cost": 2, "parallelism": 1}

# Nobody's hash, at the present cost. They are written down, for making one would take as long as a sign-in.
_OF_NOTHING = {
    "bcrypt_sha256": "$bcrypt-sha256$v=2,t=2b,r={cost}$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2",
    "argon2": "$argon2id$v=19$m={memory_cost},t={time_cost},p={parallelism}"
    "$6H0vRSjFeM8Zo1Sq9b5Xig$mcqyDaVqF9Z6BSs3pUp1+xrSmYgWbY69SrBZLWNGSCs",
}


# passlib's own errors and UnicodeEncodeError are kinds of ValueError; damaged base64 makes it raise TypeError.
_UNREADABLE = (ValueError, TypeError)


class PasslibHasher(PasswordHasher):
    """Hashes under one scheme and verifies under all that an installation may have come from.

    `bcrypt_cost` is the logarithm of the rounds. Plain synchronous work, made to be run by the hashing executor:
    bcrypt and Argon2 let other threads run meanwhile.
    """

    def __init__(self, *, scheme: Scheme = "bcrypt_sha256", bcrypt_cost: int = 12) -> None:
        _load_backends()
        self._context = CryptContext(
            schemes=["bcrypt_sha256", "argon2", "bcrypt", "pbkdf2_sha256", "pbkdf2_sha512"],
            default=scheme,
            deprecated="auto",
            bcrypt_sha256__rounds=bcrypt_cost,
            **{f"argon2__{name}": value for name, value in _ARGON2.items()},
        )
        self._of_nothing = _OF_NOTHING[scheme].format(cost=bcrypt_cost, **_ARGON2)

    def hash(self, password: str) -> str:
        return str(self._context.hash(password))

    def verify(self, password: str, hash: str) -> bool:
        try:
            return bool(self._context.verify(password, hash))
        except _UNREADABLE:
            return False

    def verify_nothing(self, password: str) -> None:
        self.verify(password, self._of_nothing)

    def is_outdated(self, hash: str) -> bool:
        """True also for a hash that cannot be read."""
        try:
            return bool(self._context.needs_update(hash))
        except _UNREADABLE:
            return True


class LimitedHasher(PasswordHasher):
    """Lets `at_once` hashes be made at one time, and the others wait."""

    def __init__(self, hasher: PasswordHasher, *, at_once: int) -> None:
        self._hasher = hasher
        self._turns = Semaphore(at_once)

    def hash(self, password: str) -> str:
        with self._turns:
            return self._hasher.hash(password)

    def verify(self, password: str, hash: str) -> bool:
        with self._turns:
            return self._hasher.verify(password, hash)

    def verify_nothing(self, password: str) -> None:
        with self._turns:
            self._hasher.verify_nothing(password)

    def is_outdated(self, hash: str) -> bool:
        return self._hasher.is_outdated(hash)


def _load_backends() -> None:
    """Load what passlib would load at the first hash: later, several threads would meet there."""
    logging.getLogger("passlib.handlers.bcrypt").addFilter(_is_worth_reading)
    with warnings.catch_warnings():  # passlib asks argon2-cffi for its version in a way that is deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        bcrypt_sha256.set_backend("bcrypt")
        argon2.set_backend("argon2_cffi")


def _is_worth_reading(record: logging.LogRecord) -> bool:
    """passlib looks for a version where bcrypt 4 has none, and logs a whole traceback that means nothing."""
    return not record.getMessage().startswith("(trapped) error reading bcrypt version")
