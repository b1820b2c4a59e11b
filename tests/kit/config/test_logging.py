"""Logs: one JSON object per line, whoever writes, and no secret in it."""

from __future__ import annotations

import io
import json
import logging
import warnings
from types import SimpleNamespace

import pytest
import structlog
from structlog.testing import capture_logs

from worker_payment.kit.config import LoggerConfig, Settings
from worker_payment.kit.config.logging import configure_logging
from worker_payment.kit.engine import Options, Payload, ThreadWorker, processor


class Order(Payload):
    order_id: str


@processor()
def bind_order(payload: Order) -> None:
    """Has an order in its log lines, if there is one."""
    if payload.order_id:
        structlog.contextvars.bind_contextvars(orderId=payload.order_id)


class Output(io.StringIO):
    """What was logged so far; lines are written in the background."""

    def getvalue(self):
        for handler in logging.getLogger().handlers:
            handler.flush()
        return super().getvalue()


@pytest.fixture
def output():
    """What is logged."""
    return Output()


def configured(output, *, secrets=(), **config):
    """Set logging up, and return a function that reads what was written since."""
    settings = Settings(app_name="my-worker", logger_config=LoggerConfig(**config))
    configure_logging(settings, secrets=secrets, stream=output)
    return lambda: [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_message_and_service(output):
    lines = configured(output)
    structlog.get_logger().info("job.start", jobId="7", attempt=1)
    (line,) = lines()
    assert list(line) == ["time", "level", "message", "service", "jobId", "attempt"]
    assert (line["level"], line["message"], line["service"]) == ("info", "job.start", "my-worker")
    assert line["time"].endswith("Z")


def test_lines_of_libraries_look_the_same(output):
    lines = configured(output)
    logging.getLogger("some.library").warning("%s went wrong", "this")
    (line,) = lines()
    assert (line["level"], line["message"]) == ("warning", "this went wrong")
    assert (line["logger"], line["service"]) == ("some.library", "my-worker")


def test_a_warning_of_python_is_a_line_too(output):
    lines = configured(output)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert "DeprecationWarning: old" in lines()[0]["message"]


def test_rq_does_not_speak_of_what_the_worker_says_itself(output):
    lines = configured(output)
    logging.getLogger("rq.worker").info("payload and all")
    assert lines() == []


def test_the_level_holds_for_all(output):
    lines = configured(output, level="error")
    structlog.get_logger().warning("quiet")
    logging.getLogger("some.library").warning("quiet")
    structlog.get_logger().error("loud")
    assert [line["message"] for line in lines()] == ["loud"]


def test_a_secret_is_blotted_out_wherever_it_stands(output):
    lines = configured(output, secrets=["s3cret-1", "s3cret-22"])
    try:
        raise RuntimeError("login with s3cret-1 failed")
    except RuntimeError:
        structlog.get_logger().exception("s3cret-22", headers={"auth": ["Basic s3cret-22"]})
    logging.getLogger("some.library").error("url %s", "redis://:s3cret-22@host")
    assert "s3cret" not in output.getvalue()
    first, second = lines()
    assert "login with *** failed" in first["exception"]
    assert first["headers"] == {"auth": ["Basic ***"]}
    assert second["message"] == "url redis://:***@host"


def test_a_password_that_is_a_word_does_not_blot_out_the_word(output):
    lines = configured(output, secrets=["worker"])
    structlog.get_logger().info("worker.start", name="my-worker", url="redis://u:worker@host/0")
    structlog.get_logger().info("login", password="worker", text="?password=worker&x=1")
    first, second = lines()
    assert (first["message"], first["name"]) == ("worker.start", "my-worker")
    assert first["url"] == "redis://u:***@host/0"
    assert (second["password"], second["text"]) == ("***", "?password=***&x=1")


def test_other_alphabets_stay_readable(output):
    configured(output)
    structlog.get_logger().info("주문", name="홍길동")
    assert '"message":"주문"' in output.getvalue()
    assert '"name":"홍길동"' in output.getvalue()


def test_pretty_is_for_people(output):
    configured(output, pretty=True)
    structlog.get_logger().info("job.start", orderId="A-1", jobId="7")
    text = output.getvalue()
    assert text.index("job.start") < text.index("jobId=7") < text.index("orderId=A-1")
    assert "service" not in text
    assert "\033" not in text  # no colors where there is no terminal


def test_an_output_that_is_gone_stops_no_job(output):
    configured(output)
    output.close()
    structlog.get_logger().info("job.start")


def test_a_line_tells_what_was_so_when_it_was_logged(output):
    """Lines are made when they are written; what can change by then is made at once."""
    lines = configured(output)
    orders = ["A-1"]
    with structlog.contextvars.bound_contextvars(jobId="7"):
        structlog.get_logger().info("plain", attempt=1)
        structlog.get_logger().info("list", orders=orders)
    orders.clear()
    plain, listed = lines()
    assert (plain["message"], plain["jobId"], plain["attempt"]) == ("plain", "7", 1)
    assert (listed["jobId"], listed["orders"]) == ("7", ["A-1"])


@pytest.fixture
def no_modules(monkeypatch):
    """A worker none of whose modules looks at log lines."""
    nothing = SimpleNamespace(modules=[])
    monkeypatch.setattr("worker_payment.kit.config.logging.composed", lambda: nothing)


def test_a_line_of_a_form_is_like_any_other(output, no_modules):
    """The engine's two lines for each job take this shorter way."""
    lines = configured(output, secrets=["s3cret-1"])
    names, values = (
        ("jobId", "jobType", "attempt", "waitMs"),
        ('"s3cret-1\n주', "x" * 5000, 2, None),
    )
    log = structlog.get_logger().bind()
    log.info("50 %", **dict(zip(names, values, strict=True)))
    log.write_form(("50 %", *names), *values)
    plain, formed = lines()
    assert list(plain) == list(formed)
    assert plain | {"time": ""} == formed | {"time": ""}
    assert len(plain["time"]) == len(formed["time"])


def test_lines_that_are_captured_or_for_people_take_no_shorter_way(output, no_modules):
    configured(output)
    assert structlog.get_logger().bind().write_form is not None
    with capture_logs():
        assert structlog.get_logger().bind().write_form is None
    configured(output, pretty=True)
    assert structlog.get_logger().bind().write_form is None


@pytest.mark.parametrize("modules", [True, False])
def test_what_a_job_binds_stands_in_the_line_of_its_end(
    output, connection, publisher, queue, modules, request
):
    """And in no line of the next job."""
    if not modules:
        request.getfixturevalue("no_modules")
    lines = configured(output)
    publisher.publish_many(bind_order, [Order(order_id="A-1"), Order(order_id="")])
    ThreadWorker([queue], connection, f"test-{queue}", Options(concurrency=1)).run(burst=True)
    found = [line for line in lines() if line["message"] in ("job.start", "job.done")]
    assert [line.get("orderId") for line in found] == [None, "A-1", None, None]
    assert len({line["jobId"] for line in found}) == 2
    assert {line["jobType"] for line in found} == {"test_logging.bind_order"}
    assert all(line["attempt"] == 1 and line["level"] == "info" for line in found)
    assert "waitMs" in found[0]
    assert "durationMs" in found[1]
