"""`portico relay`: several at once, one that is killed, and receivers that behave badly."""

import time
from collections.abc import Iterator

import pytest

from domain.deliveries import DeliveryState
from tests.e2e.installation import Installation
from tests.e2e.webhooks import (
    Happenings,
    are_signed,
    failing_first,
    ids,
    is_in_order,
    once_each,
    taking,
    wait_until,
)
from tests.webhooks.receivers import Receiver, receiving


@pytest.fixture
def installation(on_postgresql: Installation) -> Installation:
    """Its services leave the background to a relay."""
    secret = {"SECRET_KEY": "a secret of the tests of the relay".replace(" ", "-")}
    return on_postgresql.having(WEBHOOK_ALLOWED_HOSTS="127.0.0.1", BACKGROUND_WORK="false", **secret)


@pytest.fixture
def happenings(installation: Installation) -> Iterator[Happenings]:
    with Happenings.at(installation) as happenings:
        yield happenings


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as receiver:
        yield receiver


def test_it_refuses_sqlite_and_says_who_does_the_work_there(on_sqlite: Installation) -> None:
    assert on_sqlite.run("migrate", "up").returncode == 0
    refused = on_sqlite.run("relay")
    assert (refused.returncode, "BACKGROUND_WORK=true" in refused.stderr) == (1, True)


def test_it_refuses_a_schema_that_is_not_at_head_and_settings_that_are_wrong(on_postgresql: Installation) -> None:
    assert on_postgresql.command("migrate", "down", "base", "--yes").exit_code == 0
    assert "portico migrate up" in on_postgresql.run("relay").stderr
    assert "SECRET_KEY: " in on_postgresql.run("relay", SECRET_KEY="a, b").stderr


def test_two_relays_deliver_what_happens_in_a_service_without_one_exactly_once_and_in_order(
    installation: Installation, happenings: Happenings, receiver: Receiver
) -> None:
    _, secret = happenings.endpoint(receiver.url)
    with installation.serving() as server, installation.relaying(), installation.relaying():
        events = happenings.rename(happenings.accounts(20), times=10)
        wait_until(lambda: len(receiver.received) >= events)
        time.sleep(1)
        with server.client() as client:
            assert client.get("/health/ready").status_code == 200
    assert len(ids(receiver.received)) == len(set(ids(receiver.received))) == events
    assert is_in_order(receiver.received)
    are_signed(receiver.received, secret)


def test_a_service_with_background_work_delivers_by_itself(
    installation: Installation, happenings: Happenings, receiver: Receiver
) -> None:
    endpoint, _ = happenings.endpoint(receiver.url)
    with installation.serving() as server:
        happenings.rename(happenings.accounts(1), times=1)
        time.sleep(1)
        assert not receiver.received
        server.terminate()
    with installation.serving(BACKGROUND_WORK="true") as server:
        wait_until(lambda: len(receiver.received) == 1)
        server.terminate()
    assert [each.state for each in happenings.deliveries(endpoint)] == [DeliveryState.DELIVERED]


def test_when_one_of_two_is_killed_the_other_goes_on_and_each_event_arrives(
    installation: Installation, happenings: Happenings, receiver: Receiver
) -> None:
    happenings.endpoint(receiver.url)
    taking(receiver, 0.3)
    events = happenings.rename(happenings.accounts(60), times=4)
    with installation.relaying() as killed, installation.relaying():
        wait_until(lambda: len(receiver.received) > 60)
        killed.kill()
        late = happenings.accounts(1)
        events += happenings.rename(late, times=2)
        assert wait_until(lambda: any(str(late[0]).encode() in call.body for call in receiver.received)) < 5
        wait_until(lambda: len(set(ids(receiver.received))) >= events)
    once = once_each(receiver.received)
    assert len(receiver.received) > len(once) == events  # some came twice: it was in the middle of them
    assert is_in_order(once)


def test_receivers_that_fail_hang_or_are_slow_hold_up_nobody_else(
    installation: Installation, happenings: Happenings, receiver: Receiver
) -> None:
    with receiving(Receiver()) as failing, receiving(Receiver()) as hanging, receiving(Receiver()) as slow:
        failing_first(failing)
        taking(hanging, 60)
        taking(slow, 1)
        for each in (hanging, slow, failing, receiver):
            happenings.endpoint(each.url)
        with installation.relaying():
            events = happenings.rename(happenings.accounts(30), times=2)
            assert wait_until(lambda: len(receiver.received) >= events) < 5
            wait_until(lambda: len(set(ids(slow.received))) >= events)
            wait_until(lambda: len(failing.received) >= 2 * events)
        assert is_in_order(receiver.received)
        assert is_in_order(once_each(slow.received))
        assert is_in_order(once_each(failing.received))


def test_sigterm_lets_it_settle_what_is_under_way(
    installation: Installation, happenings: Happenings, receiver: Receiver
) -> None:
    endpoint, _ = happenings.endpoint(receiver.url)
    taking(receiver, 1)
    with installation.relaying() as relay:
        events = happenings.rename(happenings.accounts(10), times=2)
        wait_until(lambda: len(receiver.received) > 0)
        began = time.monotonic()
        assert relay.terminate() == 0, relay.log.read_text()
        assert time.monotonic() - began < 8
    before = ids(receiver.received)
    settled = [each for each in happenings.deliveries(endpoint) if each.state is DeliveryState.DELIVERED]
    assert len(settled) == len(before) < events
    with installation.relaying():
        wait_until(lambda: len(receiver.received) >= events)
    assert len(ids(receiver.received)) == len(set(ids(receiver.received))) == events
