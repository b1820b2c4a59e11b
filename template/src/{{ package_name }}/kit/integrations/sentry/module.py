"""Sentry as a module of the worker. Its SDK is imported when there is a DSN."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from ...module import Module
from .settings import SentrySettings

if TYPE_CHECKING:
    from .reports import Client


class SentryModule(Module):
    """Reports jobs that failed for good, with the log lines before."""

    name = "sentry"
    settings = SentrySettings

    def __init__(self) -> None:
        self._client: Client | None = None

    def prepare(self) -> None:
        """Begin to report."""
        settings = SentrySettings()
        if settings.sentry_dsn is not None:
            from ...config.settings import Settings  # noqa: PLC0415
            from .reports import Client  # noqa: PLC0415 - the SDK costs 0.1 s

            self._client = Client(settings, Settings())

    def close(self) -> None:
        """Send what is left."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def check(self) -> str:
        """Have Sentry take an empty envelope."""
        settings = SentrySettings()
        if settings.sentry_dsn is None:
            return "nothing is reported"
        from .reports import check  # noqa: PLC0415 - the SDK costs 0.1 s

        return check(settings)

    def warnings(self) -> Iterable[str]:
        """Say why nothing is reported."""
        if SentrySettings().sentry_dsn is None:
            yield "SENTRY_DSN is not set: failed jobs are not reported"

    def log_processor(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Keep a log line for the next report."""
        if self._client is not None:
            from .reports import add_breadcrumb  # noqa: PLC0415

            add_breadcrumb(event)
        return event
