"""The same calls where there is little and where there is much: as many statements, all by an index, and as fast."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from statistics import median
from typing import Any

from bench.bench import Bench
from bench.figures import Figure, Part
from bench.installation import Installation
from bench.plans import LOGGED, Plan, StatementLog, explain, to_json
from bench.visitor import Visitor
from entrypoints.container import Container

_ROUNDS_A_PAIR = 3

Statements = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is there, how much it is in words, and the calls that are made: the name tells one round from another."""

    installation: Installation
    amount: str
    live: Callable[[Visitor, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    few: Side
    many: Side
    of_few: Statements
    of_many: Statements
    plans: dict[str, list[Plan]]
    seconds: dict[str, list[tuple[float, float]]]
    """Of each call, in pairs: among few and among many."""
    growing: frozenset[str] | None = None
    """The tables that are large among many; None: all are."""

    def part(self, name: str) -> Part:
        ratios = self._ratios()
        slowest = max(ratios, key=lambda call: median(ratios[call]))
        deepest = self._deepest()
        slowest_page = max(deepest, key=lambda call: median(deepest[call]))
        differing = [call for call in self.of_many if len(self.of_many[call]) != len(self.of_few[call])]
        scanned = [table for of_call in self.plans.values() for plan in of_call for table in plan.sequential]
        sequential = [table for table in scanned if self.growing is None or table in self.growing]
        return Part(
            name=name,
            figures=[
                Figure(
                    name="calls that take another number of statements",
                    rounds=[len(differing)],
                    target=("at most", 0),
                    unit=f"of {len(self.of_many)}",
                ),
                Figure(name="sequential scans", rounds=[len(sequential)], target=("at most", 0), unit=""),
                Figure(
                    name=f"the call that loses most, {slowest}",
                    rounds=ratios[slowest],
                    target=("at most", 1.3),
                    of=self._milliseconds(slowest),
                ),
                Figure(
                    name=f"the worst last page against its first, {slowest_page}",
                    rounds=deepest[slowest_page],
                    target=("at most", 1.3),
                ),
            ],
            details={
                "compared": [self.few.amount, self.many.amount],
                "calls": {call: self._described(call, ratios) for call in self.of_many},
            },
        )

    def _ratios(self) -> dict[str, list[float]]:
        return {call: [there / here for here, there in pairs] for call, pairs in self.seconds.items()}

    def _deepest(self) -> dict[str, list[float]]:
        """The last page against the first, among many."""
        return {
            call: [last / first for (_, last), (_, first) in zip(pairs, self.seconds[start], strict=True)]
            for call, pairs in self.seconds.items()
            if (start := call.removesuffix(", deepest page")) != call
        }

    def _milliseconds(self, call: str) -> dict[str, float]:
        pairs = self.seconds[call]
        return {
            f"{self.many.amount}, ms": 1000 * median(there for _, there in pairs),
            f"{self.few.amount}, ms": 1000 * median(here for here, _ in pairs),
        }

    def _described(self, call: str, ratios: dict[str, list[float]]) -> dict[str, Any]:
        timed: dict[str, Any] = {}
        if call in ratios:
            rounded = {name: round(value, 2) for name, value in self._milliseconds(call).items()}
            timed = {"times as slow": round(median(ratios[call]), 2), "of": rounded}
        statements = [len(self.of_few[call]), len(self.of_many[call])]
        return {"statements": statements, **timed, "plans": to_json(self.plans[call])}


def compare(bench: Bench, few: Side, many: Side, *, growing: frozenset[str] | None = None) -> Comparison:
    of_few, of_many = statements_of(bench, few), statements_of(bench, many)
    return Comparison(
        few=few,
        many=many,
        of_few=of_few,
        of_many=of_many,
        plans={call: explain(many.installation.url, statements) for call, statements in of_many.items()},
        seconds=timed(bench, few, many),
        growing=growing,
    )


def statements_of(bench: Bench, side: Side) -> Statements:
    """What each call, and what happens by itself, says to the database: BEGIN and COMMIT included."""
    made: Statements = {}
    log = StatementLog(bench.cluster)
    logged = replace(side.installation, url=f"{side.installation.url}&{LOGGED}")
    with logged.serving(BACKGROUND_WORK="false") as server:
        with Visitor(server.port, lambda *_: None) as visitor:
            side.live(visitor, "warm-up")  # opens the connections
        log.since()
        with Visitor(server.port, lambda call, _: made.__setitem__(call, log.since())) as visitor:
            side.live(visitor, "logged")
    with logged.container() as container:
        for name, work in (("the mail relay", container.send_queued_mail()), ("the sweep", sweep_of(container))):
            log.since()
            work()
            made[name] = log.since()
    return made


def sweep_of(container: Container) -> Callable[[], object]:
    return lambda: list(container.sweep()())


def timed(bench: Bench, few: Side, many: Side) -> dict[str, list[tuple[float, float]]]:
    numbers = count()

    def rounds(port: int, side: Side) -> dict[str, float]:
        heard: dict[str, list[float]] = defaultdict(list)
        with Visitor(port, lambda call, seconds: heard[call].append(seconds)) as visitor:
            for _ in range(_ROUNDS_A_PAIR):
                side.live(visitor, f"life-{next(numbers)}")
        return {call: median(seconds) for call, seconds in heard.items()}

    with few.installation.serving() as here, many.installation.serving() as there:
        rounds(here.port, few), rounds(there.port, many)
        pairs = bench.interleaved("every call", lambda: rounds(here.port, few), lambda: rounds(there.port, many))
    return {call: [(little[call], much[call]) for little, much in pairs] for call in pairs[0][0]}
