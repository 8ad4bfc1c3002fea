"""`GET /v1/me` at 32 connections, over 1,000 signed-in accounts."""

from statistics import median

from bench.bench import Bench
from bench.figures import Figure, Part
from bench.installation import dealt
from bench.load import Sample, Script, drive
from bench.machine import Server
from bench.scripts import Reading

CONNECTIONS = 32


def measure(bench: Bench) -> Part:
    tokens = [one.access_token for one in bench.portico.sign_in()]
    scripts: list[Script] = [Reading("/v1/me", hand) for hand in dealt(tokens, CONNECTIONS)]

    with bench.portico.serving() as portico, bench.ceiling() as ceiling:

        def load(server: Server) -> Sample:
            return drive(server, scripts, seconds=bench.seconds)

        load(portico), load(ceiling)
        pairs = bench.interleaved("GET /v1/me", lambda: load(portico), lambda: load(ceiling))
        resident = portico.resident_mib
    return Part(
        name="me",
        figures=[
            against_ceiling(pairs, at_least=0.45),
            Figure(
                name="p99 latency, against the ceiling's",
                rounds=[ours.p99 / theirs.p99 for ours, theirs in pairs],
                target=("at most", 2.0),
                of=medians(pairs, "p99", "ms"),
            ),
            processor_time(pairs),
            Figure(name="resident memory after it", rounds=[resident], target=("at most", 130), unit="MiB"),
        ],
    )


def against_ceiling(pairs: list[tuple[Sample, Sample]], *, at_least: float) -> Figure:
    return Figure(
        name="requests/s, against the ceiling",
        rounds=[ours.rate / theirs.rate for ours, theirs in pairs],
        target=("at least", at_least),
        of=medians(pairs, "rate", "/s"),
    )


def processor_time(pairs: list[tuple[Sample, Sample]]) -> Figure:
    """What the server computes for a request: it hardly moves with what else the machine does."""
    return Figure(
        name="the server's processor time a request, against the ceiling's",
        rounds=[ours.processor_time / theirs.processor_time for ours, theirs in pairs],
        target=None,
        of=medians(pairs, "processor_time", "µs"),
    )


def medians(pairs: list[tuple[Sample, Sample]], attribute: str, unit: str) -> dict[str, float]:
    return {
        f"portico, {unit}": median(getattr(ours, attribute) for ours, _ in pairs),
        f"ceiling, {unit}": median(getattr(theirs, attribute) for _, theirs in pairs),
    }
