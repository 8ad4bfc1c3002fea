import hashlib
import logging
import time
from collections.abc import Callable

import httpx

from application.ports.security import CommonPasswords

_log = logging.getLogger(__name__)

_REST = 30.0
"""Seconds for which a service that failed is not asked again, lest everyone who signs up waits for it."""


class RangeService(CommonPasswords):
    """A service that is told the first five digits of a password's SHA-1, and lists what is known to begin so.

    That is the interface of Have I Been Pwned's range API; `url` is all that stands before the five digits. The
    service sees neither the password nor its hash, and padding hides from others how many it found. `otherwise` is
    asked first, and alone while the service cannot be reached: that must not keep people from signing up. The
    service itself is asked for the password as it is written; it knows the other spellings that people use.
    """

    def __init__(
        self,
        url: str,
        client: httpx.Client,
        timeout: float = 2.0,
        *,
        otherwise: CommonPasswords,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url.rstrip("/")
        self._client = client
        self._timeout = timeout
        self._otherwise = otherwise
        self._seconds = seconds
        self._asked_again_at = float("-inf")

    def contains(self, password: str) -> bool:
        if self._otherwise.contains(password):
            return True
        if self._seconds() < self._asked_again_at:
            return False
        digest = hashlib.sha1(password.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest().upper()
        try:
            return digest[5:] in self._suffixes(digest[:5])
        except httpx.HTTPError as error:
            self._asked_again_at = self._seconds() + _REST
            _log.warning("The password range service failed (%s); using the list alone.", type(error).__name__)
            return False

    def _suffixes(self, prefix: str) -> set[str]:
        answer = self._client.get(f"{self._url}/{prefix}", headers={"Add-Padding": "true"}, timeout=self._timeout)
        answer.raise_for_status()
        counted = (line.partition(":") for line in answer.text.splitlines())
        return {suffix.upper() for suffix, _, count in counted if count.strip() != "0"}  # padding counts nothing
