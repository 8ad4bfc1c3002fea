"""The `portico` command, as an operator of the machine types it."""

import json
from pathlib import Path

import httpx
import pyotp
import pytest

from tests.e2e.installation import Installation, Server

OPERATOR = "grace@example.com"
PASSWORD = "three herons at noon"
SECRET, NEXT_SECRET = "first-secret-" * 4, "second-secret-" * 4


@pytest.fixture
def migrated(on_sqlite: Installation) -> Installation:
    assert on_sqlite.command("migrate", "up").exit_code == 0
    return on_sqlite


def test_the_schema_goes_up_and_down_and_says_where_it_is(either: Installation) -> None:
    assert either.command("migrate", "down", "base", "--yes").exit_code == 0
    before = either.command("migrate", "status")
    assert (before.exit_code, "nothing" in before.stdout) == (1, True)
    plan = either.command("migrate", "plan")
    assert "CREATE TABLE accounts" in plan.stdout
    assert either.command("migrate", "status").exit_code == 1, "a plan changes nothing"
    assert either.command("migrate", "up").exit_code == 0
    assert either.command("migrate", "status").exit_code == 0
    assert either.command("migrate", "plan").stdout == ""


def test_going_down_asks_first(migrated: Installation) -> None:
    assert migrated.command("migrate", "down", "base").exit_code != 0  # nobody answers
    assert migrated.command("migrate", "status").exit_code == 0


def test_an_unknown_revision_is_refused_in_words(migrated: Installation) -> None:
    refused = migrated.command("migrate", "up", "0000")
    assert (refused.exit_code, type(refused.exception)) == (1, SystemExit)
    assert "0000" in refused.stderr


def test_what_keeps_no_tables_has_nothing_to_migrate(on_sqlite: Installation) -> None:
    assert on_sqlite.having(DATABASE_URL="memory:").command("migrate", "up").exit_code == 0


def test_an_operator_is_made_or_appointed_and_is_told_to_enrol_a_second_factor(server: Server) -> None:
    portico = server.installation.command
    server.sign_up("ada@example.com")
    assert portico("create-operator", "ada@example.com").exit_code == 0, "no password is asked for"
    made = portico("create-operator", OPERATOR, "--name", "Grace", OPERATOR_PASSWORD=PASSWORD)
    assert OPERATOR in made.stdout
    assert "second factor only" in made.stdout
    assert PASSWORD not in made.output
    with server.client(server.sign_in(OPERATOR, PASSWORD)["access_token"]) as client:
        refused = client.get("/v1/admin/accounts").json()
        assert (refused["code"], refused["enrol_first"]) == ("step_up_required", True)
        enrol(client)
        accounts = client.get("/v1/admin/accounts").json()["items"]
    assert {OPERATOR, "ada@example.com"} == {account["email"] for account in accounts if account["is_operator"]}
    assert "second factor" not in portico("create-operator", OPERATOR).stdout, "there is one by now"


def enrol(client: httpx.Client) -> None:
    """An authenticator app: its first code raises the session of the client."""
    app = pyotp.TOTP(client.post("/v1/me/totp").json()["secret"])
    confirmed = client.post("/v1/me/totp/confirm", json={"code": app.now()})
    assert confirmed.status_code == 200, confirmed.text
    client.headers["Authorization"] = f"Bearer {confirmed.json()['access_token']}"


def test_the_last_operator_who_lost_everything_begins_anew(server: Server) -> None:
    portico, address = server.installation.command, "rosa@example.com"
    portico("create-operator", address, OPERATOR_PASSWORD=PASSWORD)
    with server.client(server.sign_in(address, PASSWORD)["access_token"]) as client:
        enrol(client)
        assert portico("reset-factors", address).exit_code != 0, "it asks, and nobody answers"
        assert client.get("/v1/me").is_success
        done = portico("reset-factors", address, "--yes")
        assert (done.exit_code, address in done.stdout) == (0, True), done.output
        assert client.get("/v1/me").json()["code"] == "session_ended"
    with server.client(server.sign_in(address, PASSWORD)["access_token"]) as client:
        assert client.get("/v1/me/factors").json() == {"factors": [], "recovery_codes_left": 0}


def test_factors_of_nobody_cannot_be_reset(migrated: Installation) -> None:
    refused = migrated.command("reset-factors", "nobody@example.com", "--yes")
    assert (refused.exit_code, "has no account" in refused.stderr) == (1, True)


def test_an_operator_with_a_weak_password_is_refused_in_words(migrated: Installation) -> None:
    refused = migrated.command("create-operator", OPERATOR, OPERATOR_PASSWORD="hunter2")
    assert (refused.exit_code, "at least 12 characters" in refused.stderr) == (1, True)


def test_what_needs_the_schema_says_so_without_it(on_sqlite: Installation) -> None:
    for command in (["keys", "list"], ["sweep"], ["create-operator", OPERATOR]):
        refused = on_sqlite.command(*command)
        assert refused.exit_code == 1
        assert "portico migrate up" in refused.stderr


def states(listing: str) -> dict[str, str]:
    """kid -> state, as `keys list` prints them."""
    rows = (line.split() for line in listing.splitlines()[1:])
    return {row[0]: row[1] for row in rows if row}


