from array import array
from bisect import bisect_left
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from application.ports.security import CommonPasswords
from domain.passwords import normalised

_BUCKETS = 256


class ListedPasswords(CommonPasswords):
    """The passwords of a text file, one a line, of any number: the bundled list, or the one at `path`.

    Each takes eight bytes of memory, as a hash. What the file says about itself becomes an entry that nobody misses.
    """

    def __init__(self, path: str | None = None) -> None:
        source = Path(path) if path else files(__package__) / "common_passwords.txt"
        with source.open(encoding="utf-8", errors="replace") as lines:
            self._buckets = _sorted_hashes(line.rstrip("\r\n") for line in lines)

    def contains(self, password: str) -> bool:
        hash = _hash(password)
        bucket = self._buckets[hash % _BUCKETS]
        place = bisect_left(bucket, hash)
        return place < len(bucket) and bucket[place] == hash


def _hash(password: str) -> int:
    return hash(normalised(password).casefold())


def _sorted_hashes(passwords: Iterable[str]) -> list["array[int]"]:
    """Buckets are sorted one by one, for sorting takes five times the memory of what is sorted."""
    buckets = [array("q") for _ in range(_BUCKETS)]
    for hash in map(_hash, passwords):
        buckets[hash % _BUCKETS].append(hash)
    return [array("q", sorted(bucket)) for bucket in buckets]
