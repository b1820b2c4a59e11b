"""The OpenTelemetry SDK of this process: made from the settings, flushed at the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import structlog
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from ...config.dotenv import read_variables
from ...config.redis import worker_connection
from ...config.settings import Settings
from ...engine import observe
from ...inspection.stats import look
from .instrumentation import instrument
from .metrics import Metrics, observe_queues
from .settings import OtelSettings
from .tracing import SCOPE, QueryRemover, Tracing

log = structlog.get_logger(__name__)

_PATIENCE = 5.0  # seconds that the last export may take when the worker stops
_CHECK_TIMEOUT = 5  # seconds


class Telemetry:
    """What this process exports, from its making until `close`.

    Args:
        settings: What is exported.
        worker: Name and queue.
    """

    def __init__(self, settings: OtelSettings, worker: Settings) -> None:
        prepare_environment(settings, worker)
        resource = Resource.create({"service.instance.id": str(uuid4())})
        self._ends: list[Callable[[], object]] = []
        providers: dict[str, object] = {}
        if settings.traces:
            providers["tracer_provider"] = self._trace(resource)
        if settings.metrics:
            providers["meter_provider"] = self._measure(resource, worker)
        instrument(**providers)

    def _trace(self, resource: Resource) -> TracerProvider:
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(QueryRemover())
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        self._ends += [observe(Tracing(provider.get_tracer(SCOPE))), provider.shutdown]
        return provider

    def _measure(self, resource: Resource, worker: Settings) -> MeterProvider:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        metrics.set_meter_provider(provider)
        meter = provider.get_meter(SCOPE)
        connection = worker_connection(worker)
        observe_queues(meter, [partial(look, connection, each) for each in worker.queues])
        self._ends += [observe(Metrics(meter)), provider.shutdown, connection.close]
        return provider

    def close(self) -> None:
        """Export what is left. A collector that does not answer holds up no stop."""
        thread = threading.Thread(target=self._end, name="otel close", daemon=True)
        thread.start()
        thread.join(_PATIENCE)
        if thread.is_alive():
            log.warning("otel.lost", detail="the collector does not answer")

    def _end(self) -> None:
        for end in self._ends:
            try:
                end()
            except Exception:
                log.exception("otel.close")


def prepare_environment(settings: OtelSettings, worker: Settings) -> None:
    """Hand the SDK, which reads the environment alone, what stands in `.env` and our defaults."""
    for name, value in read_variables().items():
        if name.startswith("otel_"):
            os.environ[name.upper()] = value
    if "service.name=" not in settings.otel_resource_attributes:
        os.environ.setdefault("OTEL_SERVICE_NAME", settings.otel_service_name or worker.service)


def check(settings: OtelSettings, worker: Settings) -> str:
    """Send an empty export.

    Raises:
        ConnectionError: The collector does not take it.
    """
    prepare_environment(settings, worker)
    taken = []
    if settings.traces:
        spans = OTLPSpanExporter(timeout=_CHECK_TIMEOUT)
        if spans.export([]) is not SpanExportResult.SUCCESS:
            raise ConnectionError("the collector does not take traces")
        taken.append("traces")
    if settings.metrics:
        numbers = OTLPMetricExporter(timeout=_CHECK_TIMEOUT)
        if numbers.export(MetricsData([])) is not MetricExportResult.SUCCESS:
            raise ConnectionError("the collector does not take metrics")
        taken.append("metrics")
    return f"the collector takes {' and '.join(taken)}"
