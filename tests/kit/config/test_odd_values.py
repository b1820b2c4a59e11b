"""A log call never fails a job: every value has a form that is valid JSON and of bounded size."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections import deque
from enum import Enum, IntEnum
from pathlib import Path

import pytest
import structlog
from rq.timeouts import JobTimeoutException

from worker_payment.kit.config import LoggerConfig, Settings
from worker_payment.kit.config.log_line import LogLine
from worker_payment.kit.config.log_values import LIMIT, Cleaner
from worker_payment.kit.config.logging import configure_logging


class Output(io.StringIO):
    """What was logged so far; lines are written in the background."""

    def lines(self):
        """Every line, read as strictly as a log collector does."""
        for handler in logging.getLogger().handlers:
            handler.flush()
        text = self.getvalue()
        text.encode()  # no lone surrogate
        return [json.loads(line, parse_constant=pytest.fail) for line in text.split("\n")[:-1]]


@pytest.fixture
def output():
    """What is logged."""
    found = Output()
    configure_logging(Settings(), secrets=["s3cret-42"], stream=found)
    return found


def library():
    """A library's logger, without pytest's own handlers: they cannot print what these tests log."""
    found = logging.Logger("library")  # noqa: LOG001 - pytest attaches to all others
    found.handlers = [
        each for each in logging.getLogger().handlers if type(each).__module__.startswith("worker_")
    ]
    return found


class Broken:
    """An object that cannot be printed."""

    def __repr__(self):
        raise RuntimeError("no")


class BrokenDict(dict):
    """A dict that cannot be read."""

    def items(self):
        raise RuntimeError("no")


class UnprintableError(Exception):
    """An error without a text."""

    def __str__(self):
        raise RuntimeError("no")


class Color(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


def circular():
    """A list inside itself."""
    found = [1]
    found.append(found)
    return found


def deep():
    """A dict of a thousand levels."""
    found = {}
    for _ in range(1000):
        found = {"a": found}
    return found


def wide():
    """A tree of a hundred thousand leaves."""
    found = [0] * 10
    for _ in range(4):
        found = [found] * 10
    return found


ODD = {
    "tuple key": {(1, 2): 3},
    "bytes key": {b"a": 1},
    "broken key": {Broken(): 1},
    "broken": Broken(),
    "broken inside": [{"a": Broken()}],
    "broken dict": BrokenDict(a=1),
    "circular": circular(),
    "deep": deep(),
    "wide": wide(),
    "integer": 10**4300,
    "integers": [10**5000, -(10**400)],
    "NaN": float("nan"),
    "infinities": [float("inf"), float("-inf")],
    "surrogate": "bad \udcff",
    "surrogate key": {"\ud800": "\ud800"},
    "bytes": b"\xff",
    "megabytes": "x" * 5_000_000,
    "wide characters": "결" * 5_000,
    "escapes": "\0\x1f\u2028\r\n",
    "id": "j" * 3_000,
    "set": {1, 2},
    "deque": deque([1]),
    "enum": Color.RED,
    "number": Level.LOW,
    "path": Path("x"),
    "class": Broken,
    "many": {str(number): number for number in range(10_000)},
    "exception": UnprintableError(),
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_any_value_makes_a_valid_line_of_bounded_size(output, value):
    log = structlog.get_logger()
    log.info("as a field", value=value)
    log.bind(value=value).info("bound")
    structlog.contextvars.bind_contextvars(value=value)
    log.info("in the context")
    structlog.contextvars.clear_contextvars()
    log.info(value)
    log.info("filled in %s", value)
    library().warning("filled in %s", value)
    library().warning(value)
    lines = output.lines()
    assert len(lines) == 7
    for line in lines:
        assert set(line) <= {"time", "level", "message", "service", "value", "logger"}
        assert isinstance(line["message"], str)
        for field in line.values():
            text = field if isinstance(field, str) else json.dumps(field, ensure_ascii=False)
            assert len(text.encode()) <= LIMIT


def test_what_was_cut_is_said_and_both_ends_are_kept(output):
    structlog.get_logger().info("x", value="begin" + "-" * 10_000 + "end")
    (line,) = output.lines()
    assert line["value"].startswith("begin")
    assert line["value"].endswith("end")
    assert " bytes cut ... " in line["value"]


@pytest.mark.parametrize(
    "error",
    [
        UnprintableError(),
        ValueError("bad \udcff"),
        ValueError("x" * 5_000_000),
        ExceptionGroup("g", [UnprintableError()]),
    ],
    ids=["no text", "surrogate", "megabytes", "group"],
)
def test_any_exception_is_logged_with_its_traceback(output, error):
    try:
        raise error
    except Exception:
        structlog.get_logger().exception("job.failed")
        library().exception("job.failed")
    for line in output.lines():
        assert line["message"] == "job.failed"
        assert type(error).__name__ in line["exception"]
        assert len(line["exception"].encode()) <= LIMIT


def test_the_frame_of_a_line_cannot_be_overwritten(output):
    structlog.contextvars.bind_contextvars(service="x", event="y")
    structlog.get_logger().info("job.done", level=3, time=4, message="m", self=5, method_name=6)
    structlog.get_logger().error("job.failed", event="e")
    first, second = output.lines()
    assert (first["level"], first["message"], first["level_"]) == ("info", "job.done", 3)
    assert (first["service"], first["service_"]) == ("worker-payment", "x")
    assert (second["message"], second["event_"]) == ("job.failed", "e")


@pytest.mark.parametrize("values", [(1, 2), ("a",), (Broken(),), ()])
def test_placeholders_that_do_not_fit_keep_their_values(output, values):
    structlog.get_logger().info("%d of 3", *values)
    library().warning("%d of 3", *values)
    for line in output.lines():
        assert line["message"].startswith("'%d of 3'" if values else "%d of 3")


def test_an_awaited_call_does_not_fail_either(output):
    asyncio.run(structlog.get_logger().ainfo("%d", "x", event=Broken()))
    assert output.lines()[0]["message"] == "'%d' ('x',)"


def test_a_secret_inside_an_object_is_hidden_before_anything_is_cut(output):
    class Client:
        def __repr__(self):
            return "Client('s3cret-42')"

    structlog.get_logger().info(
        "x", a=Client(), b=[{"k": Client()}], c="-" * 2020 + "s3cret-42" * 500
    )
    (line,) = output.lines()
    assert (line["a"], line["b"]) == ("Client('***')", [{"k": "Client('***')"}])
    assert "s3cret" not in line["c"]


def test_a_module_that_fails_costs_no_line():
    def failing(logger, method, line):
        raise RuntimeError("no")

    def adding(logger, method, line):
        return line | {"trace": Broken()}

    line = json.loads(LogLine("s", Cleaner(), [failing, adding])(None, "info", {"event": "x"}))
    assert (line["message"], line["trace"]) == ("x", "<Broken, whose repr raises RuntimeError>")


def test_a_timeout_that_strikes_while_a_value_is_printed_still_ends_the_job():
    class Slow:
        def __repr__(self):
            raise JobTimeoutException("too late")

    with pytest.raises(JobTimeoutException):
        LogLine("s", Cleaner())(None, "info", {"event": "x", "value": [Slow()]})


def test_people_see_odd_values_too(output):
    configure_logging(Settings(logger_config=LoggerConfig(pretty=True)), stream=output)
    for value in ODD.values():
        structlog.get_logger().info("x", value=value)
    for handler in logging.getLogger().handlers:
        handler.flush()
    assert output.getvalue().count("] x  ") == len(ODD)
