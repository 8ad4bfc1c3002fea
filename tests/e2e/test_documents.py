"""The documents: every link leads somewhere, and what can be run is run."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.installation import BIN, ROOT, Installation
from tests.e2e.tours import steps, walk

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(document: Path) -> list[str]:
    found: list[str] = _LINK.findall(_CODE.sub("", document.read_text()))
    return [link for link in found if not link.startswith(("http://", "https://"))]


def anchors(document: Path) -> set[str]:
    """The names that a repository's host gives to headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document.suffix == ".md" and document not in reached:
            reached.add(document)
            waiting += [(document.parent / link.partition("#")[0]).resolve() for link in links(document)]
    assert reached >= set(DOCUMENTS)


def test_the_table_of_asvs_names_tests_that_exist() -> None:
    named = re.findall(r"(?<![\w/])([a-z0-9]+/test_\w+)", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "tests" / f"{name}.py").exists()] == []


def test_the_catalogue_that_is_shown_is_the_one_that_is_there() -> None:
    [shown] = re.findall(r"^```toml\n(.*?)^```$", (ROOT / "docs" / "permissions.md").read_text(), re.M | re.S)
    assert shown == (ROOT / "docs" / "catalogue-invoicing.toml").read_text()


def test_a_backup_is_restored_and_newer_refresh_tokens_count_as_copied(on_sqlite: Installation) -> None:
    (on_sqlite.directory / ".venv").symlink_to(BIN.parent)
    back_up, restore = (step.commands for step in steps((ROOT / "docs" / "deploy.md").read_text()))

    with on_sqlite.serving() as server, server.client() as client:
        server.sign_up("ada@example.com")
        at_the_backup = server.sign_in("ada@example.com")["refresh_token"]
        run(back_up, on_sqlite)
        newer = at_the_backup
        for _ in range(2):
            newer = client.post("/v1/sessions/refresh", json={"refresh_token": newer}).json()["refresh_token"]
        server.terminate()

    run(restore, on_sqlite)
    with on_sqlite.serving() as server, server.client() as client:
        server.sign_in("ada@example.com")
        answer = client.post("/v1/sessions/refresh", json={"refresh_token": newer})
        assert answer.json()["code"] == "refresh_reused"
        answer = client.post("/v1/sessions/refresh", json={"refresh_token": at_the_backup})
        assert answer.json()["code"] == "session_ended"


def test_second_factors_are_used_as_their_document_shows_it(on_sqlite: Installation) -> None:
    (on_sqlite.directory / ".venv").symlink_to(BIN.parent)
    tour = steps((ROOT / "docs" / "second-factors.md").read_text())
    assert len(tour) > 12
    with on_sqlite.serving() as server:
        walk(tour, server)


def run(commands: str, installation: Installation) -> None:
    subprocess.run(
        ["bash", "-euc", commands], cwd=installation.directory, env=installation.environment, check=True, timeout=20
    )
