"""The README, as a stranger follows it: its commands are run in order, and what it shows is what they print."""

import json
import os
import re
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.installation import BIN, PATIENCE, ROOT, Installation, Server, free_port

README = (ROOT / "README.md").read_text()
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    commands: str
    kind: str
    """Of what is shown: json, http or text; empty if nothing is."""
    shown: str


def steps(section: str) -> list[Step]:
    """The ```sh blocks of a section, each with the block of output that follows it directly."""
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    fences = list(_FENCE.finditer(text))
    found = []
    for number, fence in enumerate(fences):
        if fence[1] == "sh":
            after = fences[number + 1] if number + 1 < len(fences) else None
            output = after if after and after[1] != "sh" and after.start() == fence.end() else None
            found.append(Step(fence[2], output[1] if output else "", output[2] if output else ""))
    return found


def sh_blocks(text: str) -> list[str]:
    return [fence[2] for fence in _FENCE.finditer(text) if fence[1] == "sh"]


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
        [started] = [step.commands for step in steps("Start it") if "run" in step.commands]
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


def test_both_tours_go_as_the_readme_shows_them(running: Server) -> None:
    tours = [steps("A first tour"), steps("A tour of organizations")]
    assert [len(tour) > 7 for tour in tours] == [True, True]
    tour = [step for each in tours for step in each]
    mark = "--- next step ---"
    script = f"\necho; echo '{mark}'\n".join(step.commands for step in tour)
    walked = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("127.0.0.1:8000", f"127.0.0.1:{running.port}")],
        cwd=running.installation.directory,
        env=running.installation.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert walked.returncode == 0, walked.stdout + walked.stderr + running.log.read_text()
    for step, printed in zip(tour, walked.stdout.split(mark), strict=True):
        assert outline(step.kind, printed.strip()) == outline(step.kind, step.shown.strip()), step.commands


def outline(kind: str, output: str) -> object:
    """What must be the same each time: the status and the shape, not ids and times."""
    match kind:
        case "http":
            head, _, body = output.replace("\r", "").partition("\n\n")
            return head.partition("\n")[0], shape(json.loads(body)) if body else None
        case "json":
            return shape(json.loads(output))
        case "text":
            return re.sub(r"\(.*\)", "(…)", output)
        case _:
            return ""


_TELLING = {"allowed", "code", "role", "state", "status"}
"""Members whose very value is what the README wants to show."""


def shape(value: object) -> object:
    match value:
        case dict():
            return {name: member if name in _TELLING else shape(member) for name, member in value.items()}
        case list():
            return [shape(item) for item in value]
        case _:
            return type(value).__name__


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
