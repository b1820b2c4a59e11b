"""The heartbeat: what `health` makes of the worker's file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from worker_payment.kit.process.health import (
    STALE,
    Heartbeat,
    read_health,
)


@pytest.fixture
def path(tmp_path):
    """Where the heartbeat of this test lies."""
    return tmp_path / "worker.health"


def write(path, **changes):
    """A beat as the worker writes it, with changes."""
    beat = {"pid": os.getpid(), "at": time.time(), "redis": True, "slots": 2, "blocked": 0}
    path.write_text(json.dumps(beat | changes))


def test_a_worker_that_beats_is_alive_and_ready(path):
    Heartbeat(path).beat(redis=True)
    found = read_health(path)
    assert (found.alive, found.ready) == (True, True)


def test_without_redis_it_is_alive_but_not_ready(path):
    heartbeat = Heartbeat(path)
    heartbeat.beat(redis=True)
    heartbeat.beat(redis=False)  # a change is written at once
    found = read_health(path)
    assert (found.alive, found.ready) == (True, False)


def test_no_file_means_no_worker(path):
    assert not read_health(path).alive


def test_a_worker_that_signed_off_is_not_alive(path):
    heartbeat = Heartbeat(path)
    heartbeat.beat(redis=True)
    heartbeat.remove()
    assert not path.exists()


def test_the_file_of_another_worker_stays(path):
    write(path, pid=os.getpid() + 1)
    Heartbeat(path).remove()
    assert path.exists()


def test_an_old_beat_means_that_the_worker_is_stuck(path):
    write(path, at=time.time() - STALE - 1)
    found = read_health(path)
    assert not found.alive
    assert "stuck" in found.detail


def test_a_blocked_slot_is_told_while_others_work(path):
    Heartbeat(path, slots=2, blocked=lambda: 1).beat(redis=True)
    found = read_health(path)
    assert (found.alive, found.ready) == (True, True)
    assert "1 of 2 slots" in found.detail


def test_a_worker_whose_slots_are_all_blocked_is_not_alive(path):
    Heartbeat(path, slots=2, blocked=lambda: 2).beat(redis=True)
    found = read_health(path)
    assert (found.alive, found.ready) == (False, False)
    assert "2 of 2 slots" in found.detail


def test_a_dead_process_is_not_alive_however_fresh_its_beat(path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write(path, pid=gone.pid)
    assert not read_health(path).alive


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": "x", "at": 0, "redis": 1}'])
def test_a_broken_file_is_no_sign_of_life(path, text):
    path.write_text(text)
    assert not read_health(path).alive


def test_a_folder_that_cannot_be_written_stops_no_worker(tmp_path):
    Heartbeat(tmp_path / "missing" / "worker.health").beat(redis=True)
