"""OpenTelemetry's own instrumentations of the libraries that jobs use.

An installed one is found by its entry point and loaded after its library, so that a worker pays
for neither before a job needs them.
"""

from __future__ import annotations

import os
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import structlog
from wrapt import when_imported

log = structlog.get_logger(__name__)

_GROUP = "opentelemetry_instrumentor"
# Declares SQLAlchemy below 2.1 only, and works with 2.1: the tests trace a statement of it.
_NARROW = frozenset({"sqlalchemy"})


def instrument(**providers: Any) -> None:
    """Instrument every library as soon as it is imported.

    One that a variable OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names is left alone.

    Args:
        providers: `tracer_provider` and `meter_provider`.
    """
    listed = os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "")
    disabled = {name.strip() for name in listed.split(",")}
    for entry in entry_points(group=_GROUP):
        # The names of entry points are those of the libraries, or of libraries that are absent.
        if entry.name not in disabled and find_spec(entry.name) is not None:
            when_imported(entry.name)(partial(_load, entry, providers))


def _load(entry: EntryPoint, providers: dict[str, Any], _: ModuleType) -> None:
    try:
        entry.load()().instrument(skip_dep_check=entry.name in _NARROW, **providers)
    except Exception as error:  # no job fails because it is not traced
        log.warning("otel.instrumentation", library=entry.name, error=repr(error))
