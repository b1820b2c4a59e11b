"""Logs: one JSON object per line, whoever writes, and no secret in it."""

from __future__ import annotations

import io
import json
import logging
import warnings

import pytest
import structlog

from worker_payment.kit.config import LoggerConfig, Settings
from worker_payment.kit.config.logging import configure_logging


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
