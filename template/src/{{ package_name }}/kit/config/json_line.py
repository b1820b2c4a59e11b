"""A JSON log line in one step.

Two lines are written for every job, so what makes them has to be cheap: this does the work of
seven of structlog's processors at half their cost.
"""

from __future__ import annotations

import json
import time
from collections.abc import MutableMapping, Sequence
from typing import Any

import structlog
from structlog.typing import Processor

_encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode
_LEVELS = {"warn": "warning", "exception": "error"}


class JsonLine:
    """Renders an event of structlog.

    Args:
        service: The service's name, in every line.
        processors: See the finished line, for instance to take secrets out of it.
    """

    def __init__(self, service: str, processors: Sequence[Processor]) -> None:
        self._service = service
        self._processors = tuple(processors)
        self._second = (0, "")

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        line: Any = {
            "time": self._now(),
            "level": _LEVELS.get(method, method),
            "message": event.pop("event"),
            "service": self._service,
            **structlog.contextvars.get_contextvars(),
            **event,
        }
        if "exc_info" in line:
            line = structlog.processors.format_exc_info(logger, method, line)
        for processor in self._processors:
            line = processor(logger, method, line)
        return _encode(line)

    def _now(self) -> str:
        """The time in UTC; the text of a second is made once."""
        now = time.time()
        second, text = self._second
        if int(now) != second:
            second = int(now)
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, text)
        return f"{text}.{int((now - second) * 1_000_000):06d}Z"
