"""Sentry as a module of the worker. Its SDK is imported when there is a DSN."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from .. import Module
from .settings import SentrySettings

if TYPE_CHECKING:
    from .reports import Client

_running: list[Client] = []


def check() -> str:
    """Have Sentry take an empty envelope."""
    settings = SentrySettings()
    if settings.sentry_dsn is None:
        return "nothing is reported"
    from .reports import check as ask  # noqa: PLC0415 - the SDK costs 0.1 s

    return ask(settings)


def warnings() -> Iterable[str]:
    """Say why nothing is reported."""
    if SentrySettings().sentry_dsn is None:
        yield "SENTRY_DSN is not set: failed jobs are not reported"


def prepare() -> None:
    """Begin to report."""
    from ...config.settings import Settings  # noqa: PLC0415 - it imports this module

    settings = SentrySettings()
    if settings.sentry_dsn is not None:
        from .reports import Client  # noqa: PLC0415

        _running.append(Client(settings, Settings()))


def close() -> None:
    """Send what is left."""
    while _running:
        _running.pop().close()


def add_breadcrumb(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep a log line for the next report."""
    if _running:
        from .reports import add_breadcrumb as add  # noqa: PLC0415

        add(event)
    return event


MODULE = Module(
    name="sentry",
    settings=SentrySettings,
    check=check,
    prepare=prepare,
    close=close,
    warnings=warnings,
    log_processor=add_breadcrumb,
)
