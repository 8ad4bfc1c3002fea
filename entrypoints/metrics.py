"""What `/metrics` tells, and how Prometheus wants it told. Every name stands in docs/metrics.md, for good.

Numbers of this worker carry its label; what the database knows, any worker may tell, without one.
"""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest

from application.gauges import Gauges, ReadGauges
from application.ports.unit_of_work import Persistence, TransactionFailed, Unavailable
from entrypoints.counts import BOUNDS, Counts, RequestCounts
from entrypoints.hashing import HashingExecutor
from entrypoints.siblings import Siblings

Kind = Literal["counter", "gauge", "histogram"]


class Sample(NamedTuple):
    value: float
    labels: dict[str, str] = {}  # noqa: RUF012 (never changed)
    suffix: str = ""


class Family(NamedTuple):
    """All samples of one name. A counter's name ends in `_total` with its samples, not here."""

    name: str
    kind: str
    help: str
    samples: list[Sample]


class Metrics:
    def __init__(
        self,
        *,
        counts: Counts,
        hashing: HashingExecutor,
        persistence: Persistence,
        read_gauges: ReadGauges,
        siblings: Siblings,
    ) -> None:
        self._counts, self._hashing, self._persistence = counts, hashing, persistence
        self._read_gauges, self._siblings = read_gauges, siblings
        self._process = ProcessCollector(registry=None)

    def of_workers(self) -> list[Family]:
        """Of all of them; it asks no database."""
        return _joined([self._of_this_worker(), *map(_read, self._siblings.others())])

    def of_the_database(self) -> list[Family]:
        """May take as long as the database does. Without it, that it is away."""
        try:
            gauges = self._read_gauges()
        except (Unavailable, TransactionFailed):
            return AWAY
        return [_reachable(True), *_of_gauges(gauges)]

    def share(self) -> None:
        """Leave the numbers of this worker to whichever is asked."""
        self._siblings.leave(self._of_this_worker())

    def _of_this_worker(self) -> list[Family]:
        hashing, pool = self._hashing.load(), self._persistence.connections()
        families = [
            *_of_requests(self._counts.requests),
            _one("portico_hashing_running", "gauge", "Use cases that hash, on their threads now.", hashing.running),
            _one("portico_hashing_waiting", "gauge", "Use cases that wait for such a thread.", hashing.waiting),
            _one("portico_hashing_refused", "counter", "Requests answered 503 `busy`.", hashing.refused),
            _one("portico_pool_size", "gauge", "Database connections that may be open.", pool.size),
            _one("portico_pool_in_use", "gauge", "Database connections in use.", pool.in_use),
            _one("portico_pool_waits", "counter", "Times that no connection was free.", pool.waits),
            _one("portico_pool_timeouts", "counter", "Times that none became free in time.", pool.timeouts),
            _one(
                "portico_sequencer_batches", "counter", "Batches that the sequencer placed here.", self._counts.batches
            ),
            _of_calls(self._counts.calls),
            *_of_prometheus(self._process.collect()),
        ]
        own = {"worker": self._siblings.worker}
        return [
            family._replace(samples=[sample._replace(labels={**sample.labels, **own}) for sample in family.samples])
            for family in families
        ]


def _one(name: str, kind: Kind, help: str, value: float) -> Family:
    return Family(name, kind, help, [Sample(value, suffix="_total" if kind == "counter" else "")])


def _of_requests(counts: RequestCounts) -> list[Family]:
    requests: list[Sample] = []
    buckets: dict[str, list[int]] = {}
    seconds: dict[str, float] = {}
    for (method, route, status), series in counts.series().items():
        template = route or "none"
        labels = {"method": method, "route": template, "status": f"{status}xx"}
        requests.append(Sample(sum(series.buckets), labels, "_total"))
        known = buckets.get(template, [0] * len(series.buckets))
        buckets[template] = [one + other for one, other in zip(known, series.buckets, strict=True)]
        seconds[template] = seconds.get(template, 0.0) + series.seconds
    durations = [sample for route, counted in buckets.items() for sample in _histogram(route, counted, seconds[route])]
    return [
        Family("portico_requests", "counter", "Requests answered.", requests),
        Family("portico_request_duration_seconds", "histogram", "From the head of a request to its end.", durations),
        _one("portico_requests_in_flight", "gauge", "Requests under way.", counts.in_flight),
    ]


