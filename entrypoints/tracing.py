"""Traces by OpenTelemetry, where TRACES_ENDPOINT asks for them: nothing else imports this file.

A span for each request, and below it one for each use case and each statement. None holds an address, a name, a path,
a parameter or an error's text. What runs in the background belongs to no request, and leaves none.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import ParamSpec, TypeVar

import structlog
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

P = ParamSpec("P")
R = TypeVar("R")

_MOST_STATEMENT = 2_000


class Tracing:
    """Sends in the background, in batches; what the collector does not take is lost, and holds nobody up."""

    def __init__(self, endpoint: str, *, service: str) -> None:
        # It would tell of each batch that fails, and of each try; TellingExporter tells once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter = TellingExporter(OTLPSpanExporter(endpoint=endpoint, timeout=5))
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("portico")

    def serving(self, app: ASGIApp) -> ASGIApp:
        """Starts a span for each request, or carries on the caller's (W3C Trace Context)."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            status = 0

            async def send_and_note(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            parent = propagate.extract(
                {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            )
            state = scope.setdefault("state", {})
            with self._tracer.start_as_current_span(
                scope["method"], parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
            ) as span:
                structlog.contextvars.bind_contextvars(trace_id=trace.format_trace_id(span.get_span_context().trace_id))
                try:
                    await app(scope, receive, send_and_note)
                finally:
                    span.set_attribute("http.request.method", scope["method"])
                    span.set_attribute("http.response.status_code", status)
                    if route := getattr(scope.get("route"), "path", None):
                        span.update_name(f"{scope['method']} {route}")
                        span.set_attribute("http.route", route)
                    if "principal_id" in state:
                        span.set_attribute("enduser.pseudo.id", str(state["principal_id"]))
                    if not 0 < status < 500:
                        span.set_status(StatusCode.ERROR)

        return serve

    def around(self, use_case: Callable[P, R], name: str) -> Callable[P, R]:
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._within(name, SpanKind.INTERNAL):
                return use_case(*args, **kwargs)

        return run

    def statement(self, text: str) -> AbstractContextManager[object]:
        operation = text.split(maxsplit=1)[0].upper() if text.strip() else "SQL"
        return self._within(operation, SpanKind.CLIENT, {"db.query.text": text[:_MOST_STATEMENT]})

    def close(self, seconds: float) -> None:
        """Send what is left, for as long at most."""
        flushing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        flushing.start()
        flushing.join(seconds)
        self._exporter.shutdown()  # which also ends its tries

    def _within(
        self, name: str, kind: SpanKind, attributes: dict[str, str] | None = None
    ) -> AbstractContextManager[object]:
        """A span below the present one; without one, none."""
        if not trace.get_current_span().is_recording():
            return nullcontext()
        return self._span(name, kind, attributes)

    @contextmanager
    def _span(self, name: str, kind: SpanKind, attributes: dict[str, str] | None) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)  # its text may quote what was given
                raise


class TellingExporter(SpanExporter):
    """Says once that the collector takes nothing, and once that it does again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception:  # whatever it may be, it must not end the thread that sends
            result = SpanExportResult.FAILURE
        is_failing = result is not SpanExportResult.SUCCESS
        if is_failing != self._is_failing:
            self._is_failing = is_failing
            structlog.get_logger().warning("traces.lost" if is_failing else "traces.taken_again")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
