"""Structured logs: JSON lines for machines, `pretty` for people.

Lines of RQ and every other library go through the same renderer.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TextIO

import structlog

from ..composition import composed
from .log_line import Line, LogLine, for_people
from .log_values import Cleaner, encode, let_pass, printed
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
    writer = LineWriter(output)
    processors = [each.log_processor for each in composed().modules if each.log_processor]
    render = LogLine(
        settings.service,
        Cleaner(secrets),
        processors,
        for_people(output) if config.pretty else encode,
    )

    def write_form(form: tuple[str, ...], *values: Any) -> None:
        writer.add(partial(render.filled_in, time.time(), form, *values))

    quick = None if processors or config.pretty or level > logging.INFO else write_form
    structlog.configure(
        processors=[render.later],
        wrapper_class=_logger_class(level, [render.later], quick),
        logger_factory=_LineLoggerFactory(writer),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Handler(writer, render)]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # RQ sets the level of this one itself when it is imported.
    logging.getLogger("rq.worker").setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


def _logger_class(
    level: int, processors: Sequence[Any], quick: Callable[..., None] | None
) -> type[Any]:
    """Return structlog's logger for a level, whose calls never raise.

    Its own raises for placeholders without values and for fields with its parameters' names, and
    copies the fields four times. Ours has `write_form` besides: what writes a line at INFO to
    which the context has nothing to add, of a form (message and names) and values that are texts
    and numbers; None where INFO is not logged, lines are captured, or more is done to them.
    """
    base = structlog.make_filtering_bound_logger(level)
    calls = {name: _call(name) for name, number in _METHODS.items() if number >= level}
    awaited = {f"a{name}": _awaited(call) for name, call in calls.items()}
    form = property(lambda self: quick if self._processors == processors else None)
    return type(base.__name__, (base,), calls | awaited | {"write_form": form})


_METHODS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "exception": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}
_TAKEN = frozenset(("self", "method_name", "event"))


def _call(name: str) -> Callable[..., Any]:
    def call(self: Any, event: Any = "", /, *values: Any, **fields: Any) -> Any:
        if values:
            event = _filled_in(event, values)
        if not _TAKEN.isdisjoint(fields):
            fields = {f"{key}_" if key in _TAKEN else key: fields[key] for key in fields}
        if name == "exception":
            fields.setdefault("exc_info", True)
        line: Any = {**self._context, **fields, "event": event}
        try:
            for each in self._processors:
                line = each(self._logger, name, line)
        except structlog.DropEvent:
            return None
        return self._logger.msg(line)

    return call


def _awaited(call: Callable[..., Any]) -> Callable[..., Any]:
    async def awaited(*values: Any, **fields: Any) -> Any:
        return call(*values, **fields)  # it waits for nothing

    return awaited


def _filled_in(text: Any, values: Any) -> str:
    """Return a text with its placeholders filled in, or with the values behind it."""
    try:
        return str(text % values)
    except Exception as error:  # too many values, or one that cannot be printed
        let_pass(error)
        return f"{printed(text)} {printed(values)}"


class _Handler(logging.Handler):
    """Sends the lines of libraries the same way."""

    def __init__(self, writer: LineWriter, render: LogLine) -> None:
        super().__init__()
        self._writer = writer
        self._render = render

    def emit(self, record: logging.LogRecord) -> None:
        message = record.msg if isinstance(record.msg, str) else _filled_in("%s", (record.msg,))
        if record.args:
            message = _filled_in(message, record.args)
        event: dict[str, Any] = {"event": message, "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        if record.stack_info:
            event["stack"] = record.stack_info
        self._writer.write(self._render(None, record.levelname.lower(), event) + "\n")

    def flush(self) -> None:
        self._writer.flush()


class _LineLogger:
    """What structlog calls with a rendered line."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def msg(self, line: Line) -> None:
        self._writer.add(line + "\n" if isinstance(line, str) else line)

    debug = info = warning = error = critical = exception = log = msg


class _LineLoggerFactory:
    def __init__(self, writer: LineWriter) -> None:
        self._logger = _LineLogger(writer)

    def __call__(self, *_: Any) -> _LineLogger:
        return self._logger
