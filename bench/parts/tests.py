"""How long the tests take, as `make test` runs them on both cores, once installed."""

import os
import subprocess
import sys
import time

from bench.bench import Bench
from bench.figures import Figure, Part
from bench.machine import MEASURED, MEASURING, ROOT, pin


def measure(bench: Bench) -> Part:
    def seconds(*arguments: str) -> float:
        started = time.perf_counter()
        command = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "worksteal", *arguments]
        finished = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True)
        if finished.returncode:
            raise RuntimeError(f"Tests failed:\n{finished.stdout.decode()[-4000:]}")
        return time.perf_counter() - started

    task = bench.progress.add_task("tests", total=2)
    pin(MEASURED | MEASURING)
    try:
        inner = seconds("tests/domain", "tests/application")
        bench.progress.advance(task)
        all_of_them = seconds()
        bench.progress.advance(task)
    finally:
        pin(MEASURING)
    return Part(
        name="tests",
        figures=[
            Figure(name="domain and application", rounds=[inner], target=("at most", 10), unit="s"),
            Figure(name="all", rounds=[all_of_them], target=("at most", 300), unit="s"),
        ],
    )
