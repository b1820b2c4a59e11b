"""The breaker: closed, open, half-open; jobs that need what is away wait."""

from __future__ import annotations

import time

import pytest

from support import eventually
from worker_payment.kit.breaker import Breaker, Breakers
from worker_payment.kit.engine import OutageError


def made(**more: object) -> Breaker:
    """A breaker with short pauses."""
    return Breaker("vendor", **({"failures": 3, "first": 0.2, "longest": 0.5} | more))


def fail(breaker: Breaker) -> None:
    """One call that finds nobody."""
    with breaker.call((ConnectionError,)):
        raise ConnectionError("refused")


def test_outages_in_a_row_open_it():
    """Until then each is the job's own error; an answer in between begins the row anew."""
    breaker = made()
    for _ in range(2):
        with pytest.raises(ConnectionError):
            fail(breaker)
    with pytest.raises(ValueError, match="an answer"), breaker.call((ConnectionError,)):
        raise ValueError("an answer")
    for _ in range(2):
        with pytest.raises(ConnectionError):
            fail(breaker)
    with pytest.raises(OutageError, match=r"vendor is away for 0 s \(refused\)") as caught:
        fail(breaker)
    assert caught.value.of == "vendor"
    assert breaker.blocks


def test_half_open_one_job_finds_out():
    breaker = made(failures=1)
    with pytest.raises(OutageError):
        fail(breaker)
    assert breaker.hold() is not None
    time.sleep(0.25)
    assert breaker.hold() is None, "the pause is over: one job may try"
    assert breaker.hold() is not None, "and one only"
    with breaker.call((ConnectionError,)):
        pass
    assert breaker.hold() is None
    assert breaker.describe() == ""


def test_a_probe_looks_until_it_is_back():
    """With pauses that grow, and no job in between."""
    looks: list[float] = []

    def probe() -> None:
        looks.append(time.monotonic())
        if len(looks) < 3:
            raise ConnectionError("still away")

    breaker = made(failures=1, probe=probe)
    with pytest.raises(OutageError):
        fail(breaker)
    eventually(lambda: not breaker.is_open, timeout=10)
    assert looks[1] - looks[0] > 0.3
    assert 0.4 < looks[2] - looks[1] < 2


def test_it_learns_which_jobs_need_it():
    """Only jobs that met the outage are held back."""
    breakers = Breakers()
    breaker = breakers.add(made(failures=1))
    with pytest.raises(OutageError) as caught:
        fail(breaker)
    assert breakers.hold("jobs.send") is None
    breakers.met("jobs.send", caught.value)
    assert breakers.hold("jobs.send") is not None
    assert breakers.hold("jobs.other") is None
    assert "vendor is away" in breakers.away()
    breaker.worked()
    assert breakers.hold("jobs.send") is None
