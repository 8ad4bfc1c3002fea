"""Where a URL points, in one canonical form: what is checked, connected to, verified and named to the server."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_VISIBLE_ASCII = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """`host` is a name as DNS knows it, or an address in whatever notation; in small letters."""

    scheme: str
    host: str
    port: int

    @property
    def is_encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        return self._bracketed if self.port == _PORTS[self.scheme] else f"{self._bracketed}:{self.port}"

    @property
    def names(self) -> set[str]:
        """By which an operator may allow it: the host, with or without its port."""
        return {self.host, self._bracketed, f"{self._bracketed}:{self.port}"}


@dataclass(frozen=True, slots=True)
class Target:
    origin: Origin
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raise ValueError if it cannot be called, or could be read in two ways: with a user, a backslash, a control
        character. Names in other scripts take their ASCII form here (IDNA), digits among them."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or "\\" in url:
            raise ValueError("No address to call.")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not _VISIBLE_ASCII.fullmatch(path) or any(letter < "!" for letter in url):
            raise ValueError("What is asked for holds more than visible ASCII.")
        host = parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode().lower()
        return cls(Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme]), path)
