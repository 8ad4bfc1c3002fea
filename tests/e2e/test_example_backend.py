"""The example beside a live Portico: the commands of docs/use-from-a-backend.md are run, and its code is the code."""

import base64
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.e2e.installation import BIN, PATIENCE, ROOT, Installation, Server, free_port
from tests.e2e.tours import steps

DOCUMENT = (ROOT / "docs" / "use-from-a-backend.md").read_text()
EXAMPLE = ROOT / "examples" / "invoicing_backend"
ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture(scope="module")
def portico(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """In its directory is what the commands name."""
    folder = tmp_path_factory.mktemp("beside")
    for name in ("docs", "examples"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(BIN.parent)
    with Installation.for_development(folder, BACKEND_AUDIENCES="invoicing payroll").serving() as server:
        yield server


@dataclass(frozen=True)
class Backend:
    url: str
    acme: str
    """The organization."""
    token: str
    """Of Ada, who owns it."""

    def post(self, path: str, token: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(f"{self.url}{path}", json=body, headers=headers, trust_env=False, timeout=PATIENCE)


@pytest.fixture(scope="module")
def backend(portico: Server) -> Iterator[Backend]:
    """Started by the commands of the document, and ended here."""
    portico.sign_up(ADA)
    folder, port = portico.installation.directory, free_port()
    told = 'echo; echo "{\\"acme\\": \\"$acme\\", \\"token\\": \\"$token\\"}"'
    commands = "\n".join([*(step.commands for step in steps(DOCUMENT)), told]).replace(
        "127.0.0.1:9000", f"127.0.0.1:{port}"
    )
    with (folder / "printed").open("wb") as printed, (folder / "errors").open("wb") as errors:
        walk = subprocess.Popen(
            ["bash", "-euxo", "pipefail", "-c", commands.replace("127.0.0.1:8000", f"127.0.0.1:{portico.port}")],
            cwd=folder,
            env=portico.installation.having(
                PYTHONPATH=str(ROOT), PORT=str(port), access=portico.sign_in(ADA)["access_token"]
            ).environment,
            stdout=printed,
            stderr=errors,
            start_new_session=True,
        )
    try:
        assert walk.wait(PATIENCE) == 0, (folder / "errors").read_text()
        *_, sent, last = filter(None, (folder / "printed").read_text().splitlines())
        [shown] = re.findall(r"^```json\n(.*)\n```$", DOCUMENT, re.MULTILINE)
        assert json.loads(sent) | {"id": ""} == json.loads(shown) | {"id": ""}
        yield Backend(f"http://127.0.0.1:{port}", **json.loads(last))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(walk.pid, signal.SIGTERM)


def token_for(portico: Server, organization: str, token: str, *, audience: str) -> str:
    with portico.client(token) as client:
        answer = client.post("/v1/me/organization", json={"organization_id": organization, "audience": audience})
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["access_token"]
        return found


def join(portico: Server, backend: Backend, ada: str, *, role: str) -> tuple[str, str]:
    """Bob comes into the organization; the id of his account, and a token of his session."""
    bob_id = portico.sign_up(BOB)["id"]
    bob = portico.sign_in(BOB)["access_token"]
    with portico.client(ada) as client:
        path = f"/v1/organizations/{backend.acme}/invitations"
        assert client.post(path, json={"email": BOB, "role": role}).status_code == 201
    with portico.client(bob) as client:
        [invitation] = client.get("/v1/me/invitations").json()["items"]
        assert client.post("/v1/invitations/accept", json={"token": invitation["token"]}).status_code == 200
    return bob_id, bob


def test_a_demotion_counts_at_once_where_it_is_asked_and_with_the_next_token_elsewhere(
    portico: Server, backend: Backend
) -> None:
    ada = portico.sign_in(ADA)["access_token"]
    bob_id, bob = join(portico, backend, ada, role="admin")
    token = token_for(portico, backend.acme, bob, audience="invoicing")
    invoice = backend.post("/invoices", token, customer="Initech").json()
    sending = f"/invoices/{invoice['id']}/send"
    assert backend.post(sending, token).json()["sent"] is True

    with portico.client(ada) as client:
        demoted = client.patch(f"/v1/organizations/{backend.acme}/members/{bob_id}", json={"role": "member"})
        assert demoted.status_code == 200, demoted.text
    assert backend.post(sending, token).status_code == 403
    assert backend.post("/invoices", token, customer="Initrode").status_code == 201
    newer = token_for(portico, backend.acme, bob, audience="invoicing")
    assert backend.post("/invoices", newer, customer="Hooli").status_code == 403


def test_what_is_not_a_token_for_this_backend_is_refused(portico: Server, backend: Backend) -> None:
    header, payload, signature = backend.token.split(".")
    kid = json.loads(_decoded(header))["kid"]
    claims = json.loads(_decoded(payload))
    forged = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": kid}, claims, ECKey.generate_key("P-256"))
    ada = portico.sign_in(ADA)["access_token"]
    for token in (
        "nonsense",
        forged,
        f"{header}.{payload}.{signature[::-1]}",
        ada,
        token_for(portico, backend.acme, ada, audience="payroll"),
    ):
        assert backend.post("/invoices", token, customer="Initech").status_code == 401
    assert backend.post("/invoices", backend.token, customer="Initech").status_code == 201


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_code_in_the_document_is_the_code_of_the_example() -> None:
    shown = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    written = [file.read_text() for file in EXAMPLE.glob("*.py")]
    assert len(shown) >= 5
    for code in shown:
        assert any(code in text for text in written), code
