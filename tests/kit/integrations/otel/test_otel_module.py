"""Settings, check, start and stop of the module."""

from __future__ import annotations

import subprocess
import sys
import time

import otel_jobs as jobs
import pytest
from otel_receiver import Receiver

from support import NOBODY
from worker_payment.kit.engine import Publisher
from worker_payment.kit.integrations.otel import module as api
from worker_payment.kit.integrations.otel import settings


def make(**values) -> settings.OtelSettings:
    return settings.OtelSettings(_env_file=None, **values)


def test_without_an_endpoint_nothing_is_exported_and_the_check_says_so(
    worker, publisher: Publisher
) -> None:
    """The SDK is not even loaded."""
    receipt = jobs.nod.enqueue(jobs.Order(), publisher=publisher)
    with worker(OTEL_EXPORTER_OTLP_ENDPOINT="") as running:
        line = running.wait_for("job.done", jobId=receipt.job_id)
        running.signal()
        assert running.exit_code() == 0
    assert "trace_id" not in line
    with worker("check", "--only", "otel", OTEL_EXPORTER_OTLP_ENDPOINT="") as running:
        assert running.exit_code() == 0
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is not set" in running.output


def test_variables_may_stand_in_the_env_file(
    tmp_path, receiver: Receiver, worker, publisher: Publisher, queue: str
) -> None:
    """Also those that only the SDK knows."""
    lines = [
        f"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.url}",
        "OTEL_EXPORTER_OTLP_HEADERS=api-key=top%20secret",
        "OTEL_SERVICE_NAME=shipping",
        "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test",
        "OTEL_METRICS_EXPORTER=none",
    ]
    from support import prepare

    prepare(tmp_path)
    with (tmp_path / ".env").open("a") as file:
        file.write("\n".join(lines) + "\n")
    jobs.nod.enqueue(jobs.Order(), publisher=publisher)
    with worker("run", "--burst", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url) as running:
        assert running.exit_code() == 0
    (span,) = receiver.named(f"process {queue}")
    assert span.resource["service.name"] == "shipping"
    assert span.resource["deployment.environment.name"] == "test"
    assert span.resource["service.instance.id"]
    assert receiver.metrics == []
    headers = {key.lower(): text for key, text in receiver.export_headers[0].items()}
    assert headers["api-key"] == "top secret"


def test_a_collector_that_is_away_costs_no_job_and_no_stop(worker, publisher: Publisher) -> None:
    """The worker says that something was lost and ends in time."""
    receipt = jobs.nod.enqueue(jobs.Order(), publisher=publisher)
    away = f"http://127.0.0.1:{NOBODY}"
    with worker(OTEL_EXPORTER_OTLP_ENDPOINT=away) as running:
        running.wait_for("job.done", jobId=receipt.job_id)
        running.signal()
        since = time.monotonic()
        assert running.exit_code() == 0
    assert time.monotonic() - since < 9


def test_the_check_reaches_the_collector(worker, receiver: Receiver) -> None:
    """An empty export is taken, or refused."""
    with worker("check", "--only", "otel") as running:
        assert running.exit_code() == 0
    assert "takes traces and metrics" in running.output
    receiver.status = 401
    with worker("check", "--only", "otel") as running:
        assert running.exit_code() == 1
    assert "does not take traces" in running.output


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"otel_exporter_otlp_endpoint": "collector:4318"}, "otel_exporter_otlp_endpoint"),
        ({"otel_exporter_otlp_protocol": "grpc"}, "otel_exporter_otlp_protocol"),
        ({"otel_exporter_otlp_headers": "s3cret"}, "otel_exporter_otlp_headers"),
        ({"otel_metric_export_interval": 1}, "otel_metric_export_interval"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_shown(values, problem) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        make(**values)
    assert "s3cret" not in str(caught.value)


def test_signals_can_be_switched_off_one_by_one() -> None:
    base = {"otel_exporter_otlp_endpoint": "http://c:4318"}
    only_metrics = make(**base, otel_traces_exporter="none")
    assert (only_metrics.traces, only_metrics.metrics) == (False, True)
    off = make(**base, otel_sdk_disabled=True)
    assert (off.traces, off.metrics) == (False, False)
    apart = make(otel_exporter_otlp_traces_endpoint="http://c:4318/v1/traces")
    assert (apart.traces, apart.metrics) == (True, False)


def test_the_module_costs_nothing_before_it_is_used() -> None:
    code = f"import {api.__name__}, sys; print('opentelemetry' in sys.modules)"
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == "False"
