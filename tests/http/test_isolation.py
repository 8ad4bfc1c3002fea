"""Nobody reaches across tenants, and nobody does what they may not: each operation of the document, tried as everybody.

What is expected follows from its `x-access` alone, so a route cannot be forgotten, and cannot do less than it says.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from starlette.responses import Response

from application.organizations import ShowOrganization
from domain.kernel import AccountId
from domain.permissions import ORGANIZATION_READ, OWN
from entrypoints.container import build
from entrypoints.http.app import create_app
from entrypoints.http.caller import Caller
from entrypoints.http.operations import ACCOUNT, MEMBERSHIP, NOBODY, OPERATOR, SUBJECT, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import no_content
from tests.http.service import PASSWORD, settings
from tests.http.stage import ALL, Somebody, Stage

DOCUMENT: dict[str, Any] = create_app(build(settings())).openapi()


@dataclass(frozen=True, slots=True)
class Example:
    """A call that is right in every respect but, perhaps, its caller."""

    path: dict[str, str] = field(default_factory=dict)
    """What stands for each parameter: the name of a thing of the stage, or else itself."""
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)
    """Both of the things as well, where they say `{thing}`."""
    form: dict[str, str] | None = None
    best: int | None = None
    """The status of the best answer that anybody gets, if it is no success."""


ACME = {"id": "acme"}
MEMBER = ACME | {"account_id": "member"}
INVITATION = ACME | {"invitation_id": "invitation"}
ROLE = ACME | {"name": "spare"}
SERVICE_ACCOUNT = ACME | {"service_account_id": "service_account"}
KEYED = ACME | {"service_account_id": "keyed"}
SERVICE_KEY = KEYED | {"key_id": "service_key"}
WEBHOOK, GLOBAL_WEBHOOK = ACME | {"webhook_id": "webhook"}, {"webhook_id": "global_webhook"}
DELIVERY, GLOBAL_DELIVERY = WEBHOOK | {"delivery_id": "delivery"}, GLOBAL_WEBHOOK | {"delivery_id": "global_delivery"}
HOOK = {"url": "https://hooks.example.com/", "events": ["member.*"]}
PERSONAL_KEY = {"key_id": "personal_key"}
ACCOUNT_OF = {"id": "member"}
CHECK = {"permission": "members:read", "organization_id": "{acme}"}
NEW = "another quite different sentence"

EXAMPLES = {
    "POST /v1/accounts": Example(body={"email": "new@example.com", "password": PASSWORD}),
    "POST /v1/accounts/verify": Example(body={"token": "t", "password": PASSWORD}, best=422),
    "POST /v1/accounts/resend-verification": Example(body={"email": "new@example.com"}),
    "POST /v1/sessions": Example(body={"email": "ada@example.com", "password": PASSWORD}),
    "POST /v1/sessions/refresh": Example(body={"refresh_token": "{refresh_token}"}),
    "DELETE /v1/sessions/current": Example(),
    "POST /v1/sessions/second-factor": Example(body={"challenge": "c", "code": "123456"}, best=422),
    "POST /v1/sessions/current/step-up": Example(body={"challenge": "c", "passkey": {}}, best=422),
    "POST /v1/passkey-sessions/options": Example(),
    "POST /v1/passkey-sessions": Example(body={"challenge": "c", "passkey": {"rawId": "AA", "response": {}}}, best=422),
    "POST /v1/email-codes": Example(body={"email": "ada@example.com"}),
    "POST /v1/email-code-sessions": Example(body={"browser_token": "{browser_token}", "code": "{code}"}),
    "POST /v1/token": Example(form={"username": "ada@example.com", "password": PASSWORD}),
    "GET /v1/me": Example(),
    "PATCH /v1/me": Example(body={"display_name": "Renamed"}),
    "POST /v1/me/close": Example(body={"password": PASSWORD}),
    "GET /v1/me/export": Example(),
    "POST /v1/me/password": Example(body={"current_password": PASSWORD, "new_password": NEW}),
    "POST /v1/me/email": Example(body={"new_email": "new@example.com", "password": PASSWORD}),
    "POST /v1/me/email/confirm": Example(body={"token": "t"}, best=422),
    "GET /v1/me/factors": Example(),
    "POST /v1/me/totp": Example(),
    "POST /v1/me/totp/confirm": Example(body={"code": "123456"}, best=404),
    "DELETE /v1/me/totp": Example(best=404),
    "POST /v1/me/recovery-codes": Example(),
    "GET /v1/me/passkeys": Example(),
    "POST /v1/me/passkeys/options": Example(),
    "POST /v1/me/passkeys": Example(body={"challenge": "c", "passkey": {}, "name": "Laptop"}, best=422),
    "PATCH /v1/me/passkeys/{id}": Example({"id": "passkey"}, {"name": "Renamed"}),
    "DELETE /v1/me/passkeys/{id}": Example({"id": "passkey"}, {"recovery_code": "{recovery_code}"}),
    "GET /v1/me/trusted-devices": Example(),
    "DELETE /v1/me/trusted-devices/{id}": Example({"id": "trusted_device"}),
    "GET /v1/me/sessions": Example(),
    "DELETE /v1/me/sessions": Example(),
    "DELETE /v1/me/sessions/{id}": Example({"id": "session"}),
    "GET /v1/me/api-keys": Example(),
    "POST /v1/me/api-keys": Example(body={"name": "Key"}),
    "POST /v1/me/api-keys/{key_id}/rotate": Example(PERSONAL_KEY),
    "DELETE /v1/me/api-keys/{key_id}": Example(PERSONAL_KEY),
    "GET /v1/me/invitations": Example(),
    "POST /v1/me/organization": Example(body={"organization_id": "{acme}"}),
    "POST /v1/password-resets": Example(body={"email": "ada@example.com"}),
    "POST /v1/password-resets/confirm": Example(body={"token": "t", "new_password": NEW}, best=422),
    "POST /v1/invitations/accept": Example(body={"token": "t"}, best=422),
    "POST /v1/invitations/decline": Example(body={"token": "{invitation_token}"}),
    "GET /v1/permissions": Example(),
    "POST /v1/access/check": Example(body=CHECK),
    "POST /v1/access/check-many": Example(body={"checks": [CHECK]}),
    "POST /v1/organizations": Example(body={"name": "New"}),
    "GET /v1/organizations": Example(),
    "GET /v1/organizations/{id}": Example(ACME),
    "PATCH /v1/organizations/{id}": Example(ACME, {"name": "Renamed"}),
    "DELETE /v1/organizations/{id}": Example(ACME, query={"confirm": "acme"}),
    "GET /v1/organizations/{id}/members": Example(ACME),
    "DELETE /v1/organizations/{id}/members/me": Example(ACME),
    "PATCH /v1/organizations/{id}/members/{account_id}": Example(MEMBER, {"role": "spare"}),
    "DELETE /v1/organizations/{id}/members/{account_id}": Example(MEMBER),
    "GET /v1/organizations/{id}/invitations": Example(ACME),
    "POST /v1/organizations/{id}/invitations": Example(ACME, {"email": "new@example.com", "role": "nothing"}),
    "DELETE /v1/organizations/{id}/invitations/{invitation_id}": Example(INVITATION),
    "GET /v1/organizations/{id}/roles": Example(ACME),
    "POST /v1/organizations/{id}/roles": Example(ACME, {"name": "new", "permissions": []}),
    "PATCH /v1/organizations/{id}/roles/{name}": Example(ROLE, {"description": "Renamed"}),
    "DELETE /v1/organizations/{id}/roles/{name}": Example(ROLE),
    "GET /v1/organizations/{id}/service-accounts": Example(ACME),
    "POST /v1/organizations/{id}/service-accounts": Example(ACME, {"name": "New", "role": "nothing"}),
    "PATCH /v1/organizations/{id}/service-accounts/{service_account_id}": Example(SERVICE_ACCOUNT, {"name": "New"}),
    "DELETE /v1/organizations/{id}/service-accounts/{service_account_id}": Example(SERVICE_ACCOUNT),
    "GET /v1/organizations/{id}/service-accounts/{service_account_id}/api-keys": Example(KEYED),
    "POST /v1/organizations/{id}/service-accounts/{service_account_id}/api-keys": Example(
        KEYED, {"name": "New", "scopes": ["api_keys:manage"]}
    ),
    "POST /v1/organizations/{id}/service-accounts/{service_account_id}/api-keys/{key_id}/rotate": Example(SERVICE_KEY),
    "DELETE /v1/organizations/{id}/service-accounts/{service_account_id}/api-keys/{key_id}": Example(SERVICE_KEY),
    "GET /v1/organizations/{id}/webhooks": Example(ACME),
    "POST /v1/organizations/{id}/webhooks": Example(ACME, HOOK),
    "GET /v1/organizations/{id}/webhooks/{webhook_id}": Example(WEBHOOK),
    "PATCH /v1/organizations/{id}/webhooks/{webhook_id}": Example(WEBHOOK, {"enabled": False}),
    "DELETE /v1/organizations/{id}/webhooks/{webhook_id}": Example(WEBHOOK),
    "POST /v1/organizations/{id}/webhooks/{webhook_id}/rotate": Example(WEBHOOK),
    "POST /v1/organizations/{id}/webhooks/{webhook_id}/test": Example(WEBHOOK),
    "GET /v1/organizations/{id}/webhooks/{webhook_id}/deliveries": Example(WEBHOOK),
    "POST /v1/organizations/{id}/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": Example(DELIVERY, best=409),
    "GET /v1/admin/webhooks": Example(),
    "POST /v1/admin/webhooks": Example(body=HOOK),
    "GET /v1/admin/webhooks/{webhook_id}": Example(GLOBAL_WEBHOOK),
    "PATCH /v1/admin/webhooks/{webhook_id}": Example(GLOBAL_WEBHOOK, {"enabled": False}),
    "DELETE /v1/admin/webhooks/{webhook_id}": Example(GLOBAL_WEBHOOK),
    "POST /v1/admin/webhooks/{webhook_id}/rotate": Example(GLOBAL_WEBHOOK),
    "POST /v1/admin/webhooks/{webhook_id}/test": Example(GLOBAL_WEBHOOK),
    "GET /v1/admin/webhooks/{webhook_id}/deliveries": Example(GLOBAL_WEBHOOK),
    "POST /v1/admin/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": Example(GLOBAL_DELIVERY, best=409),
    "GET /v1/events": Example(query={"organization_id": "{acme}"}),
    "GET /v1/admin/accounts": Example(),
    "GET /v1/admin/accounts/{id}": Example(ACCOUNT_OF),
    "PATCH /v1/admin/accounts/{id}": Example(ACCOUNT_OF, {"display_name": "Renamed"}),
    "POST /v1/admin/accounts/{id}/suspend": Example(ACCOUNT_OF),
    "POST /v1/admin/accounts/{id}/reactivate": Example({"id": "suspended"}),
    "POST /v1/admin/accounts/{id}/end-sessions": Example(ACCOUNT_OF),
    "POST /v1/admin/accounts/{id}/send-password-reset": Example(ACCOUNT_OF),
    "POST /v1/admin/accounts/{id}/reset-factors": Example(ACCOUNT_OF),
}


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/")
    }


CALLS = sorted(operations(DOCUMENT))


@pytest.fixture(scope="module")
def stage(portal: BlockingPortal) -> Iterator[Stage]:
    yield from Stage.of(portal)


# ---- what the document says must be so


def refusal_of(access: dict[str, Any], caller: Somebody) -> tuple[int, str] | None:
    """How the caller is refused, by what the document says; None if they are let through."""
    needs, keys = access["needs"], access["keys"]
    is_key_refused = caller.is_key and not keys
    if needs == NOBODY:
        return None
    if caller.refused:
        return 401, caller.refused
    if needs in (SUBJECT, ACCOUNT, OPERATOR):
        if is_key_refused:
            return 403, "session_required"
        if needs == ACCOUNT and not caller.has_account:
            return 403, "no_account"
        if needs == OPERATOR and not caller.is_operator:
            return 403, "operator_required"
        return None
    if caller.permissions is None:
        return 404, "organization_not_found"
    if is_key_refused:
        return 403, "session_required"
    if needs != MEMBERSHIP and needs not in caller.permissions:
        return 403, "permission_denied"
    return None


def sent(stage: Stage, call: str, example: Example, caller: Somebody, **path: str) -> httpx.Response:
    method, _, template = call.partition(" ")
    ids = {name: stage.things.get(thing, thing) for name, thing in example.path.items()}
    more: dict[str, Any] = {"data": example.form} if example.form else {}
    return stage.service.call(
        method,
        template.format(**ids | path),
        _filled(example.body, stage.things),
        headers=caller.bearer,
        params=_filled(example.query, stage.things),
        **more,
    )


def _filled(body: Any, things: dict[str, str]) -> Any:
    text = json.dumps(body)
    for name, id in things.items():
        text = text.replace(f"{{{name}}}", id)
    return json.loads(text)


def code_of(response: httpx.Response) -> str | None:
    is_problem = response.headers.get("content-type") == "application/problem+json"
    return str(response.json()["code"]) if is_problem else None


IN_VAIN = {"validation_failed", "request_malformed", "media_type_unsupported", "route_not_found"}
"""What an example must not meet: then it would prove nothing."""


def is_let_through(response: httpx.Response) -> bool:
    is_refused = response.status_code in (401, 403) or response.status_code >= 500
    return not is_refused and code_of(response) not in {"organization_not_found", *IN_VAIN}


def failures(stage: Stage, call: str, access: dict[str, Any], example: Example) -> list[str]:
    """A line for each caller who is not answered as the document says."""
    permission = access["needs"] if access["needs"] in ALL else ORGANIZATION_READ
    wrong, statuses = [], set()
    for caller in stage.everybody(permission):
        stage.rewind(permission)
        response, expected = sent(stage, call, example, caller), refusal_of(access, caller)
        statuses.add(response.status_code)
        got = f"{response.status_code} {code_of(response) or ''}".rstrip()
        if expected is None:
            if not is_let_through(response):
                wrong.append(f"{caller.name}: is let through, got {got}")
        elif (response.status_code, code_of(response)) != expected:
            wrong.append(f"{caller.name}: {expected[0]} {expected[1]}, got {got}")
        elif stage.has_changed(permission):
            wrong.append(f"{caller.name}: is refused with {got}, and yet something was written")
    if not any(status == example.best or (example.best is None and status < 300) for status in statuses):
        wrong.append(f"nobody gets the best answer, only {sorted(statuses)}: the example proves little")
    return wrong


def report(call: str, wrong: list[str]) -> str:
    return "\n".join([f"{call}: what should be, and what is", *(f"  {line}" for line in wrong)])


def undeclared(document: dict[str, Any]) -> list[str]:
    """What does not say what it needs of its caller."""
    needs = {NOBODY, SUBJECT, ACCOUNT, MEMBERSHIP, OPERATOR, *ALL}
    return [
        call
        for call, described in operations(document).items()
        if described.get("x-access", {}).get("needs") not in needs
        or described["x-access"].keys() != {"needs", "keys"}
        or (described["x-access"]["needs"] == NOBODY) == ("security" in described)
    ]


def test_every_operation_says_what_it_needs() -> None:
    assert not undeclared(DOCUMENT)


def test_every_operation_has_an_example() -> None:
    assert EXAMPLES.keys() == set(CALLS)


def test_every_permission_of_porticos_own_is_needed_by_something() -> None:
    needed = {described["x-access"]["needs"] for described in operations(DOCUMENT).values()}
    assert OWN.keys() - needed == {"access:check"}, "which is about a question, and has tests of its own"


@pytest.mark.parametrize("call", CALLS)
def test_everybody_is_answered_as_the_document_says(stage: Stage, call: str) -> None:
    wrong = failures(stage, call, operations(DOCUMENT)[call]["x-access"], EXAMPLES[call])
    assert not wrong, report(call, wrong)


def test_no_key_reaches_what_only_a_person_may() -> None:
    """Passwords, addresses, sessions, keys, closing and admin calls: by their paths, whatever the routes say."""
    for call, described in operations(DOCUMENT).items():
        _, _, path = call.partition(" ")
        kept = ("/v1/me/", "/v1/sessions", "/v1/admin", "/v1/invitations")
        if path.startswith(kept) or "api-keys" in path or call == "PATCH /v1/me":
            assert not described["x-access"]["keys"], call


# ---- what belongs to one organization does not answer under another


WITHIN = [call for call in CALLS if call.count("{") > 1 and "/v1/organizations/" in call]


@pytest.mark.parametrize("call", WITHIN)
def test_a_thing_of_another_organization_is_not_found_under_ones_own(stage: Stage, call: str) -> None:
    """Its owner may do everything there, and still gets at nothing of Acme by naming it."""
    stage.everybody(ORGANIZATION_READ)
    stage.rewind(ORGANIZATION_READ)
    owner = Somebody(name="the owner of another", bearer=stage.eve.bearer)
    response = sent(stage, call, EXAMPLES[call], owner, id=stage.of_eve)
    assert (response.status_code, code_of(response)) in {
        (404, found)
        for found in (
            "member_not_found",
            "invitation_not_found",
            "role_not_found",
            "service_account_not_found",
            "api_key_not_found",
            "webhook_not_found",
        )
    }
    assert not stage.has_changed(ORGANIZATION_READ)


def test_there_are_things_within_organizations() -> None:
    assert len(WITHIN) >= 10


# ---- the matrix can fail


leaks = router("leaks", prefix="/v1/leaks/{id}")
PROMISED = operation(ShowOrganization, needs=ORGANIZATION_READ, keys=True, body=False)


@leaks.get("/to-all", **PROMISED)
def to_all(id: UUID) -> Response:
    return no_content()


@leaks.get("/to-accounts", **PROMISED)
def to_accounts(id: UUID, caller: Caller) -> Response:
    caller.subject()
    return no_content()


@leaks.get("/to-members", **PROMISED)
def to_members(id: UUID, caller: Caller) -> Response:
    caller.actor(id)
    return no_content()


@leaks.get("/to-people", **PROMISED)
def to_people(id: UUID, caller: Caller) -> Response:
    actor = caller.actor(id)
    actor.person()
    actor.must(ORGANIZATION_READ)
    return no_content()


@leaks.get("/before-asking", **PROMISED)
def before_asking(id: UUID, caller: Caller) -> Response:
    with caller.app.state.container.autocommit()() as database:
        database.operators.add(AccountId(id))
    caller.actor(id).must(ORGANIZATION_READ)
    return no_content()


@leaks.get("/undeclared")
def undeclared_route(id: UUID) -> Response:
    return no_content()


@pytest.fixture
def leaking(stage: Stage) -> Iterator[Stage]:
    routes = stage.service.app.router.routes
    tight = [*routes]
    routes.extend(leaks.routes)
    yield stage
    routes[:] = tight


WITHOUT_PERMISSION = {"lacking", "a key without the scope", "a program without"}
OUTSIDERS = {
    "the owner of another",
    "an operator",
    "the owner's key for another",
    "the owner's key for none",
    "a key of another's owner",
    "another's program",
}
UNKNOWN = {"nobody", "no token at all", "a damaged key", "a suspended owner", "a suspended owner's key"}
WITH_KEYS = {"a key with the scope", "a program"}


@pytest.mark.parametrize(
    ("path", "caught"),
    [
        ("to-all", UNKNOWN | OUTSIDERS | WITHOUT_PERMISSION),
        ("to-accounts", OUTSIDERS | WITHOUT_PERMISSION),
        ("to-members", WITHOUT_PERMISSION),
        ("to-people", WITH_KEYS | WITHOUT_PERMISSION - {"lacking"}),
        ("before-asking", UNKNOWN | OUTSIDERS | WITHOUT_PERMISSION),
    ],
)
def test_a_route_that_asks_too_little_or_too_much_is_caught(leaking: Stage, path: str, caught: set[str]) -> None:
    wrong = failures(leaking, f"GET /v1/leaks/{{id}}/{path}", PROMISED["openapi_extra"]["x-access"], Example(ACME))
    assert {line.partition(":")[0] for line in wrong} == caught


def test_a_route_that_says_nothing_is_caught() -> None:
    app = create_app(build(settings()))
    app.router.routes.extend(leaks.routes)
    said_nothing = "GET /v1/leaks/{id}/undeclared"
    assert undeclared(app.openapi()) == [said_nothing]
    assert said_nothing in operations(app.openapi()).keys() - EXAMPLES.keys()
