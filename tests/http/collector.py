"""A collector of traces, as small as may be: it takes OTLP over HTTP and keeps it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    trace_id: str
    id: str
    parent_id: str
    attributes: dict[str, Any]
    is_error: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Collector:
    endpoint: str
    spans: list[Span] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        self.raw.append(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for of_scope in of_resource.scope_spans:
                self.spans.extend(map(_span, of_scope.spans))

    def below(self, parent: Span) -> list[Span]:
        return [span for span in self.spans if span.parent_id == parent.id]

    def named(self, name: str) -> Span:
        [found] = [span for span in self.spans if span.name == name]
        return found


def _span(span: Any) -> Span:
    attributes = {each.key: _value(each.value) for each in span.attributes}
    return Span(
        name=span.name,
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        attributes=attributes,
        is_error=span.status.code == span.status.STATUS_CODE_ERROR,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


@contextmanager
def collecting() -> Iterator[Collector]:
    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}/v1/traces")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield collector
        server.shutdown()
