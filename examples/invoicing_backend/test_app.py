"""The backend alone, in milliseconds: who calls, and what they may do, is given."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx
import pytest

from examples.invoicing_backend.app import create_app
from examples.invoicing_backend.callers import Access, Caller, Forbidden, TokenRefused, Tokens
from examples.invoicing_backend.in_process import client_of

ACME, GLOBEX = uuid4(), uuid4()


@dataclass(frozen=True)
class GivenTokens(Tokens):
    callers: dict[str, Caller] = field(default_factory=dict)

    def caller(self, token: str) -> Caller:
        if token not in self.callers:
            raise TokenRefused
        return self.callers[token]

    def to(self, organization_id: UUID, *permissions: str) -> dict[str, str]:
        """The header of a new caller."""
        caller = Caller(account_id=uuid4(), organization_id=organization_id, permissions=frozenset(permissions))
        self.callers[str(caller.account_id)] = caller
        return {"Authorization": f"Bearer {caller.account_id}"}


@dataclass
class GivenAccess(Access):
    allows: bool = True

    def must(self, caller: Caller, permission: str, *, resource: str) -> None:
        if not self.allows:
            raise Forbidden("Portico says no.")


@pytest.fixture
def tokens() -> GivenTokens:
    return GivenTokens()


@pytest.fixture
def access() -> GivenAccess:
    return GivenAccess()


@pytest.fixture
def client(tokens: GivenTokens, access: GivenAccess) -> Iterator[httpx.Client]:
    with client_of(create_app(tokens, access)) as client:
        yield client


def test_nobody_is_served_without_a_token_that_counts(client: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer made up"}):
        answer = client.get("/invoices", headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_permission_in_the_token_opens_what_it_names_and_no_more(tokens: GivenTokens, client: httpx.Client) -> None:
    reader = tokens.to(ACME, "invoices:read")
    assert client.get("/invoices", headers=reader).json() == []
    assert client.post("/invoices", headers=reader, json={"customer": "Initech"}).status_code == 403


def test_what_belongs_to_another_organization_does_not_exist(tokens: GivenTokens, client: httpx.Client) -> None:
    ours, theirs = (tokens.to(organization, "invoices:read", "invoices:write") for organization in (ACME, GLOBEX))
    invoice = client.post("/invoices", headers=ours, json={"customer": "Initech"}).json()
    assert client.get("/invoices", headers=ours).json() == [invoice]
    assert client.get("/invoices", headers=theirs).json() == []
    assert client.post(f"/invoices/{invoice['id']}/send", headers=theirs).status_code == 404
    assert client.post(f"/invoices/{invoice['id']}/send", headers=ours).json()["sent"] is True


def test_to_send_an_invoice_the_token_is_not_enough(
    tokens: GivenTokens, access: GivenAccess, client: httpx.Client
) -> None:
    access.allows = False
    sender = tokens.to(ACME, "invoices:write", "invoices:send")
    invoice = client.post("/invoices", headers=sender, json={"customer": "Initech"}).json()
    answer = client.post(f"/invoices/{invoice['id']}/send", headers=sender)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Portico says no."})
