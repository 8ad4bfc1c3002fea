"""What is sensitive wants an owner who has just proved themselves (ASVS 7.5.1)."""

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from application.ports.audit import EntryFilter
from domain.access import Principal
from domain.assurance import StepUpRequired
from domain.kernel import DomainError
from tests.application.world import EVE, HOME, PASSWORD, World
from tests.builders import MINUTE

MOMENT = timedelta(microseconds=1)
A_WEBHOOK: dict[str, Any] = {"url": "https://hooks.example.com/", "events": ("*",)}
A_KEY: dict[str, Any] = {"name": "nightly", "scopes": (), "expires_at": None}


def in_their_organization(world: World, principal: Principal) -> dict[str, Any]:
    organization = world.make_organization(principal=principal, name="Acme")
    return {"actor": world.within(principal, organization.id), "service_account_id": uuid4()}


def holding(world: World, principal: Principal) -> dict[str, Any]:
    return {"holder": in_their_organization(world, principal)["actor"], "webhook_id": uuid4()}


Call = Callable[[World, Principal], object]
SENSITIVE: dict[str, Call] = {
    "change_password": lambda w, p: w.change_password(
        principal=p, current_password=PASSWORD, new_password="a third good one"
    ),
    "request_email_change": lambda w, p: w.request_email_change(principal=p, new_email=EVE, password=PASSWORD),
    "confirm_email_change": lambda w, p: w.confirm_email_change(principal=p, token="a token"),
    "close": lambda w, p: w.close(principal=p, password=PASSWORD),
    "end_session": lambda w, p: w.end_session(principal=p, session_id=uuid4()),
    "end_other_sessions": lambda w, p: w.end_other_sessions(principal=p),
    "begin_totp": lambda w, p: w.begin_totp(principal=p),
    "confirm_totp": lambda w, p: w.confirm_totp(principal=p, code="000000", client=HOME),
    "remove_totp": lambda w, p: w.remove_totp(principal=p),
    "make_recovery_codes": lambda w, p: w.make_recovery_codes(principal=p),
    "begin_passkey": lambda w, p: w.begin_passkey(principal=p),
    "register_passkey": lambda w, p: w.register_passkey(principal=p, challenge="", credential={}, name="laptop"),
    "remove_passkey": lambda w, p: w.remove_passkey(principal=p, passkey_id=uuid4()),
    "make_personal_key": lambda w, p: w.make_personal_key(principal=p, actor=None, **A_KEY),
    "rotate_personal_key": lambda w, p: w.rotate_personal_key(principal=p, key_id=uuid4()),
    "revoke_personal_key": lambda w, p: w.revoke_personal_key(principal=p, key_id=uuid4()),
    "make_service_key": lambda w, p: w.make_service_key(**in_their_organization(w, p), **A_KEY),
    "rotate_service_key": lambda w, p: w.rotate_service_key(**in_their_organization(w, p), key_id=uuid4()),
    "revoke_service_key": lambda w, p: w.revoke_service_key(**in_their_organization(w, p), key_id=uuid4()),
    "make_webhook": lambda w, p: w.make_webhook(holder=holding(w, p)["holder"], **A_WEBHOOK),
    "change_webhook": lambda w, p: w.change_webhook(**holding(w, p)),
    "rotate_webhook_secret": lambda w, p: w.rotate_webhook_secret(**holding(w, p)),
    "delete_webhook": lambda w, p: w.delete_webhook(**holding(w, p)),
}
OF_OPERATORS: dict[str, Call] = {
    "follow_events": lambda w, p: w.follow_events(reader=p, after=None, limit=1),
    "list_accounts": lambda w, p: w.list_accounts(principal=p, query=None, state=None, limit=10, after=None),
    "list_all_audit_entries": lambda w, p: w.list_all_audit_entries(
        principal=p, wanted=EntryFilter(), limit=10, after=None
    ),
    "show_account": lambda w, p: w.show_account(principal=p, account_id=uuid4()),
    "rename_account_of": lambda w, p: w.rename_account_of(principal=p, account_id=uuid4(), display_name="Ada"),
    "suspend": lambda w, p: w.suspend(principal=p, account_id=uuid4()),
    "reactivate": lambda w, p: w.reactivate(principal=p, account_id=uuid4()),
    "end_sessions_of": lambda w, p: w.end_sessions_of(principal=p, account_id=uuid4()),
    "send_password_reset": lambda w, p: w.send_password_reset(principal=p, account_id=uuid4()),
    "reset_factors": lambda w, p: w.reset_factors(principal=p, account_id=uuid4()),
    "make_webhook": lambda w, p: w.make_webhook(holder=p, **A_WEBHOOK),
    "list_webhooks": lambda w, p: w.list_webhooks(holder=p),
    "show_webhook": lambda w, p: w.show_webhook(holder=p, webhook_id=uuid4()),
    "change_webhook": lambda w, p: w.change_webhook(holder=p, webhook_id=uuid4()),
    "rotate_webhook_secret": lambda w, p: w.rotate_webhook_secret(holder=p, webhook_id=uuid4()),
    "delete_webhook": lambda w, p: w.delete_webhook(holder=p, webhook_id=uuid4()),
    "try_webhook": lambda w, p: w.try_webhook(holder=p, webhook_id=uuid4()),
    "list_deliveries": lambda w, p: w.list_deliveries(holder=p, webhook_id=uuid4(), limit=10, after=None),
    "redeliver": lambda w, p: w.redeliver(holder=p, webhook_id=uuid4(), delivery_id=uuid4()),
}
ORDINARY = {
    *("sign_out", "step_up", "list_sessions", "rename", "export"),
    *("show_factors", "list_passkeys", "rename_passkey", "list_trusted_devices", "distrust_device"),
    *("make_organization", "show_organization", "change_organization", "delete_organization", "enter_organization"),
    *("list_members", "change_member_role", "remove_member", "leave_organization"),
    *("invite", "list_invitations", "revoke_invitation", "list_audit_entries"),
    *("list_my_invitations", "accept_invitation"),
    *("list_roles", "make_role", "change_role", "delete_role"),
    *("list_service_accounts", "make_service_account", "change_service_account", "delete_service_account"),
    *("list_personal_keys", "list_service_keys", "list_audit_entries"),
}
"""What shows, what somebody else could do in the same place, and what only takes away from the caller."""

