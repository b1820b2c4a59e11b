"""OpenTelemetry: traces and metrics of publishing and running jobs, pushed over OTLP.

The worker sets itself up from the standard `OTEL_*` variables. A process that only publishes and
has an SDK of its own, for instance an API server, makes its jobs carry its traces::

    from ..integrations.otel import carry_traces

    carry_traces()
"""

from __future__ import annotations

from collections.abc import Callable

from .settings import OtelSettings

__all__ = ["OtelSettings", "carry_traces", "stop_carrying"]

_carrying: list[Callable[[], None]] = []


def carry_traces() -> None:
    """Let every job that this process publishes carry the current trace.

    Spans go to the process's global tracer provider; without one the trace that came from
    elsewhere is still handed on.
    """
    from opentelemetry import trace  # noqa: PLC0415 - only for who uses it

    from ...engine import observe  # noqa: PLC0415
    from .tracing import SCOPE, Tracing  # noqa: PLC0415

    if not _carrying:
        _carrying.append(observe(Tracing(trace.get_tracer(SCOPE))))


def stop_carrying() -> None:
    """End what `carry_traces` began."""
    while _carrying:
        _carrying.pop()()
