"""`POST /v1/sessions/refresh`, each call presenting the current generation."""

from collections.abc import Sequence

from bench.bench import Bench
from bench.ceiling import refresh_token
from bench.database import query
from bench.figures import Figure, Part
from bench.installation import dealt
from bench.load import Sample, drive
from bench.machine import Server
from bench.parts.me import CONNECTIONS, against_ceiling, medians, processor_time
from bench.scripts import Refreshing

_WRITTEN = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::int, sum(n_tup_hot_upd)::int FROM pg_stat_user_tables"


def measure(bench: Bench) -> Part:
    ours = [Refreshing(hand) for hand in dealt([one.refresh_token for one in bench.portico.sign_in()], CONNECTIONS)]
    key = bench.ceiling_secret.encode()
    tokens = [refresh_token(key, one.account_id, one.session_id) for one in bench.portico.sign_in()]
    theirs = [Refreshing(hand) for hand in dealt(tokens, CONNECTIONS)]

    with bench.portico.serving() as portico, bench.ceiling() as ceiling:

        def load(server: Server, scripts: Sequence[Refreshing]) -> Sample:
            return drive(server, scripts, seconds=bench.seconds)

        load(portico, ours), load(ceiling, theirs)
        pairs = bench.interleaved("refresh", lambda: load(portico, ours), lambda: load(ceiling, theirs))
    return Part(
        name="refresh",
        figures=[
            against_ceiling(pairs, at_least=0.5),
            Figure(
                name="p99 latency, against the ceiling's",
                rounds=[ours.p99 / theirs.p99 for ours, theirs in pairs],
                target=None,
                of=medians(pairs, "p99", "ms"),
            ),
            processor_time(pairs),
            rows_written(bench, ours),
        ],
    )


def rows_written(bench: Bench, scripts: Sequence[Refreshing]) -> Figure:
    """What PostgreSQL counts; its processes tell when they end, as those of a server do that stops."""
    [(before, hot_before)] = query(bench.portico.url, _WRITTEN)
    rotations_before = sum(script.rotations for script in scripts)
    with bench.portico.serving(BACKGROUND_WORK="false") as portico:
        drive(portico, scripts, seconds=1.0)
    [(after, hot_after)] = query(bench.portico.url, _WRITTEN)
    rotations = sum(script.rotations for script in scripts) - rotations_before
    return Figure(
        name="rows written a refresh",
        rounds=[(after - before) / rotations],
        target=("at most", 1),
        unit="",
        of={"of them without touching an index": (hot_after - hot_before) / rotations},
    )