every_sensitive_call = pytest.mark.parametrize("call", [pytest.param(SENSITIVE[name], id=name) for name in SENSITIVE])
every_call_of_operators = pytest.mark.parametrize(
    "call", [pytest.param(OF_OPERATORS[name], id=name) for name in OF_OPERATORS]
)


def test_of_every_call_in_somebodys_name_it_is_said_how_sure_it_must_be(world: World) -> None:
    calls = {
        name
        for name, use_case in vars(world).items()
        if callable(use_case)
        and {"principal", "actor", "holder", "reader"} & set(inspect.signature(use_case).parameters)
    }
    assert calls == SENSITIVE.keys() | OF_OPERATORS.keys() | ORDINARY


def test_whoever_may_ask_for_a_step_up_is_among_the_sensitive_or_of_operators(world: World) -> None:
    judging = {name for name, use_case in vars(world).items() if hasattr(use_case, "assurance")}
    assert judging == SENSITIVE.keys() | OF_OPERATORS.keys()


@every_sensitive_call
def test_a_quarter_of_an_hour_after_the_proof_it_is_still_taken(world: World, call: Call) -> None:
    principal = world.somebody()
    world.clock.advance(15 * MINUTE)
    try:
        call(world, principal)
    except StepUpRequired:
        pytest.fail("The proof was fresh.")
    except DomainError:
        pass


@every_sensitive_call
def test_later_it_asks_for_a_step_up_and_does_nothing(world: World, call: Call) -> None:
    principal = world.somebody()
    world.clock.advance(15 * MINUTE + MOMENT)
    before = world.sessions(principal.account.id), world.account(principal.account.id)
    with pytest.raises(StepUpRequired) as refused:
        call(world, principal)
    assert refused.value.members() == {"required": {"acr": "aal1", "max_age": 900}, "enrol_first": False}
    assert (world.sessions(principal.account.id), world.account(principal.account.id)) == before


@every_sensitive_call
def test_with_a_factor_enrolled_a_fresh_password_is_not_enough(world: World, call: Call) -> None:
    world.an_app_of(world.an_account())
    device = world.enter_with_app(trust_device=True).device_token
    principal = world.who(world.enter(device_token=device))
    with pytest.raises(StepUpRequired) as refused:
        call(world, principal)
    assert refused.value.members() == {"required": {"acr": "aal2", "max_age": 900}, "enrol_first": False}


@every_sensitive_call
def test_with_a_factor_enrolled_an_old_proof_of_it_is_not_enough(world: World, call: Call) -> None:
    principal = world.with_app()
    world.clock.advance(15 * MINUTE + MOMENT)
    with pytest.raises(StepUpRequired):
        call(world, principal)


def test_the_present_session_ends_without_any_proof(world: World) -> None:
    principal = world.somebody()
    world.clock.advance(60 * MINUTE)
    world.end_session(principal=principal, session_id=principal.session.id)
    assert world.sessions(principal.account.id) == []


@every_call_of_operators
def test_an_operator_without_a_second_factor_does_nothing(world: World, call: Call) -> None:
    world.appoint_operator(email="root@example.net", password=PASSWORD)
    operator = world.who(world.enter("root@example.net"))
    with world.work() as work, pytest.raises(StepUpRequired) as refused:
        call(world, operator)
    assert refused.value.members() == {"required": {"acr": "aal2", "max_age": None}, "enrol_first": True}
    assert work == []


@every_call_of_operators
def test_nobody_else_does_either_however_sure(world: World, call: Call) -> None:
    with pytest.raises(DomainError) as refused:
        call(world, world.with_app())
    assert refused.value.code == "operator_required"


def test_resetting_factors_wants_a_fresh_operator(world: World) -> None:
    operator = world.an_operator()
    world.clock.advance(15 * MINUTE + MOMENT)
    with pytest.raises(StepUpRequired):
        OF_OPERATORS["reset_factors"](world, operator)
