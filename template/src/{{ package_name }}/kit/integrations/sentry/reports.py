"""What Sentry is told, and what not.

Sentry's SDK has an integration for RQ. It wraps `perform_job` and `handle_exception` of RQ's own
workers, which this worker does not go through, so it reports nothing here; and it sends the job's
description, in which plain RQ publishers repeat the payload. So failures come from the engine. For
structlog there is none; the worker's log lines become breadcrumbs here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sentry_sdk
import urllib3
from sentry_sdk.integrations.modules import ModulesIntegration
from sentry_sdk.utils import Dsn

from ...config.log_values import Scrubber
from ...config.secrets import known_secrets
from ...config.settings import Settings
from ...engine import Attempt, Ending, Observer, observe
from ...engine.run.texts import without_values
from .settings import SentrySettings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_PATIENCE = 3.0  # seconds for what is still to be sent when the worker stops
_CHECK_TIMEOUT = 5.0  # seconds
_EVENT_NAME = re.compile(r"[\w.-]{1,60}")
_FIELDS = ("jobId", "jobType", "attempt", "waitMs", "durationMs", "delayMs")
_LEVELS = ("info", "warning", "error", "critical")


class Reports(Observer):
    """Reports jobs that failed for good."""

    @contextmanager
    def attempt(self, attempt: Attempt) -> Iterator[None]:
        """A scope of the attempt's own: breadcrumbs of jobs side by side do not mix."""
        with sentry_sdk.isolation_scope() as scope:
            scope.clear_breadcrumbs()
            _describe(scope, attempt)
            yield

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        """Report a failure, unless another attempt follows."""
        if ending.outcome == "failed" and ending.error is not None:
            with sentry_sdk.new_scope() as scope:
                _describe(scope, attempt)
                scope.capture_exception(ending.error)


def _describe(scope: sentry_sdk.Scope, attempt: Attempt) -> None:
    scope.set_transaction_name(attempt.job_type)
    scope.set_tag("job.type", attempt.job_type)
    scope.set_tag("job.id", attempt.job_id)
    scope.set_tag("job.attempt", attempt.number)
    scope.set_tag("job.queue", attempt.queue)
    scope.set_tag("worker", attempt.worker)


class Client:
    """Sentry's client in this process, until `close`.

    Args:
        settings: Where to, and as what.
        worker: Holds secrets, which no report may.
    """

    def __init__(self, settings: SentrySettings, worker: Settings) -> None:
        scrubber = Scrubber(known_secrets(worker))

        def scrub(event: Event, _: Hint) -> Event:
            for each in event.get("exception", {}).get("values", ()):
                each["value"] = without_values(each.get("value") or "")
            found: Event = scrubber.scrub(event)
            return found

        sentry_sdk.init(
            dsn=settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else None,
            environment=settings.sentry_environment,
            release=settings.sentry_release,
            sample_rate=settings.sentry_sample_rate,
            before_send=scrub,
            # Personal data is left out unless it is asked for; payloads are local variables.
            include_local_variables=False,
            # None that comes by itself: they send descriptions, arguments and URLs.
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[ModulesIntegration()],
        )
        sentry_sdk.set_tag("service", worker.service)
        self._end = observe(Reports())

    def close(self) -> None:
        """Send what is left."""
        self._end()
        sentry_sdk.get_client().close(timeout=_PATIENCE)


def add_breadcrumb(event: MutableMapping[str, Any]) -> None:
    """Keep a log line for the next report: its name and the engine's numbers, no free text."""
    # A JSON line is finished when it comes here, one for people is not.
    name, level = event.get("message", event.get("event")), event.get("level")
    if level in _LEVELS and isinstance(name, str) and _EVENT_NAME.fullmatch(name):
        data = {key: event[key] for key in _FIELDS if key in event}
        sentry_sdk.add_breadcrumb(category="log", message=name, level=level, data=data)


def check(settings: SentrySettings) -> str:
    """Send an empty envelope.

    Raises:
        ConnectionError: Sentry does not take it.
    """
    dsn = Dsn(settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else "")
    answer = urllib3.request(
        "POST",
        dsn.to_auth().get_api_url(),
        headers={"X-Sentry-Auth": dsn.to_auth("worker").to_header()},
        body=b"{}\n",
        timeout=_CHECK_TIMEOUT,
        retries=False,
    )
    if answer.status >= 400:
        raise ConnectionError(f"{dsn.netloc} answered HTTP {answer.status}")
    return f"{dsn.netloc} takes reports for project {dsn.project_id}"
