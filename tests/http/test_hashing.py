"""A storm of sign-ins stays among itself."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import anyio
import httpx
import pytest
from anyio.from_thread import BlockingPortal

from adapters.security.hashing import PasslibHasher
from entrypoints.hashing import Busy, HashingExecutor
from tests.http.conftest import Serve
from tests.http.service import ADA, PASSWORD, Service, refusal

STEP_UP = "/v1/sessions/current/step-up"
SIGN_IN = {"email": ADA, "password": PASSWORD}


class HeldHasher(PasslibHasher):
    """Takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__(scheme="bcrypt_sha256", bcrypt_cost=4)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def verify_nothing(self, password: str) -> None:
        self.begun.set()
        assert self.go_on.wait(10)


@pytest.fixture
def hasher() -> Iterator[HeldHasher]:
    hasher = HeldHasher()
    yield hasher
    hasher.go_on.set()


@pytest.fixture
def narrow(serve: Serve, hasher: HeldHasher) -> Service:
    """One thread, and one place to wait."""
    service = serve(HASHING_THREADS="1", HASHING_QUEUE="1")
    service.container.password_hasher.override(hasher)
    return service


async def storm(service: Service, hasher: HeldHasher, number: int) -> list[httpx.Response]:
    """Sign in `number` times at once, and let the hasher go on when all but two are answered; the answers in order."""
    answers: list[httpx.Response] = []

    async def sign_in() -> None:
        answers.append(await service.call_async("POST", "/v1/sessions", SIGN_IN))

    async with anyio.create_task_group() as everybody:
        for _ in range(number):
            everybody.start_soon(sign_in)
        with anyio.fail_after(5):
            while len(answers) < number - 2:
                await asyncio.sleep(0.001)
            # While two are still being hashed, the rest of the service goes on.
            assert (await service.call_async("GET", "/v1/me")).status_code == 401
            assert (await service.call_async("GET", "/health/ready")).status_code == 200
        hasher.go_on.set()
    return answers


def test_what_does_not_fit_is_refused_at_once(narrow: Service, hasher: HeldHasher, portal: BlockingPortal) -> None:
    answers = portal.call(storm, narrow, hasher, 60)
    assert [refusal(answer) for answer in answers] == [(503, "busy")] * 58 + [(401, "invalid_credentials")] * 2
    assert {answer.headers.get("retry-after") for answer in answers[:58]} == {"1"}
    assert refusal(narrow.post("/v1/sessions", {**SIGN_IN, "email": "bob@example.com"})) == (401, "invalid_credentials")


def test_only_a_password_steps_up_in_the_queue(narrow: Service, hasher: HeldHasher, portal: BlockingPortal) -> None:
    ada, eve = narrow.ada(), narrow.person("eve")
    device = narrow.passkey(ada)
    nobody = {**SIGN_IN, "email": "nobody@example.com"}
    waiting = [portal.start_task_soon(narrow.call_async, "POST", "/v1/sessions", nobody) for _ in range(2)]
    assert hasher.begun.wait(5)
    until(lambda: portal.call(is_full, narrow.container.hashing_executor()))
    assert refusal(narrow.post(STEP_UP, {"password": PASSWORD}, by=eve)) == (503, "busy")
    assert narrow.post(STEP_UP, narrow.shown(device), by=ada).status_code == 200
    hasher.go_on.set()
    assert [refusal(answer.result(5)) for answer in waiting] == [(401, "invalid_credentials")] * 2


async def is_full(executor: HashingExecutor) -> bool:
    try:
        await executor.run(lambda: None)
    except Busy:
        return True
    return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_what_was_accepted_is_finished_on_close(portal: BlockingPortal) -> None:
    executor = HashingExecutor(at_once=1, queue=4)
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.01)
        done.append(number)

    accepted = [portal.start_task_soon(executor.run, partial(work, number)) for number in range(5)]
    portal.call(asyncio.sleep, 0)
    executor.close()
    assert sorted(done) == [0, 1, 2, 3, 4]
    assert [each.result(5) for each in accepted] == [None] * 5


def test_a_service_that_stops_answers_what_it_has_accepted(portal: BlockingPortal, hasher: HeldHasher) -> None:
    with Service.of(portal) as service:
        service.container.password_hasher.override(hasher)
        answer = portal.start_task_soon(service.call_async, "POST", "/v1/sessions", SIGN_IN)
        assert hasher.begun.wait(5)
        threading.Timer(0.05, hasher.go_on.set).start()
    assert refusal(answer.result(5)) == (401, "invalid_credentials")
    with pytest.raises(RuntimeError):
        portal.call(service.container.hashing_executor().run, lambda: None)


def test_a_refusal_inside_comes_out_as_it_is(portal: BlockingPortal) -> None:
    executor = HashingExecutor(at_once=1, queue=0)
    with pytest.raises(ZeroDivisionError):
        portal.call(executor.run, lambda: 1 // 0)
    assert portal.call(executor.run, lambda: 7) == 7
    executor.close()


def test_who_hangs_up_gives_the_place_back_once_the_hash_is_made(portal: BlockingPortal) -> None:
    executor = HashingExecutor(at_once=1, queue=0)
    go_on = threading.Event()

    async def hang_up() -> None:
        with anyio.move_on_after(0.01):
            await executor.run(lambda: go_on.wait(5))
        with pytest.raises(Busy):
            await executor.run(lambda: None)

    portal.call(hang_up)
    go_on.set()
    until(lambda: not portal.call(is_full, executor))
    executor.close()


@pytest.mark.parametrize(("threads", "queue", "seconds"), [(1, 0, 1), (1, 16, 4), (2, 16, 2), (1, 100, 25)])
def test_the_wait_is_how_long_a_full_queue_takes(
    portal: BlockingPortal, threads: int, queue: int, seconds: int
) -> None:
    executor = HashingExecutor(at_once=threads, queue=queue)
    go_on = threading.Event()

    async def fill() -> int:
        async with anyio.create_task_group() as tasks:
            for _ in range(threads + queue):
                tasks.start_soon(executor.run, lambda: go_on.wait(5))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            try:
                await executor.run(lambda: None)
            except Busy as busy:
                return busy.retry_after
            finally:
                go_on.set()
        raise AssertionError

    assert portal.call(fill) == seconds
    executor.close()


def test_hashing_gives_way_to_everything_else(portal: BlockingPortal) -> None:
    executor = HashingExecutor(at_once=1, queue=0)
    before = priority()
    # Elsewhere than on Linux it would be the priority of the whole process.
    assert portal.call(executor.run, priority) == (max(10, before) if sys.platform == "linux" else before)
    assert priority() == before
    executor.close()


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id() if sys.platform == "linux" else 0)
