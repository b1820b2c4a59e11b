"""What `stats` and `check` show of the database."""

from __future__ import annotations

import json

import database_jobs as jobs
import pytest

from worker_payment.kit.integrations.database.insight import (
    counts,
    warnings,
)
from worker_payment.kit.integrations.database.text import error_text, traceback_text


def test_rows_of_this_queue_are_counted(database, run):
    assert set(counts().values()) == {0}
    run(jobs.write, *[jobs.Work(target=f"{database.queue}-{n}") for n in range(3)])
    run(jobs.fail, jobs.Work(target=f"{database.queue}-bad", note="this"))
    assert counts() == {"done_last_hour": 3, "failing_targets": 1}


@pytest.mark.parametrize(("size", "sentences"), [(6, 0), (5, 1), (4, 1)])
def test_a_pool_smaller_than_the_concurrency_is_warned_of(monkeypatch, size, sentences):
    monkeypatch.setenv("WORKER_CONCURRENCY", "5")
    config = {"dbms": "sqlite", "database": "x", "poolSize": size}
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": {"MAIN": config}}))
    assert len(list(warnings())) == sentences


def test_what_is_kept_of_an_error_repeats_no_refused_value():
    said = "age [type=int_type, input_value='kim.private', input_type=str] for url 'http://a/?q=kim.private'"
    for kept in (error_text(said), traceback_text(said)):
        assert kept == "age [type=int_type, input_type=str] for url 'http://a/?***'"
