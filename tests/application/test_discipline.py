"""What holds for every use case, seen over a long day in which each of them runs."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from application.ports.outbox import OutboxEvent
from domain.accounts import LastOperator
from domain.kernel import DomainError
from domain.passkeys import PasskeyWrong
from domain.second_factors import FactorWrong
from domain.sessions import RefreshReused, RefreshSuperseded
from tests.application.factor_day import GRACE, Step, a_day_of_factors
from tests.application.fakes import Journal
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, HOME, PASSWORD, SECOND, World
from tests.builders import MINUTE

NEW, NAME = "ada@new.example", "Ada Lovelace"


def a_long_day(world: World) -> Iterator[Step]:
    """Each step by the name of what it does: `=` does not change what anybody can see, `-` is refused."""
    yield "prepare keys", world.prepare_keys
    yield "appoint", lambda: world.appoint_operator(email="root@example.net", password=PASSWORD)
    yield "sign in", lambda: world.enter("root@example.net")
    world.an_app_of(world.account(world.enter("root@example.net").session.account_id))
    root = world.who(world.enter_with_app("root@example.net"))

    yield "claim", lambda: world.register(email=ADA, password=PASSWORD, display_name=NAME)
    yield "= resend", lambda: world.resend(email=ADA)
    claimed = world.mailed_token("verification")
    yield "- verify", lambda: world.verify(token=claimed, password="a wrong password")
    yield "verify", lambda: world.verify(token=claimed, password=PASSWORD)
    yield "- sign in", lambda: world.enter(password="a wrong password")
    world.hasher.scheme = "newer"
    signed_in = world.enter()
    ada = world.who(signed_in)

    yield "rename", lambda: world.rename(principal=ada, display_name=NAME.upper())
    yield "= refresh", lambda: world.refresh(refresh_token=signed_in.refresh_token, client=HOME)
    yield "superseded", lambda: world.refresh(refresh_token=signed_in.refresh_token, client=ELSEWHERE)
    yield "= replay", lambda: world.refresh(refresh_token=signed_in.refresh_token, client=HOME)
    world.clock.advance(MINUTE)
    yield "reuse", lambda: world.refresh(refresh_token=signed_in.refresh_token, client=HOME)
    ada, other = world.who(world.enter()), world.who(world.enter(client=ELSEWHERE))
    yield "= list sessions", lambda: world.list_sessions(principal=ada, limit=10, after=None)
    yield "end session", lambda: world.end_session(principal=ada, session_id=other.session.id)
    world.enter()
    yield "end other sessions", lambda: world.end_other_sessions(principal=ada)

    yield (
        "request email change",
        lambda: world.request_email_change(principal=ada, new_email=NEW, password=PASSWORD),
    )
    change = world.mailed_token("email_change")
    yield "confirm email change", lambda: world.confirm_email_change(principal=ada, token=change)
    ada = world.who(world.enter(NEW))
    yield (
        "change password",
        lambda: world.change_password(principal=ada, current_password=PASSWORD, new_password=ANOTHER),
    )
    yield "= request reset", lambda: world.request_reset(email=NEW)
    reset = world.mailed_token("password_reset")
    yield "- confirm reset", lambda: world.confirm_reset(token=reset, new_password="weak")
    yield "confirm reset", lambda: world.confirm_reset(token=reset, new_password=PASSWORD)

    id = ada.account.id
    yield "rename of", lambda: world.rename_account_of(principal=root, account_id=id, display_name=NAME)
    world.enter(NEW)
    yield "end sessions of", lambda: world.end_sessions_of(principal=root, account_id=id)
    yield "suspend", lambda: world.suspend(principal=root, account_id=id)
    yield "reactivate", lambda: world.reactivate(principal=root, account_id=id)
    yield "= send reset", lambda: world.send_password_reset(principal=root, account_id=id)
    yield "- suspend", lambda: world.suspend(principal=root, account_id=root.account.id)

    yield "sign out", lambda: world.sign_out(principal=world.who(world.enter(NEW)))
    ada = world.who(world.enter(NEW))
    yield "= export", lambda: world.export(principal=ada)
    yield "close", lambda: world.close(principal=ada, password=PASSWORD)

    planted = world.an_account(EVE, ANOTHER, verified=False)
    world.enter(EVE, ANOTHER)
    yield "claim", lambda: world.register(email=EVE, password=PASSWORD)
    proof = world.mailed_token("verification")
    yield "prove", lambda: world.verify(token=proof, password=PASSWORD)
    assert world.account(planted.id).email_verified_at

    world.clock.advance(15 * MINUTE)
    yield "rotate keys", world.rotate_keys
    yield "revoke key", lambda: world.revoke_key(key_id=world.key_ring.active().id)
    world.clock.advance(15 * MINUTE)
    yield "= deliver", world.deliver
    yield "revoke retired", lambda: list(world.sweep())
    yield from a_day_of_factors(world)


REFUSALS_WORTH_REMEMBERING = (RefreshReused, RefreshSuperseded, PasskeyWrong, FactorWrong)


def live(world: World) -> None:
    for _, act in a_long_day(world):
        with suppress(DomainError):
            act()


def test_every_change_leaves_an_event_and_nothing_else_does(world: World) -> None:
    for name, act in a_long_day(world):
        before = len(world.events())
        if name.startswith("-"):
            with pytest.raises(DomainError):
                act()
        else:
            with suppress(*REFUSALS_WORTH_REMEMBERING):
                act()
        is_remembered = len(world.events()) > before
        assert is_remembered is not name.startswith(("-", "=")), name


def test_every_event_of_accounts_sessions_factors_and_keys_happens_on_such_a_day(world: World) -> None:
    live(world)
    gone_by = set(world.event_names())
    assert {name.partition(".")[0] for name in gone_by} == {
        *("account", "claim", "session", "signing_key"),
        *("factor", "passkey", "device"),
    }
    assert len(gone_by) == 34


def test_no_event_holds_anything_personal_or_secret(world: World) -> None:
    live(world)
    told = repr(world.events())
    personal = [
        ADA,
        EVE,
        GRACE,
        NEW,
        "root@example.net",
        NAME,
        NAME.upper(),
        HOME.network,
        ELSEWHERE.network,
        HOME.user_agent,
    ]
    secret = [PASSWORD, ANOTHER, "newer$", *(mail.values.get("token", PASSWORD) for mail in world.mailer.sent)]
    for held in (*personal, *secret, "PRIVATE", "ptr_", "ptd_", "aes256gcm."):
        assert held not in told
    for event in world.events():
        assert all(isinstance(value, str | int | bool | None) for value in event.data.values())


def test_the_events_of_an_aggregate_come_in_the_order_of_its_versions(world: World) -> None:
    live(world)
    by_aggregate: dict[object, list[OutboxEvent]] = {}
    for event in world.events():
        by_aggregate.setdefault(event.aggregate_id, []).append(event)
    for events in by_aggregate.values():
        versions = [event.version for event in events]
        assert versions == sorted(versions)


def transactions(journal: Journal) -> list[Journal]:
    """The calls between each `begin` and its end."""
    found: list[Journal] = []
    inside = False
    for entry in journal:
        if entry == "begin":
            assert not inside, "a transaction in a transaction"
            inside = True
            found.append([])
        elif entry in ("commit", "rollback"):
            inside = False
        elif inside:
            found[-1].append(entry)
    return found


def test_nothing_costly_is_done_while_a_transaction_is_open(world: World) -> None:
    live(world)
    assert {"hash", "verify", "send"} < set(world.journal)
    for calls in transactions(world.journal):
        assert not {"hash", "verify", "send"} & set(calls)


READS = {"find_by_email", "find", "get", "all", "of_address", "page"}
LOCKS_ACCOUNTS = {"accounts.lock", "accounts.add"}


def test_accounts_are_locked_before_anything_else(world: World) -> None:
    """One order for all, so that no two wait for each other."""
    live(world)
    with_accounts = [calls for calls in transactions(world.journal) if LOCKS_ACCOUNTS & set(calls)]
    assert len(with_accounts) > 20
    for calls in with_accounts:
        changes = [call for call in calls if call.partition(".")[2] not in READS]
        assert changes[0] in LOCKS_ACCOUNTS, calls


def test_no_account_is_saved_that_was_not_locked(world: World) -> None:
    live(world)
    for calls in transactions(world.journal):
        if "accounts.save" in calls:
            assert calls.index("accounts.lock") < calls.index("accounts.save")


def test_who_is_refused_at_the_end_of_a_transaction_has_changed_nothing(world: World) -> None:
    operator = world.an_operator()
    before = (world.account(operator.account.id), world.sessions(operator.account.id), world.events())
    with pytest.raises(LastOperator):
        world.close(principal=operator, password=PASSWORD)
    world.clock.advance(SECOND)
    assert (world.account(operator.account.id), world.sessions(operator.account.id), world.events()) == before
    assert world.deliver() == []
