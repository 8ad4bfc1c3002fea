"""Signing in and signing up: as many a second as raw bcrypt allows on the hashing threads."""

from statistics import median

from bench.bench import BCRYPT_COST, Bench
from bench.database import address_of
from bench.figures import Figure, Part
from bench.installation import PASSWORD
from bench.load import Script, pace
from bench.raw_bcrypt import hashes_a_second
from bench.scripts import SigningIn, SigningUp

_CLIENTS = 4
"""Enough that somebody always waits, and few enough that nobody is refused."""
_HASHES = 12
"""In a round: three seconds of one core."""


def measure(bench: Bench) -> Part:
    threads = bench.portico.settings.hashing_thread_count
    hashes = _HASHES * threads

    def raw() -> float:
        return hashes_a_second(hashes, threads=threads, cost=BCRYPT_COST)

    with bench.portico.serving() as portico:

        def figure(name: str, scripts: list[Script]) -> Figure:
            pairs = bench.interleaved(name, lambda: pace(portico.port, scripts, answers=hashes), raw)
            return Figure(
                name=f"{name}/s, against raw bcrypt",
                rounds=[ours / theirs for ours, theirs in pairs],
                target=("at least", 0.95),
                of={
                    "portico, /s": median(ours for ours, _ in pairs),
                    "raw bcrypt, /s": median(theirs for _, theirs in pairs),
                },
            )

        return Part(
            name="hashing",
            figures=[
                figure("sign-ins", [SigningIn(address_of(number), PASSWORD) for number in range(1, _CLIENTS + 1)]),
                figure("sign-ups", [SigningUp(f"newcomer-{number}", PASSWORD) for number in range(_CLIENTS)]),
            ],
        )
