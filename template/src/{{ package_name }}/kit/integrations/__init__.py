"""The integrations of this worker: one package each, found by looking, imported when used.

A package declares itself as `MODULE` in its `module.py`, which must stay cheap to import:
the vendor's library is imported where it is used.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from pydantic_settings import BaseSettings

if TYPE_CHECKING:
    import typer
    from structlog.typing import Processor

    from ..engine import FailedJob


@dataclass(frozen=True, slots=True)
class Module:
    """What the worker needs to know about an integration.

    Args:
        name: As `gen-worker --with` calls it.
        settings: Its variables.
        check: Reaches out to the other side and returns a sentence about what it found; any
            exception means that it cannot be used.
        prepare: Called first of all when the worker starts, before the processors and the
            libraries they use are loaded.
        start: Called once before the worker takes jobs.
        close: Closes its connections when the worker stops.
        on_failed: Called with each job that failed for good.
        commands: Adds the integration's own commands to the command line.
        warnings: What works but should be seen to, a sentence each, for `check`.
        counts: What it counts, for `stats`: a number by name.
        log_processor: Sees every log line, secrets already gone, in the thread that logs.
    """

    name: str
    settings: type[BaseSettings]
    check: Callable[[], str]
    prepare: Callable[[], None] = lambda: None
    start: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
    on_failed: Callable[[FailedJob], None] | None = None
    commands: Callable[[typer.Typer], None] = lambda _: None
    warnings: Callable[[], Iterable[str]] = tuple
    counts: Callable[[], Mapping[str, int]] = dict
    log_processor: Processor | None = None


@cache
def chosen_modules() -> tuple[Module, ...]:
    """Every integration in this package, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.ispkg)
    return tuple(import_module(f"{__name__}.{name}.module").MODULE for name in names)
