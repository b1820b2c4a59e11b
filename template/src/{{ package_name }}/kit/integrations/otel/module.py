"""OpenTelemetry as a module of the worker. The SDK is imported when there is an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from ...module import Module
from .settings import OtelSettings

if TYPE_CHECKING:
    from .telemetry import Telemetry


class OtelModule(Module):
    """Exports traces and metrics, and puts the trace's id into log lines."""

    name = "otel"
    settings = OtelSettings

    def __init__(self) -> None:
        self._telemetry: Telemetry | None = None

    def prepare(self) -> None:
        """Begin to export. Libraries must be loaded after this to be traced."""
        settings = OtelSettings()
        if settings.traces or settings.metrics:
            from ...config.settings import Settings  # noqa: PLC0415
            from .telemetry import Telemetry  # noqa: PLC0415 - the SDK costs 0.2 s

            self._telemetry = Telemetry(settings, Settings())

    def close(self) -> None:
        """Export what is left."""
        telemetry, self._telemetry = self._telemetry, None
        if telemetry is not None:
            telemetry.close()

    def check(self) -> str:
        """Have the collector take an empty export."""
        settings = OtelSettings()
        if not (settings.traces or settings.metrics):
            return "nothing is exported"
        from ...config.settings import Settings  # noqa: PLC0415
        from .telemetry import check  # noqa: PLC0415 - the SDK costs 0.2 s

        return check(settings, Settings())

    def warnings(self) -> Iterable[str]:
        """Say why nothing is exported, unless that is wanted."""
        settings = OtelSettings()
        if not (settings.traces or settings.metrics or settings.otel_sdk_disabled):
            yield "OTEL_EXPORTER_OTLP_ENDPOINT is not set: no traces, no metrics"

    def log_processor(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Put `trace_id` and `span_id` into a log line."""
        if self._telemetry is not None:
            from .tracing import add_trace_ids  # noqa: PLC0415

            add_trace_ids(event)
        return event
