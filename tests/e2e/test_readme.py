"""The README, as a stranger follows it: its commands are run in order, and what it shows is what they print."""

import os
import re
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import BIN, PATIENCE, ROOT, Installation, Server, free_port
from tests.e2e.tours import section, steps, walk

README = (ROOT / "README.md").read_text()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Server]:
    """What `make run` starts where everything is installed already; the rest of the checkout is not needed."""
    for name in ("Makefile", ".env.example"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".venv").symlink_to(BIN.parent)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    port = free_port()
    installation = Installation(directory=tmp_path, settings={"PORT": str(port), "BCRYPT_COST": "4"})
    log = tmp_path / "run.log"
    with log.open("wb") as output:
        [started] = [step.commands for step in steps(section(README, "Start it")) if "run" in step.commands]
        process = subprocess.Popen(
            ["bash", "-c", started.replace("make run", "exec make -o install run")],
            cwd=tmp_path,
            env=installation.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(installation, process, port, log)
    try:
        server.wait_until_ready()
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def test_the_tours_go_as_the_readme_shows_them(running: Server) -> None:
    tours = [steps(section(README, heading)) for heading in ("A first tour", "A tour of organizations")]
    assert [len(tour) > 7 for tour in tours] == [True, True]
    walk([step for tour in tours for step in tour], running)


def test_make_run_takes_its_settings_from_a_file_that_it_makes(running: Server) -> None:
    made = running.installation.directory / ".env"
    assert made.read_text() == (ROOT / ".env.example").read_text()


def test_the_lock_holds_every_dependency() -> None:
    """What `make install` takes is what pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {
        "requirements.lock": project["dependencies"],
        "requirements-dev.lock": project["dependencies"] + project["optional-dependencies"]["dev"],
    }
    for lock, dependencies in wanted.items():
        locked = {line.partition("==")[0] for line in (ROOT / lock).read_text().splitlines() if "==" in line}
        names = {re.split(r"[\[><=~! ]", dependency)[0].lower() for dependency in dependencies}
        assert names <= {re.split(r"\[", name)[0] for name in locked}, lock
