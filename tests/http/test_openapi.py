import json
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from entrypoints.container import build
from entrypoints.http.app import create_app
from tests.http.service import ADA, Service, settings

OPERATIONS = {
    "POST /v1/accounts": "register_account",
    "POST /v1/accounts/verify": "verify_account",
    "POST /v1/accounts/resend-verification": "resend_verification",
    "POST /v1/sessions": "sign_in",
    "POST /v1/sessions/refresh": "refresh_session",
    "DELETE /v1/sessions/current": "sign_out",
    "POST /v1/sessions/second-factor": "finish_sign_in",
    "POST /v1/sessions/current/step-up": "step_up",
    "GET /v1/me/factors": "show_factors",
    "POST /v1/me/totp": "begin_totp",
    "POST /v1/me/totp/confirm": "confirm_totp",
    "DELETE /v1/me/totp": "remove_totp",
    "POST /v1/me/recovery-codes": "make_recovery_codes",
    "GET /v1/me/trusted-devices": "list_trusted_devices",
    "DELETE /v1/me/trusted-devices/{id}": "distrust_device",
    "GET /v1/me/passkeys": "list_passkeys",
    "POST /v1/me/passkeys": "register_passkey",
    "POST /v1/me/passkeys/options": "begin_passkey",
    "PATCH /v1/me/passkeys/{id}": "rename_passkey",
    "DELETE /v1/me/passkeys/{id}": "remove_passkey",
    "POST /v1/passkey-sessions/options": "begin_passkey_sign_in",
    "POST /v1/passkey-sessions": "sign_in_with_passkey",
    "POST /v1/email-codes": "request_email_code",
    "POST /v1/email-code-sessions": "sign_in_with_email_code",
    "GET /v1/me": "show_me",
    "PATCH /v1/me": "rename_me",
    "POST /v1/me/close": "close_me",
    "GET /v1/me/export": "export_me",
    "POST /v1/me/password": "change_password",
    "POST /v1/me/email": "request_email_change",
    "POST /v1/me/email/confirm": "confirm_email_change",
    "GET /v1/me/sessions": "list_sessions",
    "DELETE /v1/me/sessions": "end_other_sessions",
    "DELETE /v1/me/sessions/{id}": "end_session",
    "POST /v1/password-resets": "request_password_reset",
    "POST /v1/password-resets/confirm": "confirm_password_reset",
    "POST /v1/access/check": "check_access",
    "POST /v1/access/check-many": "check_access_of_many",
    "POST /v1/me/organization": "enter_organization",
    "POST /v1/organizations": "make_organization",
    "GET /v1/organizations": "list_organizations",
    "GET /v1/organizations/{id}": "show_organization",
    "PATCH /v1/organizations/{id}": "change_organization",
    "DELETE /v1/organizations/{id}": "delete_organization",
    "GET /v1/organizations/{id}/members": "list_members",
    "DELETE /v1/organizations/{id}/members/me": "leave_organization",
    "PATCH /v1/organizations/{id}/members/{account_id}": "change_member_role",
    "DELETE /v1/organizations/{id}/members/{account_id}": "remove_member",
    "GET /v1/me/invitations": "list_my_invitations",
    "POST /v1/invitations/accept": "accept_invitation",
    "POST /v1/invitations/decline": "decline_invitation",
    "POST /v1/organizations/{id}/invitations": "invite",
    "GET /v1/organizations/{id}/invitations": "list_invitations",
    "DELETE /v1/organizations/{id}/invitations/{invitation_id}": "revoke_invitation",
    "GET /v1/organizations/{id}/roles": "list_roles",
    "POST /v1/organizations/{id}/roles": "make_role",
    "PATCH /v1/organizations/{id}/roles/{name}": "change_role",
    "DELETE /v1/organizations/{id}/roles/{name}": "delete_role",
    "GET /v1/permissions": "list_permissions",
    "GET /v1/organizations/{id}/service-accounts": "list_service_accounts",
    "POST /v1/organizations/{id}/service-accounts": "make_service_account",
    "PATCH /v1/organizations/{id}/service-accounts/{service_account_id}": "change_service_account",
    "DELETE /v1/organizations/{id}/service-accounts/{service_account_id}": "delete_service_account",
    "GET /v1/organizations/{id}/service-accounts/{service_account_id}/api-keys": "list_service_keys",
    "POST /v1/organizations/{id}/service-accounts/{service_account_id}/api-keys": "make_service_key",
    "POST /v1/organizations/{id}/service-accounts/{service_account_id}/api-keys/{key_id}/rotate": "rotate_service_key",
    "DELETE /v1/organizations/{id}/service-accounts/{service_account_id}/api-keys/{key_id}": "revoke_service_key",
    "GET /v1/me/api-keys": "list_personal_keys",
    "POST /v1/me/api-keys": "make_personal_key",
    "POST /v1/me/api-keys/{key_id}/rotate": "rotate_personal_key",
    "DELETE /v1/me/api-keys/{key_id}": "revoke_personal_key",
    "GET /v1/events": "follow_events",
    "GET /v1/organizations/{id}/webhooks": "list_webhooks",
    "POST /v1/organizations/{id}/webhooks": "make_webhook",
    "GET /v1/organizations/{id}/webhooks/{webhook_id}": "show_webhook",
    "PATCH /v1/organizations/{id}/webhooks/{webhook_id}": "change_webhook",
    "DELETE /v1/organizations/{id}/webhooks/{webhook_id}": "delete_webhook",
    "POST /v1/organizations/{id}/webhooks/{webhook_id}/rotate": "rotate_webhook_secret",
    "POST /v1/organizations/{id}/webhooks/{webhook_id}/test": "try_webhook",
    "GET /v1/organizations/{id}/webhooks/{webhook_id}/deliveries": "list_deliveries",
    "POST /v1/organizations/{id}/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": "redeliver_event",
    "GET /v1/admin/webhooks": "list_global_webhooks",
    "POST /v1/admin/webhooks": "make_global_webhook",
    "GET /v1/admin/webhooks/{webhook_id}": "show_global_webhook",
    "PATCH /v1/admin/webhooks/{webhook_id}": "change_global_webhook",
    "DELETE /v1/admin/webhooks/{webhook_id}": "delete_global_webhook",
    "POST /v1/admin/webhooks/{webhook_id}/rotate": "rotate_global_webhook_secret",
    "POST /v1/admin/webhooks/{webhook_id}/test": "try_global_webhook",
    "GET /v1/admin/webhooks/{webhook_id}/deliveries": "list_global_deliveries",
    "POST /v1/admin/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": "redeliver_global_event",
    "GET /v1/admin/accounts": "list_accounts",
    "GET /v1/admin/accounts/{id}": "show_account",
    "PATCH /v1/admin/accounts/{id}": "rename_account",
    "POST /v1/admin/accounts/{id}/suspend": "suspend_account",
    "POST /v1/admin/accounts/{id}/reactivate": "reactivate_account",
    "POST /v1/admin/accounts/{id}/end-sessions": "end_sessions",
    "POST /v1/admin/accounts/{id}/send-password-reset": "send_password_reset",
    "POST /v1/admin/accounts/{id}/reset-factors": "reset_factors",
    "GET /.well-known/jwks.json": "publish_keys",
    "GET /health/live": "live",
    "GET /health/ready": "ready",
}
"""What generated clients are named after: an entry may be added, and none changed."""
OF_DEVELOPMENT = {"POST /v1/token": "sign_in_by_form", "GET /dev/mailbox.json": "mails"}


