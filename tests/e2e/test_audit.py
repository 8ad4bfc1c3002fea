"""`portico audit`, as whoever keeps the machine types it."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import pytest

from application.ports.unit_of_work import Persistence
from domain.audit import ChainId, Occasion
from domain.sessions import Client
from entrypoints.container import Container, build
from entrypoints.settings import Settings
from tests.audit_trail import ACME, ADA, GLOBEX, a_happening, an_occasion, happened
from tests.builders import MINUTE, NOON
from tests.e2e.installation import BIN, ROOT, Installation
from tests.e2e.tours import steps, walk

SECRET = "a-secret-of-the-tests-" * 2
LENGTH = 4


@contextmanager
def opened(installation: Installation) -> Iterator[Container]:
    with chdir(installation.directory):
        container = build(Settings.load(installation.settings, env_file=Path("nowhere")))
        try:
            yield container
        finally:
            container.persistence().close()


def entered(database: Persistence, *, by: Occasion) -> None:
    for minute in range(LENGTH):
        at = NOON + minute * MINUTE
        happened(database, a_happening(at=at), a_happening(at=at, organization_id=GLOBEX), by=by)


@pytest.fixture
def audited(either: Installation) -> Installation:
    """Two organizations with four sealed entries each."""
    installation = either.having(SECRET_KEY=SECRET)
    assert installation.command("migrate", "up").exit_code == 0
    with opened(installation) as container:
        entered(container.persistence(), by=an_occasion())
        seal(container)
    return installation


def seal(container: Container) -> None:
    while container.sequencer()():
        pass


def deleted(installation: Installation, position: int) -> None:
    with opened(installation) as container, container.persistence().unit_of_work() as uow:
        [(seal, _)] = uow.chains.links(ChainId(ACME), after=position - 1, limit=1)
        connection = uow.connection  # type: ignore[attr-defined]
        id = seal.entry_id.hex if connection.dialect.name == "sqlite" else seal.entry_id
        connection.exec_driver_sql(f"DELETE FROM audit_entries WHERE id = '{id}'")  # noqa: S608


def exported(installation: Installation, *arguments: str) -> list[dict[str, object]]:
    done = installation.command("audit", "export", "--format", "jsonl", "--output", "-", *arguments)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_whole_trail_is_proved_and_its_heads_are_printed(audited: Installation) -> None:
    verified = audited.command("audit", "verify")
    heads = verified.stdout.split()
    assert verified.exit_code == 0
    assert [head.rpartition(":")[0] for head in heads] == sorted(f"{id}:{LENGTH}" for id in (ACME, GLOBEX))
    again = audited.command("audit", "verify", *(word for head in heads for word in ("--head", head)))
    assert (again.exit_code, again.stdout) == (0, verified.stdout)


def test_a_broken_link_is_named_in_words_and_the_others_are_proved(audited: Installation) -> None:
    deleted(audited, 3)
    verified = audited.command("audit", "verify")
    assert verified.exit_code == 1
    assert f"Chain {ACME} is broken at 3: the entry that was sealed here is gone" in verified.stderr
    assert verified.stdout.startswith(f"{GLOBEX}:{LENGTH}:")
    assert audited.command("audit", "verify", "--organization", str(ACME)).exit_code == 1
    assert audited.command("audit", "verify", "--chain", str(GLOBEX)).exit_code == 0


def test_what_the_log_knows_of_a_chain_must_still_stand_in_it(audited: Installation) -> None:
    cut_off = audited.command("audit", "verify", "--head", f"{ACME}:{LENGTH + 1}:mac")
    assert (cut_off.exit_code, "went on when its head was logged" in cut_off.stderr) == (1, True)
    another = audited.command("audit", "verify", "--head", f"{ACME}:1:mac")
    assert (another.exit_code, "is broken at 1: another seal" in another.stderr) == (1, True)


@pytest.mark.parametrize("head", ["", "a:1:b", f"{ACME}:0:mac", f"{ACME}:1", f"{ACME}:one:mac", f"{ACME}:1:"])
def test_what_is_no_head_is_refused_in_words(audited: Installation, head: str) -> None:
    refused = audited.command("audit", "verify", "--head", head)
    assert (refused.exit_code, "CHAIN:POSITION:MAC" in refused.stderr) == (2, True)


def test_without_its_secret_no_seal_is_proved(audited: Installation) -> None:
    changed = audited.command("audit", "verify", SECRET_KEY="another-" * 6)
    assert (changed.exit_code, "its secret is not configured" in changed.stderr) == (1, True)
    known = audited.command("audit", "verify", SECRET_KEY="another-" * 6, SECRET_KEYS_OLD=SECRET)
    assert known.exit_code == 0


def test_an_export_holds_every_entry_oldest_first(audited: Installation) -> None:
    found = exported(audited)
    assert len(found) == 2 * LENGTH
    assert [entry["at"] for entry in found] == sorted(str(entry["at"]) for entry in found)
    first = exported(audited, "--organization", str(ACME))[0]
    assert (first["position"], first["at"], first["actor_id"], first["network"], first["details"]) == (
        1,
        "2026-03-20T12:00:00.000000Z",
        str(ADA),
        "192.0.2.7/32",
        {"name": "bücher", "count": 3, "forced": False, "reason": None},
    )


def test_an_export_is_of_a_time(audited: Installation) -> None:
    some = exported(audited, "--since", "2026-03-20T12:01:00Z", "--until", "2026-03-20T17:33:00+05:30")
    assert {entry["at"] for entry in some} == {"2026-03-20T12:01:00.000000Z", "2026-03-20T12:02:00.000000Z"}
    assert exported(audited, "--until", "2026-03-20") == []
    refused = audited.command("audit", "export", "--format", "csv", "--output", "-", "--since", "2026-03-20T12:01:00")
    assert (refused.exit_code, "A time is written" in refused.stderr) == (2, True)


def test_an_export_leaves_an_entry_itself(audited: Installation) -> None:
    exported(audited, "--organization", str(ACME))
    actions = [entry["action"] for entry in exported(audited)]
    assert actions.count("export_audit") == 1


def test_a_file_is_its_owners_alone_and_is_not_overwritten(audited: Installation) -> None:
    command = ["audit", "export", "--format", "csv", "--output", "trail.csv"]
    file = audited.directory / "trail.csv"
    assert audited.command(*command).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    refused = audited.command(*command)
    assert (refused.exit_code, "--force" in refused.stderr, file.read_text()) == (2, True, before)
    assert audited.command(*command, "--force").exit_code == 0
    assert len(file.read_text().splitlines()) == len(before.splitlines()) + 1, "a refused export leaves no entry"
    nowhere = audited.command(*command[:-1], "no/such/directory/trail.csv")
    assert (nowhere.exit_code, "cannot be written" in nowhere.stderr) == (2, True)


def test_values_are_read_by_a_spreadsheet_and_run_by_none(on_sqlite: Installation) -> None:
    installation = on_sqlite.having(SECRET_KEY=SECRET)
    installation.command("migrate", "up")
    with opened(installation) as container:
        entered(container.persistence(), by=an_occasion(client=Client(user_agent='=1+"2",3', network="::/64")))
    done = installation.command("audit", "export", "--format", "csv", "--output", "-")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 2 * LENGTH
    assert {row["user_agent"] for row in rows} == {'\'=1+"2",3'}
    assert json.loads(rows[0]["details"])["name"] == "bücher"
    assert rows[0]["position"] == ""


def test_what_is_personal_is_removed_once_somebody_says_yes(audited: Installation) -> None:
    assert audited.command("audit", "erase", str(ADA)).exit_code != 0, "it asks, and nobody answers"
    assert {entry["network"] for entry in exported(audited)} == {"192.0.2.7/32"}
    erased = audited.command("audit", "erase", str(ADA), "--yes")
    assert (erased.exit_code, f"in {2 * LENGTH} entries" in erased.stdout) == (0, True)
    with opened(audited) as container:
        seal(container)
    assert {entry["network"] for entry in exported(audited)} == {None}
    assert audited.command("audit", "verify").exit_code == 0
    assert "in 0 entries" in audited.command("audit", "erase", str(ADA), "--yes").stdout


def test_the_trail_is_used_as_its_document_shows_it(on_sqlite: Installation) -> None:
    (on_sqlite.directory / ".venv").symlink_to(BIN.parent)
    tour = steps((ROOT / "docs" / "audit.md").read_text())
    assert len(tour) > 6
    with on_sqlite.serving() as server:
        walk(tour, server)
