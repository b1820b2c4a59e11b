"""Spans: one for a publication, one for each attempt, in one trace.

The trace travels in `job.meta` under the names of W3C Trace Context, `traceparent` and
`tracestate`. A publisher that uses plain RQ can put it there, or leave it out: the job then
begins a trace.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from ...engine import Attempt, Ending, Observer, Publication
from . import attributes as names

SCOPE = "worker"  # instrumentation scope of our spans and metrics

_URLS = ("http.url", "url.full", "http.target")
_span: ContextVar[Span | None] = ContextVar("span", default=None)


class Tracing(Observer):
    """Makes spans of what is published and run.

    Args:
        tracer: Makes them.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def publishing(self, publication: Publication) -> Iterator[None]:
        """A producer's span, which the jobs carry with them."""
        found = names.of_publishing(publication.queue, publication.job_type)
        if publication.job_id is None:
            found[names.BATCH_COUNT] = publication.count
        else:
            found[names.MESSAGE_ID] = publication.job_id
        name = f"{names.PUBLISH} {publication.queue}"
        with self._tracer.start_as_current_span(name, kind=SpanKind.PRODUCER, attributes=found):
            propagate.inject(publication.meta)
            yield

    @contextmanager
    def attempt(self, attempt: Attempt) -> Iterator[None]:
        """A consumer's span, child of the publication's."""
        span = self._start(attempt)
        token = _span.set(span)
        try:
            with trace.use_span(
                span, end_on_exit=True, record_exception=False, set_status_on_exception=False
            ):
                yield
        finally:
            _span.reset(token)

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        """Write the outcome into the span; a job that never began gets a span for it."""
        running = _span.get()
        span = running or self._start(attempt)
        span.set_attribute(names.OUTCOME, ending.outcome)
        if ending.error is not None:
            # The message stands in the log, under the same trace, with secrets removed.
            kind = names.error_type(ending.error)
            span.set_attribute(names.ERROR_TYPE, kind)
            span.set_status(Status(StatusCode.ERROR, kind))
        if running is None:
            span.end()

    def _start(self, attempt: Attempt) -> Span:
        carrier = {key: text for key, text in attempt.meta.items() if isinstance(text, str)}
        found = names.of_processing(attempt)
        found |= {
            names.MESSAGE_ID: attempt.job_id,
            names.ATTEMPT: attempt.number,
            names.CLIENT_ID: attempt.worker,
        }
        return self._tracer.start_span(
            f"{names.PROCESS} {attempt.queue}",
            context=propagate.extract(carrier, Context()),
            kind=SpanKind.CONSUMER,
            attributes=found,
        )


class QueryRemover(SpanProcessor):
    """Cuts the query off every URL: vendors are called with keys and personal data in it."""

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Called with each span before anything is exported."""
        for key in _URLS:
            url = (span.attributes or {}).get(key)
            if isinstance(url, str) and "?" in url:
                span.set_attribute(key, urlsplit(url)._replace(query="", fragment="").geturl())


def add_trace_ids(event: MutableMapping[str, Any]) -> None:
    """Name the current span in a log line.

    Sources:
        https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
    """
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