def documented(**changes: str) -> dict[str, Any]:
    document: dict[str, Any] = create_app(build(settings(**changes))).openapi()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


DOCUMENT = documented()
each_operation = pytest.mark.parametrize(
    "operation", [pytest.param(operation, id=call) for call, operation in operations(DOCUMENT)]
)


def test_operation_ids_never_change() -> None:
    found = {call: operation["operationId"] for call, operation in operations(DOCUMENT)}
    assert found == OPERATIONS | OF_DEVELOPMENT


def test_production_serves_nothing_of_development() -> None:
    production = documented(
        ENVIRONMENT="production",
        DATABASE_URL="sqlite:///no.sqlite3",
        MAIL="smtp",
        SMTP_HOST="localhost",
        BCRYPT_COST="12",
    )
    assert {call: operation["operationId"] for call, operation in operations(production)} == OPERATIONS
    assert set(production["components"]["securitySchemes"]) == {"bearer"}


@each_operation
def test_every_operation_is_described_in_sentences(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert operation["tags"]


@each_operation
def test_every_refusal_is_a_problem(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) >= 400 and "Readiness" not in str(response):
            problem = response["content"]["application/problem+json"]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}
            assert "`" in response["description"], "it names its codes"


@each_operation
def test_what_comes_in_may_be_refused(operation: dict[str, Any]) -> None:
    statuses = set(operation["responses"])
    assert ("401" in statuses) >= ("security" in operation)
    assert "500" in statuses
    body = operation.get("requestBody", {}).get("content", {})
    assert statuses >= {"400", "413", "422"} or not body
    assert ("415" in statuses) == ("application/json" in body)
    assert ("422" in statuses) == bool(operation.keys() & {"parameters", "requestBody"})