def test_keys_rotate_and_are_revoked_while_tokens_go_on_working(server: Server) -> None:
    portico = server.installation.command
    server.sign_up("lin@example.com")
    tokens = server.sign_in("lin@example.com")
    assert sorted(states(portico("keys", "list").stdout).values()) == ["active", "standby"]

    too_early = portico("keys", "rotate")
    assert (too_early.exit_code, "younger than 15 minutes" in too_early.stderr) == (1, True)
    rotated = states(portico("keys", "rotate", "--force").stdout)
    assert sorted(rotated.values()) == ["active", "retiring", "standby"]
    assert works(server, tokens)

    retiring = next(kid for kid, state in rotated.items() if state == "retiring")
    assert states(portico("keys", "revoke", retiring, "--yes").stdout)[retiring] == "revoked"
    assert portico("keys", "revoke", retiring, "--yes").exit_code == 1
    assert refreshed(server, tokens), "who holds a token of that key refreshes, and goes on"


def test_the_secret_is_changed_while_everybody_stays_signed_in(on_sqlite: Installation) -> None:
    with on_sqlite.serving(SECRET_KEY=SECRET) as server:
        server.sign_up("ada@example.com")
        tokens = server.sign_in("ada@example.com")
        with server.client(tokens["access_token"]) as client:
            used, unused = (client.post("/v1/me/api-keys", json={"name": name}).json() for name in ("used", "unused"))
        server.terminate()

    forgotten = on_sqlite.command("doctor", SECRET_KEY=NEXT_SECRET)
    assert (forgotten.exit_code, "SECRET_KEYS_OLD" in forgotten.stdout) == (1, True)
    refused = on_sqlite.run("serve", SECRET_KEY=NEXT_SECRET)
    assert (refused.returncode, "SECRET_KEYS_OLD" in refused.stderr) == (1, True)

    with on_sqlite.serving(SECRET_KEY=NEXT_SECRET, SECRET_KEYS_OLD=SECRET) as server:
        assert works(server, tokens)
        tokens = refreshed(server, tokens)
        assert accepts(server, used["secret"])
        rewrapped = on_sqlite.command("keys", "rewrap", SECRET_KEY=NEXT_SECRET, SECRET_KEYS_OLD=SECRET)
        assert "2 keys" in rewrapped.stdout
        server.terminate()

    assert on_sqlite.command("doctor", SECRET_KEY=NEXT_SECRET).exit_code == 0
    with on_sqlite.serving(SECRET_KEY=NEXT_SECRET) as server:
        assert works(server, tokens)
        assert refreshed(server, tokens)
        assert accepts(server, used["secret"]), "its use was noted, and its hash made anew"
        assert not accepts(server, unused["secret"]), "what nobody used must be rotated before the old secret goes"


def works(server: Server, tokens: dict[str, str]) -> bool:
    return accepts(server, tokens["access_token"])


def accepts(server: Server, credential: str) -> bool:
    with server.client(credential) as client:
        return client.get("/v1/me").is_success


def refreshed(server: Server, tokens: dict[str, str]) -> dict[str, str]:
    with server.client() as client:
        answer = client.post("/v1/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 200, answer.text
    new: dict[str, str] = answer.json()
    return new


def test_the_doctor_finds_nothing_where_all_is_well(either: Installation) -> None:
    either.command("migrate", "up")
    healthy = either.command("doctor")
    assert (healthy.exit_code, healthy.stdout.count("FAIL")) == (0, 0), healthy.stdout


def test_the_doctor_names_all_that_is_wrong_and_what_to_do(on_sqlite: Installation) -> None:
    ill = on_sqlite.command("doctor", MAIL="smtp", SMTP_HOST="127.0.0.1", SMTP_PORT="1", SMTP_SECURITY="none")
    assert ill.exit_code == 1
    assert "FAIL schema: it is not at head: run `portico migrate up`" in ill.stdout
    assert "FAIL mail: the mail server does not take mail" in ill.stdout


def test_the_doctor_names_operators_without_a_second_factor_and_calls_it_no_error(migrated: Installation) -> None:
    migrated.command("create-operator", OPERATOR, OPERATOR_PASSWORD=PASSWORD)
    noted = migrated.command("doctor")
    assert (noted.exit_code, f"note operators: {OPERATOR} has no second factor" in noted.stdout) == (0, True)
    free = migrated.command("doctor", OPERATORS_NEED_SECOND_FACTOR="false")
    assert OPERATOR not in free.stdout


def test_the_doctor_names_a_domain_of_passkeys_that_is_not_that_of_the_pages(migrated: Installation) -> None:
    pages = {"PUBLIC_URL": "https://accounts.example.com"}
    refused = migrated.command("doctor", **pages, PASSKEY_DOMAIN="example.org")
    assert (refused.exit_code, "PASSKEY_DOMAIN: " in refused.stderr) == (1, True)
    assert migrated.command("doctor", **pages, PASSKEY_DOMAIN="example.com").exit_code == 0


def test_a_sweep_says_what_it_removed(migrated: Installation) -> None:
    swept = migrated.command("sweep")
    assert (swept.exit_code, "claims: 0" in swept.stdout) == (0, True)


def test_the_openapi_document_needs_neither_settings_nor_a_database(tmp_path: Path) -> None:
    printed = Installation(directory=tmp_path).run("openapi")
    document = json.loads(printed.stdout)
    assert "/v1/sessions" in document["paths"]
    assert "/v1/token" not in document["paths"], "that is for development only"
    assert list(tmp_path.iterdir()) == []
