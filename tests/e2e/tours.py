"""Documents whose commands can be typed: they are run in order, and what is shown is what they print."""

import json
import re
import subprocess
from typing import NamedTuple

from tests.e2e.installation import PATIENCE, Server

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_MARK = "--- next step ---"
_TELLING = {"aal", "allowed", "code", "enrol_first", "role", "state", "status"}
"""Members whose very value is what a document wants to show."""


class Step(NamedTuple):
    commands: str
    kind: str
    """Of what is shown: json, http or text; empty if nothing is."""
    shown: str


def steps(text: str) -> list[Step]:
    """The ```sh blocks, each with the block of output that follows it directly."""
    fences = list(_FENCE.finditer(text))
    found = []
    for number, fence in enumerate(fences):
        if fence[1] == "sh":
            after = fences[number + 1] if number + 1 < len(fences) else None
            output = after if after and after[1] != "sh" and after.start() == fence.end() else None
            found.append(Step(fence[2], output[1] if output else "", output[2] if output else ""))
    return found


def section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def walk(tour: list[Step], server: Server) -> None:
    """Fail unless each step goes well and prints what is shown."""
    script = f"\necho; echo '{_MARK}'\n".join(step.commands for step in tour)
    walked = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")],
        cwd=server.installation.directory,
        env=server.installation.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert walked.returncode == 0, walked.stdout + walked.stderr + server.log.read_text()
    for step, printed in zip(tour, walked.stdout.split(_MARK), strict=True):
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


def shape(value: object) -> object:
    match value:
        case dict():
            return {name: member if name in _TELLING else shape(member) for name, member in value.items()}
        case list():
            return [shape(item) for item in value]
        case _:
            return type(value).__name__
