"""A thousand accounts against a million: the same statements, every access by an index, and as fast."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from statistics import median
from typing import Any

from bench.bench import Bench
from bench.figures import Figure, Part
from bench.life import World, live, world
from bench.plans import LOGGED, StatementLog, explain, to_json
from bench.visitor import Visitor
from entrypoints.container import Container

FEW, MANY = 1_000, 1_000_000
_LIVES_A_PAIR = 3
_COST = 10
"""Of bcrypt: the least that production takes, so that there is something else to see."""

Statements = dict[str, list[str]]


def measure(bench: Bench) -> Part:
    few = bench.installation("few", FEW, bcrypt_cost=_COST)
    many = bench.installation("many", MANY // (10 if bench.quick else 1), bcrypt_cost=_COST)
    with world(few) as small, world(many) as large:
        of_few, of_many = statements_of(bench, small), statements_of(bench, large)
        seconds = timed(bench, small, large)

    differing = [call for call in of_many if len(of_many[call]) != len(of_few[call])]
    plans = {call: explain(many.url, statements) for call, statements in of_many.items()}
    sequential = [table for of_call in plans.values() for plan in of_call for table in plan.sequential]
    ratios = {call: [there / here for here, there in pairs] for call, pairs in seconds.items()}
    slowest = max(ratios, key=lambda call: median(ratios[call]))
    deepest = {
        call: [last / first for (_, last), (_, first) in zip(pairs, seconds[start], strict=True)]
        for call, pairs in seconds.items()
        if (start := call.removesuffix(", deepest page")) != call
    }
    slowest_page = max(deepest, key=lambda call: median(deepest[call]))
    return Part(
        name="scale",
        figures=[
            Figure(
                name="calls that take another number of statements",
                rounds=[len(differing)],
                target=("at most", 0),
                unit=f"of {len(of_many)}",
            ),
            Figure(name="sequential scans", rounds=[len(sequential)], target=("at most", 0), unit=""),
            Figure(
                name=f"the call that loses most, {slowest}",
                rounds=ratios[slowest],
                target=("at most", 1.3),
                of=milliseconds(seconds[slowest]),
            ),
            Figure(
                name=f"the worst last page against its first, {slowest_page}",
                rounds=deepest[slowest_page],
                target=("at most", 1.3),
            ),
        ],
        details={
            "accounts": [few.accounts, many.accounts],
            "calls": {call: described(call, of_few, of_many, plans, ratios, seconds) for call in of_many},
        },
    )


def described(
    call: str, of_few: Statements, of_many: Statements, plans: Any, ratios: Any, seconds: Any
) -> dict[str, Any]:
    timed: dict[str, Any] = {}
    if call in ratios:
        rounded = {name: round(value, 2) for name, value in milliseconds(seconds[call]).items()}
        timed = {"times as slow": round(median(ratios[call]), 2), "of": rounded}
    return {"statements": [len(of_few[call]), len(of_many[call])], **timed, "plans": to_json(plans[call])}


def milliseconds(pairs: list[tuple[float, float]]) -> dict[str, float]:
    return {
        f"{MANY:,} accounts, ms": 1000 * median(there for _, there in pairs),
        f"{FEW:,}, ms": 1000 * median(here for here, _ in pairs),
    }


def statements_of(bench: Bench, world: World) -> Statements:
    """What each call, and what happens by itself, says to the database: BEGIN and COMMIT included."""
    made: Statements = {}
    log = StatementLog(bench.cluster)
    logged = replace(world.installation, url=f"{world.installation.url}&{LOGGED}")
    with logged.serving(BACKGROUND_WORK="false") as server:
        with Visitor(server.port, lambda *_: None) as visitor:
            live(visitor, world, "warm-up")  # opens the connections
        log.since()
        with Visitor(server.port, lambda call, _: made.__setitem__(call, log.since())) as visitor:
            live(visitor, world, "logged")
    with logged.container() as container:
        for name, work in (("the mail relay", container.send_queued_mail()), ("the sweep", sweep_of(container))):
            log.since()
            work()
            made[name] = log.since()
    return made


def sweep_of(container: Container) -> Callable[[], object]:
    return lambda: list(container.sweep()())


def timed(bench: Bench, small: World, large: World) -> dict[str, list[tuple[float, float]]]:
    """For each call its seconds in pairs: among few and among many."""
    numbers = count()

    def lives(port: int, world: World) -> dict[str, float]:
        heard: dict[str, list[float]] = defaultdict(list)
        with Visitor(port, lambda call, seconds: heard[call].append(seconds)) as visitor:
            for _ in range(_LIVES_A_PAIR):
                live(visitor, world, f"life-{next(numbers)}")
        return {call: median(seconds) for call, seconds in heard.items()}

    with small.installation.serving() as here, large.installation.serving() as there:
        lives(here.port, small), lives(there.port, large)
        pairs = bench.interleaved("every call", lambda: lives(here.port, small), lambda: lives(there.port, large))
    return {call: [(few[call], many[call]) for few, many in pairs] for call in pairs[0][0]}
