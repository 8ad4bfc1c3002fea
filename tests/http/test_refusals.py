"""Whoever is known and may not leaves an entry in the audit trail, whatever the route; the answer never waits on it."""

from collections.abc import Callable
from typing import NoReturn
from uuid import UUID

import httpx
import pytest

from application.ports.audit import EntryFilter
from application.ports.unit_of_work import Unavailable
from domain.audit import INSTALLATION, AuditEntry, Outcome
from domain.kernel import DomainError
from domain.roles import MEMBER
from tests.builders import DAY
from tests.http.conftest import Serve
from tests.http.log import Log
from tests.http.service import ADA, PASSWORD, Service, refusal


def refused(service: Service) -> list[AuditEntry]:
    with service.container.persistence().autocommit() as reads:
        entries, _ = reads.audit.page(None, EntryFilter(), limit=1000, after=None)
    return [entry for entry in reversed(entries) if entry.outcome is Outcome.REFUSED]


def test_a_lacking_permission_is_told_in_the_organization(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    bob = service.member(acme, "bob", MEMBER, by=ada)
    target = service.id_of(ada)
    path = f"/v1/organizations/{acme}/members/{target}"
    answer = service.call("DELETE", path, by=bob, headers={"x-request-id": "the-one"}, peer="198.51.100.7")
    assert refusal(answer) == (403, "permission_denied")
    (entry,) = refused(service)
    assert (entry.action, entry.code) == ("remove_member", "permission_denied")
    assert entry.chain_id == entry.organization_id == UUID(acme)
    assert (str(entry.actor_id), str(entry.target_id)) == (service.id_of(bob), target)
    assert (entry.request_id, entry.key_id) == ("the-one", None)
    assert entry.details == {"permission": "members:manage"}
    assert entry.personal
    assert entry.personal.network == "198.51.100.7/32"


def test_whoever_is_no_operator_is_told_with_themselves(service: Service) -> None:
    ada = service.ada()
    assert refusal(service.get("/v1/admin/accounts", by=ada)) == (403, "operator_required")
    (entry,) = refused(service)
    assert (entry.action, entry.code, entry.target_id) == ("list_accounts", "operator_required", None)
    assert str(entry.chain_id) == str(entry.actor_id) == service.id_of(ada)


def test_a_stale_proof_is_told(service: Service) -> None:
    ada = service.ada()
    service.clock.advance(DAY)
    ada = service.sign_in()
    service.clock.advance(DAY / 48)
    ada_again = service.post("/v1/sessions/refresh", {"refresh_token": ada.tokens["refresh_token"]})
    ada = type(ada)(ada_again.json())
    assert refusal(service.post("/v1/me/totp", by=ada)) == (403, "step_up_required")
    assert [(entry.action, entry.code) for entry in refused(service)] == [("begin_totp", "step_up_required")]


def test_a_key_that_does_what_only_people_may_is_told_in_its_organization(service: Service) -> None:
    ada = service.ada()
    acme = service.organization(ada)
    robot = service.service_account(acme, MEMBER, by=ada)
    key = service.service_key(acme, robot, "members:read", by=ada)
    assert service.get("/v1/me/sessions", by=key).status_code == 403
    (entry,) = refused(service)
    assert (str(entry.chain_id), str(entry.actor_id)) == (acme, robot)
    assert entry.key_id


@pytest.mark.parametrize(
    "call",
    [
        lambda service: service.get("/v1/me"),  # nobody is known
        lambda service: service.get(f"/v1/organizations/{INSTALLATION}", by=service.sign_in()),  # not theirs: 404
        lambda service: service.call("PATCH", "/v1/me", {"display_name": "\0"}, by=service.sign_in()),  # 422
    ],
)
def test_what_is_no_lack_of_rights_leaves_nothing(service: Service, call: Callable[[Service], httpx.Response]) -> None:
    service.sign_up()
    assert call(service).is_client_error
    assert refused(service) == []


def test_a_failed_proof_of_a_known_caller_is_told_once(service: Service) -> None:
    ada = service.ada()
    app = service.authenticator_app(ada)
    wrong = {"code": "000000" if app.code() != "000000" else "111111"}
    assert refusal(service.post("/v1/sessions/current/step-up", wrong, by=ada)) == (403, "factor_wrong")
    assert [(entry.action, entry.code) for entry in refused(service)] == [("prove_factor", "factor_wrong")]


def test_a_wrong_password_of_a_stranger_is_told_without_the_address(service: Service) -> None:
    service.sign_up()
    for email in (ADA, "nobody@example.com"):
        service.post("/v1/sessions", {"email": email, "password": "not " + PASSWORD}, peer="198.51.100.7")
    of_account, of_nobody = sorted(refused(service), key=lambda entry: entry.chain_id, reverse=True)
    assert of_nobody.chain_id == INSTALLATION
    assert {entry.action for entry in (of_account, of_nobody)} == {"sign_in"}
    assert "@" not in repr((of_account.without_personal(), of_nobody.without_personal()))
    assert all(entry.personal and entry.personal.network == "198.51.100.7/32" for entry in (of_account, of_nobody))


class Failing:
    """Stands for the database that went away between the refusal and its entry."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def is_due(self, _: DomainError) -> bool:
        return True

    def __call__(self, **_: object) -> NoReturn:
        raise self.error


@pytest.mark.parametrize("error", [Unavailable("out of reach"), RuntimeError("broken")])
def test_a_refusal_is_answered_though_its_entry_is_lost_and_the_log_says_so(
    log: Log, serve: Serve, error: Exception
) -> None:
    service = serve()
    ada = service.ada()
    log.text()
    with service.container.record_refusal.override(Failing(error)):
        assert refusal(service.get("/v1/admin/accounts", by=ada)) == (403, "operator_required")
    lost, request = log.lines()
    assert (lost["event"], lost["level"], lost["action"]) == ("audit.refusal_lost", "error", "list_accounts")
    assert (request["event"], request["status"]) == ("request", 403)