def _histogram(route: str, buckets: list[int], seconds: float) -> list[Sample]:
    bounds = [*map(str, BOUNDS), "+Inf"]
    cumulated = list(accumulate(buckets))
    return [
        *(
            Sample(count, {"route": route, "le": bound}, "_bucket")
            for bound, count in zip(bounds, cumulated, strict=True)
        ),
        Sample(cumulated[-1], {"route": route}, "_count"),
        Sample(seconds, {"route": route}, "_sum"),
    ]


def _of_calls(calls: dict[str, int]) -> Family:
    samples = [Sample(count, {"outcome": outcome}, "_total") for outcome, count in sorted(calls.copy().items())]
    return Family("portico_webhook_calls", "counter", "Calls to webhooks that ended.", samples)


def _reachable(is_so: bool) -> Family:
    return _one("portico_database_up", "gauge", "1 if the database answered this scrape.", int(is_so))


AWAY = [_reachable(False)]


def _of_gauges(gauges: Gauges) -> list[Family]:
    at, sequence = gauges.at, gauges.sequence
    return [
        _one("portico_outbox_waiting", "gauge", "Events without a place in the feed.", gauges.outbox.count),
        _one("portico_outbox_lag_seconds", "gauge", "Age of the oldest of them.", gauges.outbox.age(at)),
        _one("portico_audit_unsealed", "gauge", "Audit entries without a seal.", gauges.audit.count),
        _one("portico_audit_lag_seconds", "gauge", "Age of the oldest of them.", gauges.audit.age(at)),
        _one("portico_feed_position", "gauge", "Position of the newest event of the feed.", sequence.position),
        _one("portico_feed_forgotten", "gauge", "Events up to this position are gone.", sequence.forgotten),
        _one("portico_sequencer_epoch", "gauge", "Grows when another process takes over.", sequence.epoch),
        _one("portico_webhook_lanes", "gauge", "Lanes in which deliveries wait.", gauges.lanes.count),
        _one("portico_webhook_overdue_seconds", "gauge", "How long the oldest is due.", gauges.lanes.age(at)),
        _one("portico_mail_waiting", "gauge", "Mails that are still to go.", gauges.mail.count),
        _one("portico_mail_overdue_seconds", "gauge", "How long the oldest is due.", gauges.mail.age(at)),
    ]


def _of_prometheus(metrics: Iterable[Metric]) -> list[Family]:
    """What prometheus-client knows of the process, as it names it everywhere; nothing where there is no /proc."""
    return [
        Family(
            metric.name,
            metric.type,
            metric.documentation,
            [Sample(s.value, dict(s.labels), s.name.removeprefix(metric.name)) for s in metric.samples],
        )
        for metric in metrics
    ]


def _read(families: list[Any]) -> list[Family]:
    """As JSON has kept them."""
    return [Family(name, kind, help, [Sample(*sample) for sample in samples]) for name, kind, help, samples in families]


def _joined(told: Iterable[list[Family]]) -> list[Family]:
    """Prometheus wants all samples of a name together."""
    by_name: dict[str, Family] = {}
    for family in (family for families in told for family in families):
        known = by_name.get(family.name)
        by_name[family.name] = family._replace(samples=[*known.samples, *family.samples]) if known else family
    return list(by_name.values())


def rendered(families: list[Family]) -> bytes:
    """As Prometheus reads it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(families))
    return generate_latest(registry)


class _Told:
    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        for family in self._families:
            metric = Metric(family.name, family.help, family.kind)
            for sample in family.samples:
                metric.add_sample(family.name + sample.suffix, sample.labels, sample.value)
            yield metric
