"""Which core does what, and the processes that are measured: each is ended by whoever started it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_PATIENCE = 30.0
_INHERITED = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


def _cores() -> tuple[set[int], set[int]]:
    """One core for what is measured, the others for who measures and PostgreSQL. Without a second one, no promise."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    first, *others = sorted(os.sched_getaffinity(0))
    return {first}, set(others or [first])


MEASURED, MEASURING = _cores()


def pin(cores: set[int]) -> None:
    """This thread, and all that it starts from now on."""
    if cores:
        os.sched_setaffinity(0, cores)


@contextmanager
def on_the_measured_core() -> Iterator[None]:
    """Processes that are started here run there."""
    pin(MEASURED)
    try:
        yield
    finally:
        pin(MEASURING)


@dataclass(frozen=True, slots=True)
class Server:
    """A server process on the measured core."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def resident_mib(self) -> float:
        """What its worker occupies (VmRSS)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(
    command: Sequence[str], environment: Mapping[str, str], *, port: int, folder: Path, log: Path, ready: str
) -> Iterator[Server]:
    """The server while it runs, from its first 200 on `ready`."""
    with running(command, environment, folder=folder, log=log) as process:
        server = Server(process, port)
        _await_first_answer(server, ready, log)
        yield server


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], *, folder: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process on the measured core. `folder` is where it starts: no `.env` may lie there."""
    with log.open("ab") as output, on_the_measured_core():
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**_INHERITED, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_first_answer(server: Server, path: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not _answers(server.port, path):
        if server.process.poll() is not None or time.monotonic() > deadline:
            sys.stderr.write(log.read_text()[-4000:])
            raise RuntimeError(f"{path} was not answered with 200; what the server logged stands above.")
        time.sleep(0.002)


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
