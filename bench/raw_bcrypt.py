"""What the hashing threads could do at most: bcrypt and nothing else. `python -m bench.raw_bcrypt COUNT THREADS COST`
prints hashes a second."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import bcrypt

from bench.machine import ROOT, on_the_measured_core
from entrypoints.hashing import _lower_priority


def hashes_a_second(count: int, *, threads: int, cost: int) -> float:
    """In a process of its own on the measured core."""
    command = [sys.executable, "-m", "bench.raw_bcrypt", str(count), str(threads), str(cost)]
    with on_the_measured_core():
        finished = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return float(finished.stdout)


def main() -> None:
    count, threads, cost = map(int, sys.argv[1:])
    salt = bcrypt.gensalt(cost)
    # At the priority of the server's threads: whatever else runs on this machine slows both alike.
    with ThreadPoolExecutor(threads, initializer=_lower_priority) as executor:
        executor.submit(bcrypt.hashpw, b"warm-up", salt).result()
        started = time.perf_counter()
        list(executor.map(bcrypt.hashpw, [b"password"] * count, [salt] * count))
        print(count / (time.perf_counter() - started))


if __name__ == "__main__":
    main()
