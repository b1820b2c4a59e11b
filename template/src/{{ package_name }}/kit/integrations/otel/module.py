"""OpenTelemetry as a module of the worker. The SDK is imported when there is an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from .. import Module
from .settings import OtelSettings

if TYPE_CHECKING:
    from .telemetry import Telemetry

_running: list[Telemetry] = []


def check() -> str:
    """Have the collector take an empty export."""
    from ...config.settings import Settings  # noqa: PLC0415 - it imports this module

    settings = OtelSettings()
    if not (settings.traces or settings.metrics):
        return "nothing is exported"
    from .telemetry import check as ask  # noqa: PLC0415 - the SDK costs 0.2 s

    return ask(settings, Settings())


def warnings() -> Iterable[str]:
    """Say why nothing is exported, unless that is wanted."""
    settings = OtelSettings()
    if not (settings.traces or settings.metrics or settings.otel_sdk_disabled):
        yield "OTEL_EXPORTER_OTLP_ENDPOINT is not set: no traces, no metrics"


def prepare() -> None:
    """Begin to export. Libraries must be loaded after this to be traced."""
    from ...config.settings import Settings  # noqa: PLC0415

    settings = OtelSettings()
    if settings.traces or settings.metrics:
        from .telemetry import Telemetry  # noqa: PLC0415

        _running.append(Telemetry(settings, Settings()))


def close() -> None:
    """Export what is left."""
    while _running:
        _running.pop().close()


def add_trace_ids(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put `trace_id` and `span_id` into a log line."""
    if _running:
        from .tracing import add_trace_ids as add  # noqa: PLC0415

        add(event)
    return event


MODULE = Module(
    name="otel",
    settings=OtelSettings,
    check=check,
    prepare=prepare,
    close=close,
    warnings=warnings,
    log_processor=add_trace_ids,
)
