"""What the connections of a load ask."""

from collections import deque
from collections.abc import Sequence
from itertools import cycle

from bench.load import Answer, Script, Unexpected, request


def _must_be(status: int, answer: Answer) -> None:
    if answer.status != status:
        raise Unexpected(f"{answer.status} instead of {status}: {answer.body[:500]!r}")


class Asking(Script):
    """The same requests over and over."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = cycle(requests)

    def ask(self) -> bytes:
        return next(self._requests)

    def hear(self, answer: Answer) -> float:
        _must_be(200, answer)
        return 0.0


class Reading(Asking):
    """The same call over and over, each time with the next token."""

    def __init__(self, path: str, tokens: Sequence[str]) -> None:
        super().__init__([request("GET", path, token=token) for token in tokens])


class Patching(Script):
    """The same change over and over, each time another's and to another value."""

    def __init__(self, path: str, field: str, tokens: Sequence[str]) -> None:
        self._tokens, self._count = cycle(tokens), 0
        self._path, self._field = path, field

    def ask(self) -> bytes:
        self._count += 1
        return request("PATCH", self._path, token=next(self._tokens), body={self._field: f"Name {self._count}"})

    def hear(self, answer: Answer) -> float:
        _must_be(200, answer)
        return 0.0


class Refreshing(Script):
    """Sessions in turn, each presenting the newest of its refresh tokens. It outlives its connection."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._newest = deque(tokens)
        self.rotations = 0

    def ask(self) -> bytes:
        return request("POST", "/v1/sessions/refresh", body={"refresh_token": self._newest.popleft()})

    def hear(self, answer: Answer) -> float:
        _must_be(200, answer)
        self._newest.append(answer.json()["refresh_token"])
        self.rotations += 1
        return 0.0


class SigningIn(Script):
    """One client at the door. Told to come back later, it does."""

    def __init__(self, email: str, password: str) -> None:
        self._request = request("POST", "/v1/sessions", body={"email": email, "password": password})

    def ask(self) -> bytes:
        return self._request

    def hear(self, answer: Answer) -> float:
        if answer.status == 503:
            return float(answer.header(b"retry-after"))
        _must_be(201, answer)
        return 0.0


class SigningUp(Script):
    """One newcomer after the other."""

    def __init__(self, name: str, password: str) -> None:
        self._name = name
        self._password = password
        self._count = 0

    def ask(self) -> bytes:
        self._count += 1
        email = f"{self._name}-{self._count}@example.net"
        return request("POST", "/v1/accounts", body={"email": email, "password": self._password})

    def hear(self, answer: Answer) -> float:
        _must_be(202, answer)
        return 0.0