@each_operation
def test_whoever_must_wait_is_told_how_long(operation: dict[str, Any]) -> None:
    for status in {"429", "503"} & set(operation["responses"]):
        response = operation["responses"][status]
        assert "Retry-After" in response.get("headers", {}) or "Readiness" in json.dumps(response)


def test_only_what_a_stranger_may_call_is_open() -> None:
    open_to_all = {operation["operationId"] for _, operation in operations(DOCUMENT) if "security" not in operation}
    assert open_to_all == {
        "register_account",
        "verify_account",
        "resend_verification",
        "sign_in",
        "sign_in_by_form",
        "finish_sign_in",
        "begin_passkey_sign_in",
        "sign_in_with_passkey",
        "request_email_code",
        "sign_in_with_email_code",
        "refresh_session",
        "request_password_reset",
        "confirm_password_reset",
        "decline_invitation",
        "publish_keys",
        "live",
        "ready",
        "mails",
    }


def test_no_body_takes_a_field_that_is_not_documented() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for call, operation in operations(DOCUMENT):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body:
            # What may be left out stands beside null.
            (reference,) = [each["$ref"] for each in body["schema"].get("anyOf", [body["schema"]]) if "$ref" in each]
            assert schemas[reference.rpartition("/")[2]]["additionalProperties"] is False, call


def test_the_problem_schema_is_complete(portal: BlockingPortal) -> None:
    schemas = DOCUMENT["components"]["schemas"]
    problem, field_problem = schemas["Problem"], schemas["FieldProblem"]
    with Service.of(portal) as service:
        weak = service.post("/v1/accounts", {"email": ADA, "password": "weak", "display_name": "Ada"}).json()
        incomplete = service.post("/v1/accounts", {}).json()
        ada = service.ada()
        acme = service.organization(ada)
        bob = service.member(acme, "bob", "member", by=ada)
        denied = service.patch(f"/v1/organizations/{acme}", {}, by=bob).json()
        unsure = service.patch(f"/v1/organizations/{acme}", {"requires_second_factor": True}, by=ada).json()
    refused = [weak, incomplete, denied, unsure]
    codes = ["password_too_weak", "validation_failed", "permission_denied", "step_up_required"]
    assert [each["code"] for each in refused] == codes
    for answered in refused:
        assert set(problem["required"]) <= set(answered) <= set(problem["properties"])
    for error in incomplete["errors"]:
        assert set(error) == set(field_problem["properties"])
    assert "HTTPValidationError" not in schemas


def test_every_reference_leads_somewhere() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    named = {part.partition('"')[0] for part in json.dumps(DOCUMENT).split("#/components/schemas/")[1:]}
    assert named == set(schemas)


def test_the_document_is_served_and_can_be_tried(portal: BlockingPortal) -> None:
    with Service.of(portal) as service:
        assert service.get("/openapi.json").json() == DOCUMENT
        page = service.get("/docs")
        assert page.status_code == 200
        for asset in ("/docs/static/swagger-ui-bundle.js", "/docs/static/swagger-ui.css"):
            assert asset in page.text
            assert service.get(asset).status_code == 200
        assert "//" not in page.text.replace("://localhost", ""), "it asks no other server"


def test_a_sign_up_may_also_make_an_account() -> None:
    responses = DOCUMENT["paths"]["/v1/accounts"]["post"]["responses"]
    made, promised = (responses[status]["content"]["application/json"]["schema"]["$ref"] for status in ("201", "202"))
    assert (made, promised) == ("#/components/schemas/AccountOut", "#/components/schemas/VerificationSent")
