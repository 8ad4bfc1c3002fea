"""The service answers whatever happens inside it."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from adapters.memory import MemoryDatabase
from application.ports.unit_of_work import TransactionFailed, Unavailable
from domain.kernel import ChangedMeanwhile
from tests.builders import CountingIds
from tests.http.conftest import Serve
from tests.http.log import Log, configured
from tests.http.service import ADA, PASSWORD, Service, refusal

SECRET = "s3cr3t-in-a-local"


def failing(error: Exception) -> Callable[..., NoReturn]:
    """A use case that goes wrong, with something secret in its hands."""

    def use_case(**_: Any) -> NoReturn:
        password = SECRET
        raise error from ValueError(len(password))

    return use_case


def sign_in(service: Service) -> Any:
    headers = {"x-request-id": "the-one"}
    return service.post("/v1/sessions", {"email": ADA, "password": PASSWORD + SECRET}, headers=headers)


def ask_for_reset(service: Service) -> Any:
    return service.post("/v1/password-resets", {"email": ADA}, headers={"x-request-id": "the-one"})


ROUTES = [("sign_in", sign_in), ("request_password_reset", ask_for_reset)]
"""One that runs on the hashing executor, and one that runs in a worker thread."""
on_each_kind_of_route = pytest.mark.parametrize(("use_case", "call"), ROUTES, ids=["hashing", "worker"])


@on_each_kind_of_route
def test_an_unexpected_error_is_a_problem_and_the_service_goes_on(
    service: Service, use_case: str, call: Callable[[Service], Any]
) -> None:
    with getattr(service.container, use_case).override(failing(RuntimeError("what went wrong"))):
        response = call(service)
        assert refusal(response) == (500, "internal_error")
        assert response.headers["x-request-id"] == "the-one"
        assert "what went wrong" not in response.text
        assert service.get("/health/ready").status_code == 200
    assert call(service).status_code in (202, 401)


@pytest.mark.parametrize("format", ["json", "console"])
@on_each_kind_of_route
def test_the_log_says_what_went_wrong_without_locals(
    serve: Serve, use_case: str, call: Callable[[Service], Any], format: str
) -> None:
    with configured(LOG_FORMAT=format) as log:
        service = serve()
        with getattr(service.container, use_case).override(failing(RuntimeError("what went wrong"))):
            call(service)
        written = log.text()
    assert "request.failed" in written
    assert "the-one" in written
    assert "what went wrong" in written
    assert "test_faults.py" in written
    for secret in (SECRET, PASSWORD, ADA):
        assert secret not in written


def test_the_line_of_the_request_follows_with_its_status(log: Log, serve: Serve) -> None:
    service = serve()
    with service.container.sign_in.override(failing(RuntimeError())):
        sign_in(service)
    failed, request = log.lines()
    assert (failed["event"], failed["level"], failed["request_id"]) == ("request.failed", "error", "the-one")
    assert (request["event"], request["status"], request["request_id"]) == ("request", 500, "the-one")


@on_each_kind_of_route
def test_what_cannot_be_done_now_may_be_tried_again(
    service: Service, use_case: str, call: Callable[[Service], Any]
) -> None:
    with getattr(service.container, use_case).override(failing(Unavailable("db.internal:5432 is gone"))):
        response = call(service)
    assert refusal(response) == (503, "unavailable")
    assert response.headers["retry-after"] == "5"
    assert "db.internal" not in response.text


@on_each_kind_of_route
def test_who_always_comes_second_is_told(service: Service, use_case: str, call: Callable[[Service], Any]) -> None:
    with getattr(service.container, use_case).override(failing(ChangedMeanwhile())):
        assert refusal(call(service)) == (409, "changed_meanwhile")


def test_a_failed_transaction_is_run_again(service: Service) -> None:
    service.sign_up()
    persistence = service.container.persistence()
    begun: list[int] = []

    def unit_of_work() -> Any:
        begun.append(1)
        if len(begun) < 3:
            raise TransactionFailed
        return persistence.unit_of_work()

    class Flaky:
        def __getattr__(self, name: str) -> Any:
            return unit_of_work if name == "unit_of_work" else getattr(persistence, name)

    with service.container.persistence.override(Flaky()):
        service.container.reset_singletons()
        assert service.post("/v1/password-resets", {"email": ADA}).status_code == 202
    assert len(begun) == 3


class Failing(MemoryDatabase):
    def __init__(self, check: str) -> None:
        super().__init__(ids=CountingIds())
        self.check = check

    def problem(self) -> str:
        return self.check


def test_health_says_which_check_fails(service: Service) -> None:
    for check in ("database", "schema"):
        with service.container.persistence.override(Failing(check)):
            response = service.get("/health/ready")
            assert (response.status_code, response.json()) == (503, {"status": "not_ready", "failed": check})
            assert service.get("/health/live").json() == {"status": "alive"}
    ready = service.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "failed": None})


def test_an_answer_that_breaks_off_is_logged(log: Log, serve: Serve) -> None:
    service = serve()
    sent: list[str] = []

    async def breaks_off(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late for another status")

    async def no_body() -> Any:
        return {"type": "http.request", "body": b""}

    async def keep(message: Any) -> None:
        sent.append(message["type"])

    service.app.mount("/broken", breaks_off)
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/broken/", "query_string": b"", "headers": []}
    service.portal.call(service.app, scope, no_body, keep)
    assert sent == ["http.response.start"]
    assert [(line["event"], line["level"]) for line in log.lines()] == [
        ("request.failed", "error"),
        ("request", "info"),
    ]
