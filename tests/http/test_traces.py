"""Traces: a span for each request, what is below it, and what a collector that is away changes: nothing."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from entrypoints.tracing import TellingExporter
from migrations.commands import upgrade
from tests.http.collector import Collector, collecting
from tests.http.log import Log
from tests.http.service import ADA, PASSWORD, Service
from tests.postgres import server

CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{CALLER[0]}-{CALLER[1]}-01"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    level = logging.getLogger("opentelemetry").level
    with collecting() as collector:
        yield collector
    logging.getLogger("opentelemetry").setLevel(level)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return server().create_database()
    upgrade(url := f"sqlite:///{tmp_path}/portico.sqlite3")
    return url


def test_a_request_is_a_span_with_its_use_case_and_its_statements_below(
    portal: BlockingPortal, collector: Collector, database_url: str
) -> None:
    with Service.of(portal, TRACES_ENDPOINT=collector.endpoint, DATABASE_URL=database_url) as service:
        ada = service.ada()
        id = service.id_of(ada)
        service.patch("/v1/me", {"display_name": "Countess"}, by=ada)
    request = collector.named("PATCH /v1/me")
    assert request.parent_id == ""
    assert request.attributes == {
        "http.request.method": "PATCH",
        "http.route": "/v1/me",
        "http.response.status_code": 200,
        "enduser.pseudo.id": id,
    }
    assert [span.name for span in collector.below(request)] == ["Authenticate", "RenameAccount"]
    authenticate, rename = collector.below(request)
    # The first goes around SQLAlchemy's execution on PostgreSQL (adapters/sql/prepared.py).
    [asked] = [span.attributes["db.query.text"] for span in collector.below(authenticate)]
    assert "FROM sessions" in asked
    statements = [span.attributes["db.query.text"] for span in collector.below(rename)]
    assert any(text.startswith("UPDATE accounts") for text in statements)
    assert any(text.startswith("INSERT INTO outbox") for text in statements)
    assert {span.trace_id for span in collector.below(rename)} == {request.trace_id}
    assert rename.seconds >= sum(span.seconds for span in collector.below(rename))


def test_no_span_holds_what_is_personal_or_secret(
    portal: BlockingPortal, collector: Collector, database_url: str
) -> None:
    with Service.of(portal, TRACES_ENDPOINT=collector.endpoint, DATABASE_URL=database_url) as service:
        ada = service.ada()
        service.post("/v1/sessions", {"email": ADA, "password": "another passphrase"})
        service.get("/nowhere/s3cr3t?token=s3cr3t", by=ada)
        service.get("/v1/me", headers={"authorization": "Bearer s3cr3t", "user-agent": "s3cr3t"})
    sent = b"".join(collector.raw)
    assert b"SignIn" in sent
    for secret in (ADA, PASSWORD, "another passphrase", "s3cr3t", "192.0.2.1", ada.refresh_token, ada.device_token):
        assert secret.encode() not in sent
    assert collector.named("GET").attributes == {"http.request.method": "GET", "http.response.status_code": 404}


def test_the_callers_trace_is_carried_on_and_stands_in_the_log(
    log: Log, portal: BlockingPortal, collector: Collector
) -> None:
    with Service.of(portal, TRACES_ENDPOINT=collector.endpoint) as service:
        log.text()
        service.get("/v1/me", headers=TRACEPARENT)
        service.get("/health/live")
        lines = log.lines()
    request = collector.named("GET /v1/me")
    assert (request.trace_id, request.parent_id) == CALLER
    assert [line["trace_id"] for line in lines] == [CALLER[0], collector.named("GET /health/live").trace_id]
    assert lines[1]["trace_id"] != CALLER[0]


def test_a_caller_who_does_not_sample_is_heeded(portal: BlockingPortal, collector: Collector) -> None:
    with Service.of(portal, TRACES_ENDPOINT=collector.endpoint) as service:
        service.get("/v1/me", headers={"traceparent": f"00-{CALLER[0]}-{CALLER[1]}-00"})
        service.get("/v1/me", headers={"traceparent": "garbage"})
    assert [span.parent_id for span in collector.spans if span.name == "GET /v1/me"] == [""]


def test_what_breaks_is_an_error_and_what_is_refused_is_none(portal: BlockingPortal, collector: Collector) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("s3cr3t")

    with Service.of(portal, TRACES_ENDPOINT=collector.endpoint) as service:
        service.get("/v1/me")
        with service.container.request_password_reset.override(broken):
            service.post("/v1/password-resets", {"email": ADA})
    assert not collector.named("GET /v1/me").is_error
    assert collector.named("POST /v1/password-resets").is_error
    assert b"s3cr3t" not in b"".join(collector.raw)


def test_what_runs_in_the_background_leaves_no_span(portal: BlockingPortal, collector: Collector) -> None:
    with Service.of(portal, TRACES_ENDPOINT=collector.endpoint) as service:
        service.container.sequencer()()
        service.mail()
    assert collector.spans == []


def test_a_collector_that_is_away_hurts_nobody(log: Log, portal: BlockingPortal) -> None:
    with Service.of(portal, TRACES_ENDPOINT="http://127.0.0.1:1/v1/traces", SHUTDOWN_TIMEOUT="2s") as service:
        for _ in range(20):
            assert service.get("/health/live").status_code == 200
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 2
    assert {line["event"] for line in log.lines()} <= {"request", "traces.lost"}


class Moody(SpanExporter):
    """Fails as it is told to: by an answer, or by an error."""

    def __init__(self) -> None:
        self.moods: list[SpanExportResult | Exception] = []

    def export(self, spans: object) -> SpanExportResult:
        mood = self.moods.pop(0)
        if isinstance(mood, Exception):
            raise mood
        return mood


def test_spans_that_are_lost_are_told_once_until_they_are_taken_again(log: Log) -> None:
    moody = Moody()
    lost, taken = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    moody.moods = [taken, lost, OSError("s3cr3t"), lost, taken, taken, lost]
    exporter = TellingExporter(moody)
    while moody.moods:
        exporter.export([])
    assert [line["event"] for line in log.lines()] == ["traces.lost", "traces.taken_again", "traces.lost"]
