"""Structured logs: JSON lines for machines, `pretty` for people.

Lines of RQ and every other library go through the same renderer.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from ..composition import composed
from .json_line import JsonLine
from .log_writer import LineWriter
from .settings import Settings

# Their INFO lines say what ours say already.
_NOISY = ("rq", "alembic", "urllib3", "botocore", "httpx", "httpcore")


def configure_logging(
    settings: Settings, *, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send every log line to standard output.

    Args:
        settings: Level, form and service name.
        secrets: Texts that no line may hold, for instance passwords; replaced by `***`.
        stream: Instead of standard output.
    """
    config = settings.logger_config
    level = logging.getLevelNamesMapping()[config.level.upper()]
    output = stream or sys.stdout
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(errors="backslashreplace")  # a strange character costs no line
    last: list[Processor] = [
        *(each.log_processor for each in composed().modules if each.log_processor is not None),
    ]
    scrubber = Scrubber(secrets)
    if scrubber.active:
        last.insert(0, scrubber)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _Service(settings.service),
        structlog.processors.format_exc_info,
        *last,
    ]
    renderers = _pretty(output) if config.pretty else _json()
    writer = LineWriter(output)
    structlog.configure(
        processors=[*shared, *renderers] if config.pretty else [JsonLine(settings.service, last)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_LineLoggerFactory(writer),
        cache_logger_on_first_use=True,
    )
    handler = _Handler(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # RQ sets the level of this one itself when it is imported.
    logging.getLogger("rq.worker").setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


def _json() -> list[Processor]:
    return [
        structlog.processors.EventRenamer("message"),
        _in_order,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


_FIRST = ("time", "level", "message", "service", "jobId", "jobType")


def _in_order(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Put what every line has first, so that eyes find it."""
    return {key: event.pop(key) for key in _FIRST if key in event} | dict(event)


def _pretty(output: TextIO) -> list[Processor]:
    colors = output.isatty() and "NO_COLOR" not in os.environ
    # Columns would push the interesting part off a terminal of 80 characters.
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors, timestamp_key="time", pad_event_to=13, sort_keys=False
    )
    return [_for_people, renderer]


def _for_people(logger: Any, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Leave out what a person at a terminal knows: the day and the service."""
    event.pop("service", None)
    event["time"] = event["time"][11:23]
    return _in_order(logger, method, event)


class _Service:
    """Adds the service's name to a line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["service"] = self._name
        return event


_SHORTEST, _TELLING = 4, 8  # letters of a secret that is looked for at all, and anywhere


class Scrubber:
    """Replaces secrets in every text of a line, tracebacks included.

    A short password may be an everyday word, so it is replaced only where it stands as one:
    alone, after `:` or `=`, or before `@`.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({text for text in secrets if len(text) >= _SHORTEST}, key=len, reverse=True)
        self._secrets = [text for text in known if len(text) >= _TELLING]
        short = "|".join(re.escape(text) for text in known if len(text) < _TELLING)
        self._short = re.compile(rf"(?:^|(?<=[:=]))(?:{short})(?=$|[@,;&\s\"'])") if short else None

    @property
    def active(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._secrets or self._short)

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        if self.active:
            for key, value in event.items():
                event[key] = self.scrub(value)
        return event

    def scrub(self, value: Any) -> Any:
        """A value with `***` for every secret, however deep."""
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, "***")
            if self._short is not None:
                value = self._short.sub("***", value)
        elif isinstance(value, dict):
            return {self.scrub(key): self.scrub(item) for key, item in value.items()}
        elif isinstance(value, list | tuple):
            return [self.scrub(item) for item in value]
        return value


class _Handler(logging.Handler):
    """Sends the lines of libraries the same way."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(self.format(record) + "\n")
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        self._writer.flush()


class _LineLogger:
    """What structlog calls with a rendered line."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def msg(self, message: str) -> None:
        self._writer.write(message + "\n")

    debug = info = warning = error = critical = exception = log = msg


class _LineLoggerFactory:
    def __init__(self, writer: LineWriter) -> None:
        self._logger = _LineLogger(writer)

    def __call__(self, *_: Any) -> _LineLogger:
        return self._logger
