"""When runs are due, in the schedule's own zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
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


AUTUMN = [  # zone, the day before in UTC, the wall's times in the repeated hour in UTC
    (
        "America/New_York",
        "2026-10-31T12:00:00",
        "30 1 * * *",
        ["2026-11-01T05:30", "2026-11-02T06:30"],
    ),
    (
        "Europe/London",
        "2026-10-24T12:00:00",
        "30 1 * * *",
        ["2026-10-25T00:30", "2026-10-26T01:30"],
    ),
    (
        "Australia/Lord_Howe",
        "2026-04-03T20:00:00",
        "45 1 * * *",
        ["2026-04-04T14:45", "2026-04-05T15:15"],
    ),
]


@pytest.mark.parametrize(("zone", "start", "cron", "due"), AUTUMN)
def test_a_daily_run_in_the_repeated_hour_comes_once(zone, start, cron, due):
    assert walked(made(cron, zone), at(start), hours=44) == [at(f"{each}:00") for each in due]


@pytest.mark.parametrize("cron", ["0 * * * *", "30 * * * *", "*/15 * * * *", "0 0-23 * * *"])
@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London"])
@pytest.mark.parametrize("day", ["2026-10-24", "2026-10-31", "2026-03-07", "2026-03-28"])
def test_what_runs_every_hour_goes_on_when_clocks_are_changed(cron, zone, day):
    found = walked(made(cron, zone), at(f"{day}T22:00:00"), hours=12)
    pauses = {later - earlier for earlier, later in pairwise(found)}
    assert pauses == {timedelta(minutes=15 if cron.startswith("*") else 60)}


def test_half_an_hour_is_repeated_on_lord_howe_island():
    found = walked(made("*/30 * * * *", "Australia/Lord_Howe"), at("2026-04-04T12:00:00"), hours=8)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}


@pytest.mark.parametrize(
    ("zone", "cron", "due"),
    [
        ("America/New_York", "30 2 * * *", "2026-03-08T07:00:00"),
        ("Europe/London", "15 1 * * *", "2026-03-29T01:00:00"),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T15:30:00"),
    ],
)
def test_a_time_that_is_skipped_in_spring_comes_when_clocks_have_changed(zone, cron, due):
    found = walked(made(cron, zone), at(due) - timedelta(hours=20), hours=30)
    assert found == [at(due)]


def walked(each, start, hours):
    """Every run in some hours, found forwards; each must also be the latest when it is due."""
    found, moment = [], start
    while (moment := each.following(moment)) <= start + timedelta(hours=hours):
        moment = moment.astimezone(UTC)  # Python calls no two times in a repeated hour equal
        assert each.latest(moment).astimezone(UTC) == moment
        if found:
            assert each.latest(moment - timedelta(seconds=1)).astimezone(UTC) == found[-1]
        found.append(moment)
    return found


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 4 *", "0 0 31 2,4,6,9,11 *"])
def test_a_day_that_never_comes_is_refused_when_it_is_declared(cron):
    with pytest.raises(ValueError, match="no such day"):
        schedule(jobs.note, cron, lambda due: jobs.Note(text="x"))


@pytest.mark.parametrize(
    "cron",
    [
        "R R * * *",
        "H 1 * * *",
        "0 0,R * * *",
        "",
        "* * * *",
        "61 * * * *",
        "* * * * * *",
        "nightly",
    ],
)
def test_what_is_no_cron_is_refused(cron):
    with pytest.raises(ValueError, match="a schedule has"):
        schedule(jobs.note, cron, lambda due: jobs.Note(text="x"))


@pytest.mark.parametrize(
    "cron", ["*/90 * * * *", "0 */36 * * *", "0 0 1-31/45 * *", "0 0 1 */13 *"]
)
def test_a_step_that_is_longer_than_its_field_is_refused(cron):
    """`*/90` is meant as every 90 minutes, and would run every hour."""
    with pytest.raises(ValueError, match="a step of"):
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
