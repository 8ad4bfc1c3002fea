"""`POST /v1/sessions/refresh`, each call presenting the current generation."""

from bench.bench import Bench
from bench.ceiling import refresh_token
from bench.figures import Figure, Part
from bench.installation import dealt
from bench.load import Sample, Script, drive
from bench.machine import Server
from bench.parts.me import CONNECTIONS, against_ceiling, medians
from bench.scripts import Refreshing

_ROWS_WRITTEN = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_xact_user_tables"


def measure(bench: Bench) -> Part:
    ours = [one.refresh_token for one in bench.portico.sign_in()]
    key = bench.ceiling_secret.encode()
    theirs = [refresh_token(key, one.account_id, one.session_id) for one in bench.portico.sign_in()]
    our_scripts: list[Script] = [Refreshing(hand) for hand in dealt(ours, CONNECTIONS)]
    their_scripts: list[Script] = [Refreshing(hand) for hand in dealt(theirs, CONNECTIONS)]

    with bench.portico.serving() as portico, bench.ceiling() as ceiling:

        def load(server: Server, scripts: list[Script]) -> Sample:
            return drive(server.port, scripts, seconds=bench.seconds)

        load(portico, our_scripts), load(ceiling, their_scripts)
        pairs = bench.interleaved("refresh", lambda: load(portico, our_scripts), lambda: load(ceiling, their_scripts))
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
        ],
    )
