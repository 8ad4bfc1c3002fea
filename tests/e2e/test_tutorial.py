"""docs/add-a-concept.md, done as it says: each block goes where the line above it says, and what comes out is run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from migrations.commands import head
from tests.e2e.installation import BIN, ROOT

TUTORIAL = ROOT / "docs" / "add-a-concept.md"
_BLOCK = re.compile(r"`([\w./-]+\.\w+)`[^`]*:\n\n```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_PATIENCE = 300


class DoesNotFit(Exception):
    """A block says that something stands where it does not."""


def numbered(text: str) -> str:
    """The document's migration comes after one that was the newest in its day: 0003 after 0002."""
    newest = int(head() or 0)
    return re.sub("000[23]", lambda number: f"{newest + int(number[0]) - 2:04}", text)


def applied(before: str, diff: str) -> str:
    """Lines that begin with a space are there, in this order, though not always one after the other; what begins with
    a plus follows them, and what begins with a minus goes. A line that ends in … is known by how it begins."""
    lines = before.split("\n")
    position = 0
    for change in diff.splitlines():
        mark, text = change[:1], change[1:]
        if mark == "+":
            lines.insert(position, text)
        else:
            position = line_of(text, lines, position)
            if mark == "-":
                del lines[position]
                continue
        position += 1
    return "\n".join(lines)


def line_of(text: str, lines: list[str], start: int) -> int:
    for number in range(start, len(lines)):
        if lines[number] == text or (text.endswith("…") and lines[number].startswith(text[:-1])):
            return number
    raise DoesNotFit(text)


def copied(folder: Path) -> None:
    """The checkout as git has it, and what is not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which somebody has followed the tutorial."""
    folder = tmp_path_factory.mktemp("followed")
    copied(folder)
    for name, kind, block in _BLOCK.findall(TUTORIAL.read_text()):
        file = folder / numbered(name)
        if kind == "diff":
            file.write_text(applied(file.read_text(), numbered(block)))
        else:
            assert not file.exists(), name
            file.write_text(numbered(block))
    return folder


def files(*kinds: str) -> list[str]:
    """Those that have a block of such a kind."""
    blocks = _BLOCK.findall(TUTORIAL.read_text())
    return [numbered(name) for name, kind, _ in blocks if kind in kinds and name.endswith(".py")]


def run(folder: Path, *command: str) -> None:
    """The checkout's own packages come before those that are installed."""
    bare = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_every_block_has_its_place() -> None:
    assert len(_BLOCK.findall(TUTORIAL.read_text())) == TUTORIAL.read_text().count("\n```\n") >= 20


def test_it_keeps_to_the_rules_of_the_house(followed: Path) -> None:
    run(followed, str(BIN / "ruff"), "check", *files("python", "diff"))
    run(followed, str(BIN / "ruff"), "format", "--check", *files("python", "diff"))
    run(followed, str(BIN / "lint-imports"))


def test_its_types_fit(followed: Path) -> None:
    run(followed, str(BIN / "mypy"), *files("python"))


def test_what_it_adds_works_on_every_adapter_and_over_http(followed: Path) -> None:
    concerned = (
        "project",
        "goes_up_and_down",
        "what_the_models_say",
        "distributed_by",
        "nothing_but_a_key",
        "every_operation",
        "never_change",
        "is_documented",
    )
    run(
        followed,
        *(sys.executable, "-m", "pytest", "-k", " or ".join(concerned)),
        *("tests/contract/test_projects.py", "tests/migrations/test_migrations.py", "tests/http/test_projects.py"),
        *("tests/http/test_isolation.py", "tests/http/test_openapi.py", "tests/http/test_documents.py"),
    )
