"""A collector that keeps what it is sent, and a web server that jobs may call."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Recorded:
    """A span as it arrived, ids in hexadecimal."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Receiver:
    """What has arrived so far."""

    url: str = ""
    spans: list[Recorded] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    export_headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200

    def named(self, name: str) -> list[Recorded]:
        """Spans of this name, in the order of their arrival."""
        return [span for span in self.spans if span.name == name]

    def points(self, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Attributes and data points of a metric in its newest export."""
        found = [metric for metric in self.metrics if metric["name"] == name]
        kinds = ("sum", "gauge", "histogram")
        return [
            (_plain(point.get("attributes", [])), point)
            for metric in found[-1:]
            for kind in kinds
            for point in metric.get(kind, {}).get("dataPoints", [])
        ]

    def take_traces(self, body: bytes) -> None:
        """Keep the spans of an export."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = _values(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += [
                    Recorded(
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        kind=span.kind,
                        failed=span.status.code == 2,
                        attributes=_values(span.attributes),
                        resource=about,
                    )
                    for span in scope.spans
                ]

    def take_metrics(self, body: bytes) -> None:
        """Keep the metrics of an export."""
        found = MessageToDict(ExportMetricsServiceRequest.FromString(body))
        for resource in found.get("resourceMetrics", []):
            for scope in resource["scopeMetrics"]:
                self.metrics += scope["metrics"]


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in attributes}


def serve() -> tuple[Receiver, ThreadingHTTPServer]:
    """Start it on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.answer(receiver.status)
            if self.path in ("/v1/traces", "/v1/metrics"):
                receiver.export_headers.append(dict(self.headers))
                take = receiver.take_traces if "traces" in self.path else receiver.take_metrics
                take(body)

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            receiver.calls.append(dict(self.headers))
            self.answer(200)

        def do_PUT(self) -> None:
            self.do_GET()

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    # It looks for its end that often (seconds).
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return receiver, server
