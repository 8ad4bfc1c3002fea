"""A storm of sign-ins: whoever is signed in must not feel it, and who does not fit the queue is told so at once."""

import asyncio
from statistics import median

from bench.bench import Bench
from bench.database import address_of
from bench.figures import Figure, Part
from bench.installation import PASSWORD, dealt
from bench.load import Clients, Sample, Script, drive, run
from bench.scripts import Reading, SigningIn

CLIENTS = 50
READERS = 4


def measure(bench: Bench) -> Part:
    tokens = [one.access_token for one in bench.portico.sign_in()]
    readers: list[Script] = [Reading("/v1/me", hand) for hand in dealt(tokens, READERS)]
    crowd: list[Script] = [SigningIn(address_of(number), PASSWORD) for number in range(1, CLIENTS + 1)]

    # Long enough that those who were refused come back.
    seconds = 2 * bench.seconds

    with bench.portico.serving() as portico:

        async def in_the_storm() -> tuple[Sample, Sample]:
            async with Clients(portico.port, readers) as reading:
                await reading.warm_up(0.5)
                async with Clients(portico.port, crowd) as storm:
                    return await asyncio.gather(reading.observe(seconds), storm.observe(seconds))

        pairs = bench.interleaved(
            "sign-in storm",
            lambda: run(in_the_storm()),
            lambda: drive(portico, readers, seconds=seconds),
        )
    return Part(
        name="storm",
        figures=[
            Figure(
                name="/v1/me requests/s, against idle",
                rounds=[stormy.rate / idle.rate for (stormy, _), idle in pairs],
                target=("at least", 0.85),
                of={
                    "in the storm, /s": median(stormy.rate for (stormy, _), _ in pairs),
                    "idle, /s": median(idle.rate for _, idle in pairs),
                },
            ),
            Figure(
                name="/v1/me p99",
                rounds=[stormy.p99 for (stormy, _), _ in pairs],
                target=("at most", 60.0),
                unit="ms",
                of={"idle, ms": median(idle.p99 for _, idle in pairs)},
            ),
            Figure(
                name="slowest 503",
                rounds=[max(storm.refused) for (_, storm), _ in pairs if storm.refused],
                target=("at most", 100.0),
                unit="ms",
                of={
                    "503s a round": median(len(storm.refused) for (_, storm), _ in pairs),
                    "sign-ins/s": median(storm.rate for (_, storm), _ in pairs),
                },
            ),
        ],
    )
