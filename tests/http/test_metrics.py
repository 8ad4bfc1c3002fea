"""What `/metrics` tells, and whom; and that what is written about it is so."""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from application.ports.unit_of_work import Unavailable
from application.ports.webhooks import Courier, Parcel, Receipt
from domain.kernel import DeliveryId, WebhookId
from entrypoints.container import build
from entrypoints.counts import CountedCourier, RequestCounts
from entrypoints.hashing import Busy, HashingExecutor, HashingLoad
from entrypoints.http.metrics import routes
from entrypoints.settings import Environment
from entrypoints.siblings import DIRECTORY, Siblings
from tests.builders import MINUTE, NOON
from tests.http.conftest import Serve
from tests.http.service import ADA, PASSWORD, Service, refusal, settings

DOCS = Path(__file__).parents[2] / "docs"
TOKEN = "a-token-of-the-tests-that-is-long-enough"


class Told:
    """A scrape, by name and labels."""

    def __init__(self, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        self.families = {family.name: family for family in text_string_to_metric_families(answer.text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of all that have those labels."""
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        assert found, name
        return sum(found)

    def names(self) -> set[str]:
        """As documents and queries write them."""
        return {name + "_total" * (family.type == "counter") for name, family in self.families.items()}


def scrape(service: Service, **more: Any) -> Told:
    return Told(service.get("/metrics", **more))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def closed(portal: BlockingPortal) -> Iterator[Service]:
    """In production, where nothing was said about metrics."""
    with Service(portal, build(settings().model_copy(update={"environment": Environment.PRODUCTION}))) as service:
        yield service


def test_it_is_off_unless_it_was_asked_for(closed: Service) -> None:
    for given in ({}, bearer(""), bearer(TOKEN)):
        assert refusal(closed.get("/metrics", headers=given)) == (404, "route_not_found")


def test_it_wants_its_token_even_in_development(serve: Serve) -> None:
    service = serve(METRICS_TOKEN=TOKEN)
    ada = service.ada()
    for given in ({}, bearer(""), bearer(TOKEN[:-1]), bearer(TOKEN + "x"), {"Authorization": TOKEN}, bearer("tök")):
        answer = service.get("/metrics", headers={name: value.encode() for name, value in given.items()})
        assert refusal(answer) == (401, "authentication_required")
        assert TOKEN not in answer.text
    assert refusal(service.get("/metrics", by=ada)) == (401, "authentication_required")
    scrape(service, headers=bearer(TOKEN))


def test_it_is_no_part_of_the_api(service: Service) -> None:
    assert "/metrics" not in service.get("/openapi.json").json()["paths"]
    answer = service.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_requests_are_counted_by_template_method_and_class_of_status(service: Service) -> None:
    ada = service.ada()
    before = scrape(service)
    for _ in range(3):
        service.get("/v1/me", by=ada)
    service.get("/v1/me")
    service.get(f"/v1/organizations/{uuid4()}", by=ada)
    told = scrape(service)
    assert told.value("portico_requests_total", method="GET", route="/v1/me", status="2xx") == 3
    assert told.value("portico_requests_total", method="GET", route="/v1/me", status="4xx") == 1
    assert told.value("portico_requests_total", method="GET", route="/v1/organizations/{id}", status="4xx") == 1
    assert told.value("portico_request_duration_seconds_count", route="/v1/me") == 4
    assert told.value("portico_request_duration_seconds_bucket", route="/v1/me", le="+Inf") == 4
    assert 0 < told.value("portico_request_duration_seconds_sum", route="/v1/me") < 4
    assert told.value("portico_requests_in_flight") == 1  # the scrape
    assert told.value("portico_requests_total") == before.value("portico_requests_total") + 6  # a scrape among them


def test_strangers_cannot_make_series(service: Service) -> None:
    scrape(service)
    for number in range(20):
        service.get(f"/nowhere/{number}")
        service.call(f"WORD{number}", "/v1/me")
        service.call(f"WORD{number}", "/nowhere")
    told = scrape(service)
    assert told.value("portico_requests_total", method="GET", route="none", status="4xx") == 20
    assert told.value("portico_requests_total", method="other") == 40
    assert len([s for s in told.samples if s.name == "portico_requests_total"]) <= 4


@pytest.mark.parametrize(("seconds", "bounds"), [(0.001, 14), (0.002, 14), (0.0021, 13), (30, 2), (31, 1)])
def test_a_duration_is_in_every_bucket_that_is_as_wide(seconds: float, bounds: int) -> None:
    counts = RequestCounts()
    counts.ended("GET", "/", 200, seconds)
    [(_, series)] = counts.series().items()
    assert (series.buckets.index(1), sum(series.buckets), series.seconds) == (14 - bounds, 1, seconds)


def test_what_waits_is_told_with_its_age_until_the_sequencer_has_placed_it(service: Service) -> None:
    service.ada()
    service.clock.advance(MINUTE)
    told = scrape(service)
    waiting = told.value("portico_outbox_waiting")
    assert waiting > 2
    assert told.value("portico_audit_unsealed") >= waiting
    assert told.value("portico_outbox_lag_seconds") == told.value("portico_audit_lag_seconds") == 60
    assert told.value("portico_feed_position") == 0
    service.container.sequencer()()
    told = scrape(service)
    assert told.value("portico_feed_position") == waiting
    assert told.value("portico_sequencer_epoch") == 1
    for name in ("outbox_waiting", "outbox_lag_seconds", "audit_unsealed", "audit_lag_seconds"):
        assert told.value(f"portico_{name}") == 0


def test_mail_that_does_not_go_is_seen(service: Service) -> None:
    service.post("/v1/accounts", {"email": ADA, "password": PASSWORD})
    service.clock.advance(MINUTE)
    told = scrape(service)
    assert (told.value("portico_mail_waiting"), told.value("portico_mail_overdue_seconds")) == (1, 60)
    service.mail()
    told = scrape(service)
    assert (told.value("portico_mail_waiting"), told.value("portico_mail_overdue_seconds")) == (0, 0)


def test_without_the_database_it_tells_what_it_has(service: Service) -> None:
    def away() -> None:
        raise Unavailable

    with service.container.read_gauges.override(away):
        told = scrape(service)
    assert told.value("portico_database_up") == 0
    assert told.value("portico_pool_in_use") == 0
    assert "portico_outbox_waiting" not in told.families


def test_a_database_that_says_nothing_is_not_waited_for(service: Service) -> None:
    answers = threading.Event()
    impatient = FastAPI()
    impatient.include_router(routes(service.container, patience=0.05))

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(impatient)
        async with httpx.AsyncClient(transport=transport, base_url="http://portico.test") as client:
            return await client.get("/metrics")

    with service.container.read_gauges.override(lambda: answers.wait(10)):
        for _ in range(3):
            assert Told(service.portal.call(get)).value("portico_database_up") == 0
        answers.set()


def test_a_storm_of_sign_ins_is_seen(portal: BlockingPortal) -> None:
    executor = HashingExecutor(at_once=1, queue=2)
    go_on = threading.Event()

    async def storm() -> HashingLoad:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(executor.run, lambda: go_on.wait(5))
            while executor.load().running < 2:
                await anyio.sleep(0.001)
            with pytest.raises(Busy):
                await executor.run(lambda: None)
            load = executor.load()
            go_on.set()
        return load

    assert portal.call(storm) == HashingLoad(running=2, waiting=1, refused=1)
    executor.close()
    assert executor.load() == HashingLoad(running=0, waiting=0, refused=1)


def test_each_worker_is_told_of_by_whichever_is_asked(serve: Serve, workers: Path) -> None:
    first, second = serve(), serve()
    for _ in range(3):
        first.get("/v1/me")
    second.get("/v1/me")
    first.container.metrics().share()
    told = scrape(second)
    assert told.value("portico_requests_total", worker="0", route="/v1/me") == 3
    assert told.value("portico_requests_total", worker="1", route="/v1/me") == 1
    assert told.value("portico_database_up") == 1


def test_a_worker_leaves_its_numbers_by_itself(serve: Serve, workers: Path) -> None:
    first, second = serve(), serve()
    first.get("/v1/me")
    deadline = time.monotonic() + 10
    while 'worker="0"' not in told_of(second.get("/metrics").text, "/v1/me"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def told_of(text: str, route: str) -> str:
    return "".join(line for line in text.splitlines() if f'route="{route}"' in line)


def test_who_ended_is_told_of_no_more_and_its_number_is_free(workers: Path) -> None:
    first, second = Siblings(), Siblings()
    assert (first.worker, second.worker) == ("0", "1")
    first.leave({"of": "first"})
    assert list(second.others()) == [{"of": "first"}]
    assert list(first.others()) == []
    first.close()
    assert list(second.others()) == []
    successor = Siblings()
    assert successor.worker == "0"
    assert list(second.others()) == []
    for each in (second, successor):
        each.close()


def test_who_is_alone_leaves_nothing(tmp_path: Path) -> None:
    alone = Siblings()
    alone.leave({})
    assert (alone.is_alone, alone.worker, list(alone.others())) == (True, "0", [])


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(DIRECTORY, str(tmp_path))
    return tmp_path


class Errands(Courier):
    """Three calls came back."""

    def free(self) -> int:
        return 7

    def send(self, parcel: Parcel) -> None:
        raise AssertionError(parcel)

    def returned(self, *, wait: float) -> list[Receipt]:
        parcel = Parcel(
            owner_id=uuid4(),
            endpoint_id=WebhookId(uuid4()),
            delivery_id=DeliveryId(uuid4()),
            aggregate_id=uuid4(),
            url="https://hooks.example.com",
            message_id="msg_1",
            at=NOON,
            body=b"",
            secrets=(),
        )
        ends: list[tuple[int | None, str]] = [(204, ""), (200, ""), (503, ""), (None, "timeout")]
        return [Receipt(parcel=parcel, status=status, error=error) for status, error in ends]

    def close(self) -> None:
        """Nothing is open."""


def test_calls_to_webhooks_are_counted_by_how_they_ended(service: Service) -> None:
    courier = CountedCourier(Errands(), service.container.counts().calls)
    assert courier.free() == 7
    assert len(courier.returned(wait=0)) == 4
    told = scrape(service)
    for outcome, count in {"2xx": 2, "5xx": 1, "timeout": 1}.items():
        assert told.value("portico_webhook_calls_total", outcome=outcome) == count


def documented() -> dict[str, tuple[str, set[str]]]:
    """Of each metric: its kind and its labels."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", (DOCS / "metrics.md").read_text(), flags=re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


@pytest.mark.skipif(sys.platform != "linux", reason="what is told of the process comes from /proc")
def test_every_metric_is_documented_with_its_kind_and_labels_and_no_other(service: Service) -> None:
    service.get("/v1/me")
    service.container.counts().calls["2xx"] += 1
    told = scrape(service)
    found = {
        name + "_total" * (family.type == "counter"): (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for name, family in told.families.items()
    }
    assert found == documented()


def test_the_dashboard_asks_for_what_there_is() -> None:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    asked = {name for query in queries(dashboard) for name in re.findall(r"\b(?:portico|process)_\w+", query)}
    told = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert told <= set(documented())
    assert {name for name in documented() if name.startswith("portico_")} <= told


def test_the_dashboard_can_be_imported() -> None:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    panels = dashboard["panels"]
    assert dashboard["schemaVersion"] >= 39
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {source["name"] for source in dashboard["__inputs"]} == {"DS_PROMETHEUS"}
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
            assert panel["title"]
            assert all(target["expr"].count("(") == target["expr"].count(")") for target in panel["targets"])
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def queries(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
