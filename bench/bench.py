"""What the parts of the benchmark share: the database, the rounds and the progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from rich.progress import Progress

from bench.ceiling import serving_ceiling
from bench.database import Cluster, secret
from bench.installation import Installation, password_hash
from bench.machine import Server
from bench.organizations import Population, found

A = TypeVar("A")
B = TypeVar("B")

ACCOUNTS = 100_000
BCRYPT_COST = 12


@dataclass(frozen=True)
class Bench:
    cluster: Cluster
    folder: Path
    progress: Progress
    quick: bool = False

    @property
    def pairs(self) -> int:
        return 3 if self.quick else 11

    @property
    def seconds(self) -> float:
        """Of a round."""
        return 1.0 if self.quick else 3.0

    @cached_property
    def portico(self) -> Installation:
        """With 100,000 accounts."""
        return self.installation("accounts", ACCOUNTS, bcrypt_cost=BCRYPT_COST)

    @cached_property
    def ceiling_secret(self) -> str:
        return secret()

    def installation(self, name: str, accounts: int, *, bcrypt_cost: int) -> Installation:
        task = self.progress.add_task(f"making {accounts:,} accounts", total=None)
        url = self.cluster.create(name, accounts=accounts, password_hash=password_hash(bcrypt_cost))
        self.progress.remove_task(task)
        return Installation(url, self.folder, accounts, {"BCRYPT_COST": str(bcrypt_cost)})

    def found(self, installation: Installation, population: Population) -> None:
        task = self.progress.add_task(f"founding {population}", total=None)
        found(installation.url, population, accounts=installation.accounts)
        self.progress.remove_task(task)

    @contextmanager
    def ceiling(self) -> Iterator[Server]:
        """On the same database, with as many threads."""
        threads = self.portico.settings.worker_threads
        log = self.folder / "ceiling.log"
        with self.portico.container():
            pass  # the ceiling verifies with Portico's keys: there must be some
        with serving_ceiling(self.portico.url, self.ceiling_secret, threads=threads, log=log) as server:
            yield server

    def interleaved(self, name: str, one: Callable[[], A], other: Callable[[], B]) -> list[tuple[A, B]]:
        """Rounds in pairs, each beginning with the other: what drifts, drifts for both."""
        pairs: list[tuple[A, B]] = []
        for number in self.progress.track(range(self.pairs), description=name):
            if number % 2:
                second = other()
                pairs.append((one(), second))
            else:
                pairs.append((one(), other()))
        return pairs
