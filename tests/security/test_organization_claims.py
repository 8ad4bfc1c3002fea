"""What a token for an organization says, and that Portico itself takes no backend's token."""

import json
from typing import Any
from uuid import UUID

import pytest

from adapters.security.canonical_base64 import decode
from adapters.security.remembered_tokens import RememberedAccessTokens
from adapters.security.strict_access_tokens import StrictAccessTokens
from domain.access import AccessTokenInvalid, OrganizationClaims
from domain.kernel import OrganizationId
from domain.permissions import Permission
from domain.roles import RoleName
from tests.security.tokens import (
    ADAPTERS,
    CLIENT,
    ISSUER,
    NOON,
    HeldKeys,
    forged,
    some_claims,
    the_header,
    the_payload,
    tokens_of,
)

BACKEND = "https://invoices.example.org"
ORGANIZATION = OrganizationClaims(
    id=OrganizationId(UUID("0195a7e4-7c00-7000-8000-00000000000c")),
    roles=(RoleName("bookkeeper"),),
    permissions=(Permission("invoices:read"), Permission("invoices:send")),
)
SAID = {
    "org": str(ORGANIZATION.id),
    "roles": ["bookkeeper"],
    "permissions": ["invoices:read", "invoices:send"],
}

type_of = pytest.mark.parametrize("adapter", ADAPTERS)
Adapter = type[StrictAccessTokens]


def parts(token: str) -> tuple[Any, Any]:
    header, payload, _ = token.split(".")
    return json.loads(decode(header)), json.loads(decode(payload))


@type_of
def test_a_token_for_an_organization_says_which_and_what_its_bearer_may_do(adapter: Adapter) -> None:
    header, payload = parts(tokens_of(adapter).issue(some_claims(organization=ORGANIZATION)))
    assert header == the_header()
    assert payload == the_payload(**SAID)


@type_of
def test_any_other_token_says_nothing_of_organizations(adapter: Adapter) -> None:
    _, payload = parts(tokens_of(adapter).issue(some_claims()))
    assert not payload.keys() & SAID.keys()


@type_of
def test_a_token_for_a_backend_names_it_and_it_alone(adapter: Adapter) -> None:
    _, payload = parts(tokens_of(adapter).issue(some_claims(audience=BACKEND, organization=ORGANIZATION)))
    assert payload == the_payload(aud=BACKEND, **SAID)


@type_of
def test_a_backend_verifies_the_token_that_is_for_it(adapter: Adapter) -> None:
    token = tokens_of(adapter).issue(some_claims(audience=BACKEND, organization=ORGANIZATION))
    backend = adapter(keys=HeldKeys(), issuer=ISSUER, audience=BACKEND, client_id=CLIENT)
    assert backend.verify(token, at=NOON).account_id == some_claims().account_id


@type_of
def test_portico_refuses_the_token_of_a_backend(adapter: Adapter) -> None:
    """A backend holds such tokens of all its users: it must not be able to act as them here."""
    tokens = tokens_of(adapter)
    token = tokens.issue(some_claims(audience=BACKEND, organization=ORGANIZATION))
    for judge in (tokens, RememberedAccessTokens(tokens, HeldKeys())):
        with pytest.raises(AccessTokenInvalid):
            judge.verify(token, at=NOON)


@type_of
@pytest.mark.parametrize("audience", [["portico"], ["portico", BACKEND], [BACKEND, "portico"], "portico ", "PORTICO"])
def test_an_audience_that_only_resembles_portico_is_refused(adapter: Adapter, audience: object) -> None:
    with pytest.raises(AccessTokenInvalid):
        tokens_of(adapter).verify(forged(payload=the_payload(aud=audience)), at=NOON)


@type_of
@pytest.mark.parametrize("odd", [None, 1, "", [], {}, ["owner"], "\ud800", {"a": []}])
@pytest.mark.parametrize("name", ["org", "roles", "permissions"])
def test_portico_believes_nothing_that_a_token_says_of_organizations(adapter: Adapter, name: str, odd: object) -> None:
    """What counts is asked of the database at each call: so a demotion counts from the next request."""
    claims = tokens_of(adapter).verify(forged(payload=the_payload(**{**SAID, name: odd})), at=NOON)
    assert claims == some_claims()
    assert claims.organization is None


@type_of
def test_a_token_names_every_permission_however_many(adapter: Adapter) -> None:
    many = tuple(Permission(f"resource-{n}:action-{n}") for n in range(200))
    organization = OrganizationClaims(id=ORGANIZATION.id, roles=(), permissions=many)
    token = tokens_of(adapter).issue(some_claims(organization=organization))
    assert json.loads(decode(token.split(".")[1]))["permissions"] == list(many)
