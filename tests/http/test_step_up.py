"""How sure a session must be of its owner, and how it becomes so."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import MINUTE
from tests.http.conftest import Serve
from tests.http.service import PASSWORD, Service, SignedIn, refusal

STEP_UP, TOTP, CODES = "/v1/sessions/current/step-up", "/v1/me/totp", "/v1/me/recovery-codes"


def later(service: Service, person: SignedIn) -> SignedIn:
    """Her proof is too old by now; her session is not."""
    service.clock.advance(15 * MINUTE + timedelta(seconds=1))
    return SignedIn(service.post("/v1/sessions/refresh", {"refresh_token": person.refresh_token}).json())


def test_what_is_sensitive_asks_for_a_fresh_proof(service: Service) -> None:
    ada = later(service, service.ada())
    asked_for = service.post(TOTP, by=ada)
    assert refusal(asked_for) == (403, "step_up_required")
    assert asked_for.json()["required"] == {"acr": "aal1", "max_age": 900}
    assert asked_for.json()["enrol_first"] is False
    raised = service.post(STEP_UP, {"password": PASSWORD}, by=ada)
    assert (raised.status_code, raised.headers["cache-control"]) == (200, "no-store")
    assert raised.json()["session"]["id"] == ada.session_id
    assert service.post(TOTP, by=SignedIn(raised.json())).status_code == 201


def test_a_wrong_password_raises_nothing(service: Service) -> None:
    ada = later(service, service.ada())
    assert refusal(service.post(STEP_UP, {"password": "not " + PASSWORD}, by=ada)) == (422, "password_wrong")
    assert refusal(service.post(TOTP, by=ada)) == (403, "step_up_required")


def test_with_a_factor_the_password_is_not_enough(service: Service) -> None:
    ada = service.ada()
    app = service.authenticator_app(service.sign_in())
    refused = service.post(CODES, by=ada)
    assert refusal(refused) == (403, "step_up_required")
    assert refused.json()["required"] == {"acr": "aal2", "max_age": 900}
    refused = service.post(STEP_UP, {"password": PASSWORD}, by=ada)
    assert refusal(refused) == (403, "step_up_required")
    assert refused.json()["required"] == {"acr": "aal2", "max_age": None}
    raised = service.step_up(ada, app)
    assert raised.tokens["session"]["aal"] == 2
    assert service.post(CODES, by=raised).status_code == 201


def test_a_recovery_code_and_a_passkey_step_up_as_well(service: Service) -> None:
    ada = service.ada()
    device = service.passkey(ada)
    ada = service.enter(device)
    (code, *_) = service.recovery_codes(ada)
    for proof in (lambda: {"recovery_code": code}, lambda: service.shown(device)):
        ada = later(service, ada)
        assert refusal(service.post(CODES, by=ada)) == (403, "step_up_required")
        raised = service.post(STEP_UP, proof(), by=ada)
        assert raised.status_code == 200
        ada = SignedIn(raised.json())
        assert service.post("/v1/me/passkeys/options", by=ada).status_code == 201


def test_a_passkey_of_somebody_else_steps_nobody_up(service: Service) -> None:
    service.passkey(ada := service.ada())
    theirs = service.passkey(service.person("eve"))
    assert refusal(service.post(STEP_UP, service.shown(theirs), by=ada)) == (403, "factor_wrong")


def test_stepping_up_rotates_the_tokens(service: Service) -> None:
    ada = service.ada()
    raised = SignedIn(service.post(STEP_UP, {"password": PASSWORD}, by=ada).json())
    assert raised.refresh_token != ada.refresh_token
    assert service.post("/v1/sessions/refresh", {"refresh_token": raised.refresh_token}).status_code == 200


SENSITIVE = [
    ("POST", "/v1/me/password", {"current_password": PASSWORD, "new_password": "another quite different sentence"}),
    ("POST", "/v1/me/email", {"new_email": "new@example.com", "password": PASSWORD}),
    ("POST", "/v1/me/close", {"password": PASSWORD}),
    ("POST", "/v1/me/api-keys", {"name": "Key"}),
    ("POST", "/v1/me/recovery-codes", None),
    ("POST", "/v1/me/passkeys/options", None),
    ("DELETE", "/v1/me/totp", None),
    ("DELETE", "/v1/me/sessions", None),
]


@pytest.mark.parametrize(("method", "path", "body"), SENSITIVE, ids=[path for _, path, _ in SENSITIVE])
def test_a_stolen_session_does_nothing_sensitive(service: Service, method: str, path: str, body: Any) -> None:
    """It is at AAL 1, from before the factor; and an hour after the proof, AAL 2 is not enough either."""
    ada = service.ada()
    app = service.authenticator_app(service.sign_in())
    assert refusal(service.call(method, path, body, by=ada)) == (403, "step_up_required")
    raised = service.step_up(ada, app)
    service.clock.advance(5 * MINUTE)
    fresh = service.call(method, path, body, by=raised)
    assert fresh.status_code < 300 or refusal(fresh) == (403, "recovery_code_needed")
    if path not in ("/v1/me/password", "/v1/me/close"):
        refused = service.call(method, path, body, by=later(service, raised))
        assert refusal(refused) == (403, "step_up_required")


def test_operators_act_at_aal_2_only(service: Service, serve: Serve) -> None:
    appoint = {"email": "root@example.com", "password": "an operator has a long one too", "display_name": "Root"}
    service.container.appoint_operator()(**appoint)
    root = service.sign_in(appoint["email"], password=appoint["password"])
    refused = service.get("/v1/admin/accounts", by=root)
    assert refusal(refused) == (403, "step_up_required")
    assert refused.json()["required"] == {"acr": "aal2", "max_age": None}
    assert refused.json()["enrol_first"] is True
    service.authenticator_app(root)  # which raises the session, too
    assert service.get("/v1/admin/accounts", by=root).status_code == 200
    lax = serve(OPERATORS_NEED_SECOND_FACTOR="false")
    lax.container.appoint_operator()(**appoint)
    root = lax.sign_in(appoint["email"], password=appoint["password"])
    assert lax.get("/v1/admin/accounts", by=root).status_code == 200


def test_an_organization_may_require_a_second_factor(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", "member", by=ada)
    path, demand = f"/v1/organizations/{acme}", {"requires_second_factor": True}
    assert refusal(service.patch(path, demand, by=ada)) == (403, "step_up_required")
    key = service.personal_key(ada, acme, "organization:update")
    assert refusal(service.patch(path, demand, by=key)) == (403, "session_required")
    ada = service.enter(service.passkey(ada))
    changed = service.patch(path, demand, by=ada)
    assert (changed.status_code, changed.json()["requires_second_factor"]) == (200, True)
    refused = service.get(path, by=bob)
    assert refusal(refused) == (403, "step_up_required")
    assert refused.json()["enrol_first"] is True
    assert service.get(path, by=service.enter(service.passkey(bob))).status_code == 200
