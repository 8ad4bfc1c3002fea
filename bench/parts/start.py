"""From the command to the first answer, and what a worker occupies when it has had work."""

import sys
import time
from pathlib import Path

from bench.bench import Bench
from bench.figures import Figure, Part
from bench.machine import free_port, serving

_PORTICO = str(Path(sys.executable).parent / "portico")


def measure(bench: Bench) -> Part:
    with bench.portico.serving():
        pass  # it makes the keys

    def start(command: list[str]) -> float:
        port = free_port()
        started = time.perf_counter()
        with serving(
            command,
            {**bench.portico.environment, "PORT": str(port)},
            port=port,
            folder=bench.folder,
            log=bench.folder / "portico.log",
            ready="/health/ready",
        ):
            return time.perf_counter() - started

    pairs = bench.interleaved(
        "start",
        lambda: start([_PORTICO, "serve"]),
        lambda: start([sys.executable, "-m", "entrypoints.server"]),
    )
    return Part(
        name="start",
        figures=[
            Figure(
                name="`portico serve` to the first answer",
                rounds=[whole for whole, _ in pairs],
                target=("at most", 1.5),
                unit="s",
            ),
            Figure(name="of that, the server itself", rounds=[bare for _, bare in pairs], target=None, unit="s"),
        ],
    )
