"""One log line, for the worker's own events and for those of libraries.

Two lines are written for every job, so this does in one step what a chain of structlog's
processors does at four times the cost.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import lru_cache, partial
from json.encoder import encode_basestring
from types import NoneType
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from ..engine.run.texts import without_values
from .log_values import Cleaner, encode, let_pass

_LEVELS = {"warn": "warning", "exception": "error", "fatal": "critical"}
_OWN = frozenset(("time", "level", "message", "service"))
_LASTING = frozenset((str, int, float, bool, NoneType))  # types of what nobody can change
_NAMES = 512  # fields whose names are known
_FIRST = ("time", "level", "message", "jobId", "jobType")

Render = Callable[[dict[str, Any]], str]
Line = str | Callable[[], str]


class LogLine:
    """Renders an event. It never raises, whatever the event holds.

    Args:
        service: The service's name, in every line.
        cleaner: Makes each value fit for a line.
        processors: See the finished line, for instance to add the ids of a trace.
        render: Makes a text of the line.
    """

    def __init__(
        self,
        service: str,
        cleaner: Cleaner,
        processors: Sequence[Processor] = (),
        render: Render = encode,
    ) -> None:
        self._service = service
        self._cleaner = cleaner
        self._processors = tuple(processors)
        self._render = render
        self._second = (0, "")
        self._name = lru_cache(_NAMES)(self._name_of)
        self._form = lru_cache(_NAMES)(self._form_of)

    def later(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        """Return the line, or what makes it when it is written: many in a row take less time.

        Structlog's type of a processor knows no callable; `Line` is what comes out.
        """
        if self._processors or "exc_info" in event:  # they look at the thread
            return self(logger, method, event)
        message = event.pop("event", "")
        fields = {**structlog.contextvars.get_contextvars(), **event}
        line = partial(self._line, time.time(), logger, method, message, fields)
        if type(message) is str and _LASTING.issuperset(map(type, fields.values())):
            return line
        return line()

    def filled_in(self, now: float, form: tuple[str, ...], *values: str | int | None) -> str:
        """Return a line at INFO.

        Args:
            now: Its time.
            form: Its message, and the names of its fields.
            values: Of the fields.
        """
        return self._form(form) % (self._text_of(now), *map(self._json, values))

    def _json(self, value: str | int | None) -> str | int:
        if isinstance(value, str):
            return encode_basestring(self._cleaner.text(value))
        return "null" if value is None else value

    def _form_of(self, form: tuple[str, ...]) -> str:
        """Return a line with a place for the time and each value: all else is always the same."""
        message, *names = form
        fixed = {"level": "info", "message": message, "service": self._service}
        places = "".join(f",{encode(name)}:%s" for name in names)
        return f'{{"time":"%s",{encode(fixed)[1:-1].replace("%", "%%")}{places}}}'

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """Return the line now."""
        message = event.pop("event", "")
        fields = {**structlog.contextvars.get_contextvars(), **event}
        return self._line(time.time(), logger, method, message, fields)

    def _line(
        self, now: float, logger: Any, method: str, message: Any, fields: dict[str, Any]
    ) -> str:
        field = self._cleaner.field
        line: Any = {
            "time": self._text_of(now),
            "level": _LEVELS.get(method, method),
            "message": field(message) if isinstance(message, str) else self._as_text(message),
            "service": self._service,
        }
        if "exc_info" in fields:
            fields = structlog.processors.format_exc_info(logger, method, fields)  # type: ignore[assignment]
            if isinstance(said := fields.get("exception"), str):
                fields["exception"] = without_values(said)
        for key, value in fields.items():
            line[self._name(key)] = field(value)
        for processor in self._processors:
            try:
                line = processor(logger, method, line)
            except Exception as error:  # what a module adds is not worth the line
                let_pass(error)
        try:
            return self._render(line)
        except (TypeError, ValueError):  # a processor added an odd value
            return self._render({key: field(value) for key, value in line.items()})

    def _name_of(self, key: str) -> str:
        name = key if key.isascii() and len(key) < 100 else str(self._cleaner.field(key))
        return f"{name}_" if name in _OWN else name

    def _as_text(self, message: Any) -> str:
        found = self._cleaner.field(message)
        return found if isinstance(found, str) else encode(found)

    def _text_of(self, now: float) -> str:
        """Return a time in UTC; the text of a second is made once."""
        second, text = self._second
        if int(now) != second:
            second = int(now)
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, text)
        return f"{text}.{int((now - second) * 1_000_000):06d}Z"


def for_people(output: TextIO) -> Render:
    """Return what renders a line for a terminal: in colors, without the day and the service."""
    console = structlog.dev.ConsoleRenderer(
        colors=output.isatty() and "NO_COLOR" not in os.environ,
        timestamp_key="time",
        # Columns would push the interesting part off a terminal of 80 characters.
        pad_event_to=13,
        sort_keys=False,
    )

    def render(line: Mapping[str, Any]) -> str:
        first = {key: line[key] for key in _FIRST if key in line}
        shown = first | {key: value for key, value in line.items() if key != "service"}
        shown["time"] = shown["time"][11:23]
        shown["event"] = shown.pop("message")
        return str(console(None, shown["level"], shown))

    return render
