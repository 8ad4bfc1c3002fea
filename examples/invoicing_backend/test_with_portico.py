"""The backend with a whole Portico beside it, in memory: what both have agreed on, and still no server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrypoints.catalogue_file import read_catalogue
from entrypoints.container import Container, build
from entrypoints.http.app import create_app as create_portico
from entrypoints.settings import Settings
from examples.invoicing_backend.access import PorticoAccess
from examples.invoicing_backend.app import create_app
from examples.invoicing_backend.in_process import client_of
from examples.invoicing_backend.tokens import PorticoKeys, PorticoTokens

PASSWORD = "correct horse battery staple"
SETTINGS = {
    "ENVIRONMENT": "development",
    "DATABASE_URL": "memory:",
    "MAIL": "console",
    "BACKGROUND_WORK": "false",
    "BCRYPT_COST": "4",
    "SECRET_KEY": "a-secret-of-the-tests-that-is-long-enough",
    "BACKEND_AUDIENCES": "invoicing",
}
CATALOGUE = Path(__file__).parents[2] / "docs" / "catalogue-invoicing.toml"


@dataclass(frozen=True, slots=True)
class Portico:
    """In memory, and asked over HTTP as everywhere."""

    container: Container
    http: httpx.Client

    def call(self, method: str, path: str, *, by: str = "", **body: Any) -> Any:
        answer = self.http.request(method, path, json=body or None, headers=bearer(by))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def mailed_token(self) -> str | None:
        self.container.send_queued_mail()()
        return self.container.console_mailer().newest()[0].token

    def sign_up(self, email: str) -> tuple[str, str]:
        """The id of the account, and an access token."""
        self.call("POST", "/v1/accounts", email=email, password=PASSWORD)
        account = self.call("POST", "/v1/accounts/verify", token=self.mailed_token(), password=PASSWORD)
        return account["id"], self.call("POST", "/v1/sessions", email=email, password=PASSWORD)["access_token"]


@pytest.fixture
def portico() -> Iterator[Portico]:
    container = build(Settings.load(SETTINGS, Path(os.devnull)))
    with client_of(create_portico(container)) as http:
        container.apply_catalogue()(read_catalogue(CATALOGUE))
        yield Portico(container, http)


@contextmanager
def backend(portico: Portico, keys: dict[UUID, str]) -> Iterator[httpx.Client]:
    tokens = PorticoTokens(PorticoKeys.of(portico.http), issuer="http://localhost:8000", audience="invoicing")
    with client_of(create_app(tokens, PorticoAccess(portico.http, keys))) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def test_who_is_demoted_sends_nothing_more_although_their_token_still_says_so(portico: Portico) -> None:
    _, ada = portico.sign_up("ada@example.com")
    bob_id, bob = portico.sign_up("bob@example.com")
    acme = portico.call("POST", "/v1/organizations", by=ada, name="Acme")["id"]
    inside = f"/v1/organizations/{acme}"
    portico.call("POST", f"{inside}/invitations", by=ada, email="bob@example.com", role="admin")
    portico.call("POST", "/v1/invitations/accept", by=bob, token=portico.mailed_token())
    portico.call("POST", f"{inside}/roles", by=ada, name="asks", permissions=["access:check"])
    ours = portico.call("POST", f"{inside}/service-accounts", by=ada, name="Invoicing", role="asks")["id"]
    made = f"{inside}/service-accounts/{ours}/api-keys"
    key = portico.call("POST", made, by=ada, name="first", scopes=["access:check"])["secret"]

    def token_of_bob() -> dict[str, str]:
        asked = {"organization_id": acme, "audience": "invoicing"}
        return bearer(portico.call("POST", "/v1/me/organization", by=bob, **asked)["access_token"])

    with backend(portico, {UUID(acme): key}) as invoicing:
        token = token_of_bob()
        invoice = invoicing.post("/invoices", headers=token, json={"customer": "Initech"}).json()
        sending = f"/invoices/{invoice['id']}/send"
        assert invoicing.post(sending, headers=token).json()["sent"] is True

        portico.call("PATCH", f"{inside}/members/{bob_id}", by=ada, role="member")
        refused = invoicing.post(sending, headers=token)
        assert (refused.status_code, refused.json()["detail"]) == (403, "The role member does not grant it.")
        assert invoicing.post("/invoices", headers=token, json={"customer": "Initrode"}).status_code == 201
        assert invoicing.post("/invoices", headers=token_of_bob(), json={"customer": "Hooli"}).status_code == 403


def test_a_token_for_portico_itself_is_none_for_the_backend(portico: Portico) -> None:
    _, ada = portico.sign_up("ada@example.com")
    with backend(portico, {}) as invoicing:
        assert invoicing.get("/invoices", headers=bearer(ada)).status_code == 401


def test_without_a_key_that_counts_nothing_is_sent(portico: Portico) -> None:
    _, ada = portico.sign_up("ada@example.com")
    acme = portico.call("POST", "/v1/organizations", by=ada, name="Acme")["id"]
    asked = {"organization_id": acme, "audience": "invoicing"}
    token = bearer(portico.call("POST", "/v1/me/organization", by=ada, **asked)["access_token"])
    for keys, status in (({}, 403), ({UUID(acme): "ptc_made_up"}, 503)):
        with backend(portico, keys) as invoicing:
            invoice = invoicing.post("/invoices", headers=token, json={"customer": "Initech"}).json()
            assert invoicing.post(f"/invoices/{invoice['id']}/send", headers=token).status_code == status
