"""Settings, check, start and stop of the module."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import sentry_jobs as jobs
from sentry_server import SentryServer

from support import NOBODY
from worker_payment.kit.engine import Publisher
from worker_payment.kit.integrations.sentry import module as api
from worker_payment.kit.integrations.sentry import settings


def test_without_a_dsn_nothing_is_reported_and_the_check_says_so(worker) -> None:
    with worker("check", "--only", "sentry", SENTRY_DSN="") as running:
        assert running.exit_code() == 0
    assert "SENTRY_DSN is not set" in running.output


def test_the_check_reaches_sentry(worker, sentry: SentryServer) -> None:
    """Without leaving an event there."""
    with worker("check", "--only", "sentry") as running:
        assert running.exit_code() == 0
    assert "takes reports for project 42" in running.output
    assert sentry.events == []
    sentry.status = 403
    with worker("check", "--only", "sentry") as running:
        assert running.exit_code() == 1
    assert "HTTP 403" in running.output


def test_a_sentry_that_is_away_costs_no_job_and_no_stop(worker, publisher: Publisher) -> None:
    jobs.refuse.enqueue(jobs.Order(), publisher=publisher)
    with worker(SENTRY_DSN=f"http://key@127.0.0.1:{NOBODY}/42") as running:
        running.wait_for("job.failed")
        running.signal()
        since = time.monotonic()
        assert running.exit_code() == 0
    assert time.monotonic() - since < 8


@pytest.mark.parametrize("dsn", ["s3cret", "https://sentry.io/42", "https://s3cret@sentry.io"])
def test_a_wrong_dsn_is_named_and_not_shown(dsn) -> None:
    with pytest.raises(ValueError, match="not a DSN") as caught:
        settings.SentrySettings(_env_file=None, sentry_dsn=dsn)
    assert "s3cret" not in str(caught.value)


def test_the_module_costs_nothing_before_it_is_used() -> None:
    code = f"import {api.__name__}, sys; print('sentry_sdk' in sys.modules)"
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == "False"
