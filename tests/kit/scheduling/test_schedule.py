"""When runs are due, in the schedule's own zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import engine_jobs as jobs
from worker_payment.kit.scheduling import Schedule, schedule
from worker_payment.kit.scheduling.schedule import _registry


def made(cron, zone="UTC", missed="once"):
    """A schedule that nobody has declared."""
    return Schedule("x", jobs.note, cron, lambda due: jobs.Note(text="x"), ZoneInfo(zone), missed)


def at(text):
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_hour_is_meant_in_the_zone():
    nightly = made("0 3 * * *", "Asia/Seoul")
    moment = at("2026-01-01T17:59:59")
    assert nightly.latest(moment) == at("2025-12-31T18:00:00")
    assert nightly.following(moment) == at("2026-01-01T18:00:00")
    assert nightly.following(moment).hour == 3


def test_a_run_is_due_at_the_moment_itself():
    assert made("* * * * *").latest(at("2026-01-01T00:01:00")) == at("2026-01-01T00:01:00")


def test_summer_time_leaves_one_run_a_day():
    nightly = made("30 3 * * *", "Europe/Berlin")
    moment, runs = at("2026-03-27T00:00:00"), []
    for _ in range(4):
        moment = nightly.following(moment)
        runs.append(moment)
    assert [run.day for run in runs] == [27, 28, 29, 30]
    assert [run.astimezone(UTC).hour for run in runs] == [2, 2, 1, 1]


@pytest.mark.parametrize("cron", ["", "* * * *", "61 * * * *", "* * * * * *", "nightly"])
def test_what_is_no_cron_is_refused(cron):
    with pytest.raises(ValueError, match="a schedule has"):
        schedule(jobs.note, cron, lambda due: jobs.Note(text="x"))


def test_a_name_is_taken_once():
    schedule(jobs.note, "0 0 * * *", lambda due: jobs.Note(text="x"), name="once-only")
    try:
        with pytest.raises(ValueError, match="already"):
            schedule(jobs.note, "0 1 * * *", lambda due: jobs.Note(text="x"), name="once-only")
    finally:
        del _registry["once-only"]


def test_the_job_id_is_derived_or_made_of_name_and_time():
    due = at("2026-01-01T03:00:00") + timedelta(seconds=0)
    assert made("0 3 * * *").job_id(jobs.Note(text="x"), due) == "x-20260101T030000Z"
