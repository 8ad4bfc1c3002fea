"""No address can be probed: what strangers may call does the same work for every address (ASVS 6.3.8)."""

from dataclasses import replace
from typing import Any

import pytest

from domain.attempts import TooManyAttempts
from domain.sessions import InvalidCredentials
from tests.application.fakes import Journal
from tests.application.world import ADA, EVE, PASSWORD, World

UNKNOWN = "nobody@example.com"


def work_of_a_failed_sign_in(world: World, email: str, device_token: str | None = None) -> tuple[Journal, str]:
    with world.work() as work, pytest.raises(InvalidCredentials) as refused:
        world.enter(email, "a wrong password", device_token=device_token)
    return work, str(refused.value)


def test_a_sign_in_that_fails_does_the_same_work_whatever_stands_behind_the_address(world: World) -> None:
    operator = world.an_operator()
    world.an_account(ADA)
    suspended, closed = world.an_account("suspended@example.com"), world.somebody("closed@example.com")
    world.suspend(principal=operator, account_id=suspended.id)
    world.close(principal=closed, password=PASSWORD)
    world.register(email="claimed@example.com", password=PASSWORD)
    addresses = [UNKNOWN, ADA, "suspended@example.com", "closed@example.com", "claimed@example.com"]
    outcomes = [work_of_a_failed_sign_in(world, address) for address in addresses]
    assert outcomes == outcomes[:1] * len(addresses)
    attempt = ["begin", "accounts.find_by_email", "attempts.lock", "attempts.save", "commit", "verify"]
    assert outcomes[0][0] == [*attempt, "begin", "audit.note", "commit"]


def test_the_right_password_of_a_suspended_account_is_refused_like_a_wrong_one(world: World) -> None:
    operator, account = world.an_operator(), world.an_account(ADA)
    world.suspend(principal=operator, account_id=account.id)
    with world.work() as work, pytest.raises(InvalidCredentials):
        world.enter(ADA)
    assert work == work_of_a_failed_sign_in(world, UNKNOWN)[0]


def test_an_old_hash_which_may_be_cheap_costs_a_present_one_as_well(world: World) -> None:
    world.an_account(ADA)
    world.hasher.scheme = "newer"
    (work, told), (unknown, told_of_unknown) = (work_of_a_failed_sign_in(world, who) for who in (ADA, UNKNOWN))
    told_afterwards = unknown.index("verify") + 1
    assert work == [*unknown[:told_afterwards], "verify", *unknown[told_afterwards:]]
    assert told == told_of_unknown


def test_a_foreign_device_token_tells_nothing(world: World) -> None:
    world.an_account(ADA)
    world.an_account(EVE)
    token = world.enter(EVE).device_token
    assert token
    with_account = work_of_a_failed_sign_in(world, ADA, device_token=token)
    assert with_account == work_of_a_failed_sign_in(world, UNKNOWN, device_token=token)


def test_an_address_without_an_account_is_delayed_like_one_with(world: World) -> None:
    world.an_account(ADA)
    refusals = []
    for address in (ADA, UNKNOWN):
        for _ in range(5):
            work_of_a_failed_sign_in(world, address)
        with world.work() as work, pytest.raises(TooManyAttempts) as refused:
            world.enter(address)
        refusals.append((work, refused.value.retry_after, refused.value.detail))
    assert refusals[0] == refusals[1]


def test_asking_for_a_reset_is_the_same_work_for_every_address(world: World) -> None:
    operator, suspended = world.an_operator(), world.an_account("suspended@example.com")
    world.suspend(principal=operator, account_id=suspended.id)
    world.an_account(ADA)
    done = []
    for address in (ADA, UNKNOWN, "suspended@example.com"):
        with world.work() as work:
            world.request_reset(email=address)
        done.append(work)
    assert done == [["begin", "mail.request", "password_resets.add", "commit"]] * 3


def test_naming_a_new_address_is_the_same_work_whether_or_not_it_is_taken(world: World) -> None:
    principal = world.somebody(ADA)
    world.an_account(EVE)
    done = []
    for address in (EVE, UNKNOWN):
        with world.work() as work:
            world.request_email_change(principal=principal, new_email=address, password=PASSWORD)
        done.append(work)
    assert done[0] == done[1]


def test_the_mail_that_is_queued_looks_the_same_for_every_address(world: World) -> None:
    world.an_account(ADA)
    shapes = []
    for address in (ADA, UNKNOWN):
        world.register(email=address, password=PASSWORD)
        world.request_reset(email=address)
        anonymous: dict[str, Any] = {"address": None, "address_digest": "", "ids": {}}
        shapes.append([(list(mail.ids), replace(mail, **anonymous)) for mail in world.queued(address)])
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) == 2
