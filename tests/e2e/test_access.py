"""`portico access`: what an operator declares, as they type it."""

import httpx
import pytest

from tests.e2e.installation import ROOT, Installation

EXAMPLE = ROOT / "docs" / "catalogue-invoicing.toml"
OF_THE_EXAMPLE = {"add": 3, "grant": 4}
"""Three actions; all of them to admin, and one to member."""


@pytest.fixture
def migrated(on_sqlite: Installation) -> Installation:
    assert on_sqlite.command("migrate", "up").exit_code == 0
    return on_sqlite


def written(installation: Installation, text: str) -> str:
    file = installation.directory / "catalogue.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def verbs(printed: str) -> dict[str, int]:
    """How many lines of a plan add, grant, and so on."""
    first = [line.split()[0] for line in printed.splitlines()]
    known = ("add", "describe", "grant", "withdraw", "remove")
    return {verb: first.count(verb) for verb in known if verb in first}


def test_a_plan_shows_what_would_change_and_changes_nothing(migrated: Installation) -> None:
    for _ in range(2):
        planned = migrated.command("access", "plan", str(EXAMPLE))
        assert (planned.exit_code, verbs(planned.stdout)) == (0, OF_THE_EXAMPLE), planned.output
    assert "add       invoices:send: Send them to customers" in planned.stdout
    assert "grant     invoices:read to member" in planned.stdout


def test_what_is_applied_again_changes_nothing(either: Installation) -> None:
    either.command("migrate", "up")
    applied = either.command("access", "apply", str(EXAMPLE))
    assert (applied.exit_code, verbs(applied.stdout)) == (0, OF_THE_EXAMPLE), applied.output
    again = either.command("access", "apply", str(EXAMPLE))
    assert (again.exit_code, again.stdout) == (0, "Nothing changes.\n")
    assert either.command("access", "plan", str(EXAMPLE)).stdout == "Nothing changes.\n"


def test_it_asks_before_it_takes_anything_away(migrated: Installation) -> None:
    migrated.command("access", "apply", str(EXAMPLE))
    less = written(migrated, '[invoices]\nactions = { read = "Look at them", write = "Draft and change them" }\n')
    unanswered = migrated.command("access", "apply", less)
    assert unanswered.exit_code != 0
    taken = {"describe": 1, "withdraw": 4, "remove": 1}
    assert verbs(migrated.command("access", "plan", less).stdout) == taken, "nothing was changed"
    agreed = migrated.command("access", "apply", less, "--yes")
    assert (agreed.exit_code, verbs(agreed.stdout)) == (0, taken), agreed.output
    assert migrated.command("access", "plan", less).stdout == "Nothing changes.\n"


def test_what_a_role_names_is_removed_only_by_name_and_struck_out_of_it(on_sqlite: Installation) -> None:
    less = written(on_sqlite, '[invoices]\nactions = { read = "See them", write = "Draft and change them" }\n')
    with on_sqlite.serving() as server:
        on_sqlite.command("access", "apply", str(EXAMPLE))
        server.sign_up("ada@example.com")
        with server.client(server.sign_in("ada@example.com")["access_token"]) as client:
            organization = organization_of(client)

            refused = on_sqlite.command("access", "apply", less, "--yes")
            assert refused.exit_code == 1
            assert "invoices:send (1)" in refused.stderr
            assert "--remove invoices:send" in refused.stderr
            assert on_sqlite.command("access", "plan", less).exit_code == 1, "a plan says so beforehand"
            assert granted_to_clerks(client, organization) == ["invoices:read", "invoices:send"], "nothing was changed"

            astray = on_sqlite.command("access", "apply", less, "--yes", "--remove", "invoices:write")
            assert (astray.exit_code, "invoices:write" in astray.stderr) == (2, True)

            by_name = ("access", "apply", less, "--yes", "--remove", "invoices:send")
            assert on_sqlite.command(*by_name).exit_code == 0
            assert granted_to_clerks(client, organization) == ["invoices:read"]
            assert on_sqlite.command(*by_name).stdout == "Nothing changes.\n"


def organization_of(client: httpx.Client) -> str:
    """A new one, with the role `clerk`. Return the path under which it is."""
    organization = f"/v1/organizations/{client.post('/v1/organizations', json={'name': 'Acme'}).json()['id']}"
    role = {"name": "clerk", "permissions": ["invoices:read", "invoices:send"]}
    made = client.post(f"{organization}/roles", json=role)
    assert made.status_code == 201, made.text
    return organization


def granted_to_clerks(client: httpx.Client, organization: str) -> list[str]:
    [clerk] = [role for role in client.get(f"{organization}/roles").json()["items"] if role["name"] == "clerk"]
    permissions: list[str] = clerk["permissions"]
    return permissions


WRONG = """
title = "Invoicing"

[Invoices]
actions = { read = "See them" }

[invoices]
description = 7
action = { read = "See them" }
actions = { "Send!" = "Send them", void = 0, read = "Ring\\u0007", send = "%s" }

[members]
actions = { praise = "Praise them" }

[reports]
actions = {}

[roles]
owner = ["invoices:read"]
clerk = ["invoices:read"]
admin = "invoices:*"
member = ["invoices:read", "reports:*", "receipts:read"]
"""


def test_a_wrong_file_is_refused_with_every_problem_at_once(migrated: Installation) -> None:
    file = written(migrated, WRONG % ("x" * 201))
    for command in ("plan", "apply"):
        refused = migrated.command("access", command, file)
        assert refused.exit_code == 2
        blamed = [line.partition(": ")[0] for line in refused.stderr.splitlines()[1:]]
        assert blamed == [
            "title",
            "Invoices.actions.read",
            "invoices.action",
            "invoices.description",
            "invoices.actions.Send!",
            "invoices.actions.void",
            "invoices.actions.read",
            "invoices.actions.send",
            "members.actions.praise",
            "reports.actions",
            "roles.owner",
            "roles.clerk",
            "roles.admin",
            "roles.member",
            "roles.member",
        ], refused.stderr
    assert verbs(migrated.command("access", "plan", str(EXAMPLE)).stdout) == OF_THE_EXAMPLE, "nothing was changed"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'[invoices]\nactions = { read = "See them"\n', "line 2"),
        (b'[invoices]\nactions = { read = "\xff" }\n', "UTF-8"),
        (b'roles = ["admin"]\n', "roles: "),
    ],
)
def test_what_is_no_such_file_at_all_is_told_in_words(on_sqlite: Installation, text: bytes, told: str) -> None:
    file = on_sqlite.directory / "catalogue.toml"
    file.write_bytes(text)
    refused = on_sqlite.command("access", "plan", str(file))
    assert (refused.exit_code, told in refused.stderr) == (2, True), refused.output


def test_a_file_that_is_not_there_is_told_in_words(on_sqlite: Installation) -> None:
    refused = on_sqlite.command("access", "plan", "nowhere.toml")
    assert (refused.exit_code, "nowhere.toml" in refused.stderr) == (2, True)
