"""The breaker: closed, open, half-open; jobs that need what is away wait."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from rq.job import _current_job
from rq.timeouts import JobTimeoutException

from support import eventually
from worker_payment.kit.breaker import Breaker, Breakers
from worker_payment.kit.config.fields import BreakerConfig
from worker_payment.kit.engine import OutageError, PermanentError, TemporaryError
from worker_payment.kit.signs import Sign, http_sign, is_network_error, signed


def made(failures: int = 3, **more: object) -> Breaker:
    """A breaker with short pauses."""
    return Breaker("vendor", BreakerConfig(failures=failures, pause=200, longest_pause=500), **more)


def fail(breaker: Breaker, sign: Sign | None, job: str | None = None) -> None:
    """One call, in a job, that ends with this sign."""
    token = _current_job.set(None if job is None else SimpleNamespace(id=job))
    try:
        with breaker.call():
            raise signed(TemporaryError("a text of the job's"), sign, "refused")
    finally:
        _current_job.reset(token)


def test_outages_in_a_row_open_it():
    """An answer in between begins the row anew. No job that was not heard spends an attempt."""
    breaker = made()
    for sign in (Sign.UNREACHED, Sign.UNREACHED, None, Sign.UNREACHED, Sign.UNREACHED):
        kind = TemporaryError if sign is None else OutageError
        with pytest.raises(kind) as caught:
            fail(breaker, sign, "one")
        assert not breaker.is_open
    assert str(caught.value) == "vendor was away (refused)"
    assert 0.2 < caught.value.retry_after < 1
    with pytest.raises(OutageError, match=r"vendor is away for 0 s \(refused\)") as caught:
        fail(breaker, Sign.UNREACHED, "one")
    assert caught.value.of == "vendor"
    assert breaker.blocks


def test_a_job_that_may_be_the_reason_is_excused_once():
    """It opens nothing, however often it fails, and spends its attempts."""
    breaker = made()
    with pytest.raises(OutageError):
        fail(breaker, Sign.AWAY, "bad")
    for _ in range(5):
        with pytest.raises(TemporaryError, match="a text of the job's") as caught:
            fail(breaker, Sign.AWAY, "bad")
        assert not isinstance(caught.value, OutageError)
    assert not breaker.is_open
    for job in ("second", "third"):
        with pytest.raises(OutageError):
            fail(breaker, Sign.AWAY, job)
    assert breaker.is_open, "three jobs say so"
    with pytest.raises(OutageError):
        fail(breaker, Sign.AWAY, "bad")


def test_what_may_have_been_done_is_never_returned_without_an_attempt():
    """But it counts."""
    breaker = made()
    for job in ("one", "two", "three", "four"):
        with pytest.raises(TemporaryError, match="a text of the job's"):
            fail(breaker, Sign.UNCERTAIN, job)
    assert breaker.is_open


def test_a_job_whose_time_is_over_says_nothing():
    breaker = made(failures=1)
    with pytest.raises(OutageError):
        fail(breaker, Sign.UNREACHED)
    with pytest.raises(JobTimeoutException), breaker.call():
        raise JobTimeoutException
    assert breaker.is_open


def test_half_open_one_job_finds_out():
    breaker = made(failures=1)
    with pytest.raises(OutageError):
        fail(breaker, Sign.UNREACHED)
    assert breaker.hold() is not None
    time.sleep(0.25)
    assert breaker.hold() is None, "the pause is over: one job may try"
    assert breaker.hold().retry_after < 1, "and one only; the others come back soon"
    with pytest.raises(OutageError) as caught:
        fail(breaker, Sign.UNREACHED)
    assert caught.value.retry_after > 0.4, "the pause has grown"
    time.sleep(0.45)
    assert breaker.hold() is None
    with breaker.call():
        pass
    assert breaker.hold() is None
    assert breaker.describe() == ""


def test_a_probe_looks_until_it_is_back():
    """With pauses that grow, and no job in between. A refusal is an answer."""
    looks: list[float] = []

    def probe() -> None:
        looks.append(time.monotonic())
        raise ConnectionError("still away") if len(looks) < 3 else PermanentError("refused")

    breaker = made(failures=1, probe=probe)
    with pytest.raises(OutageError):
        fail(breaker, Sign.UNREACHED)
    time.sleep(0.25)
    assert breaker.hold() is not None, "the probe looks, so no job has to"
    eventually(lambda: not breaker.is_open, timeout=10)
    assert looks[1] - looks[0] > 0.3
    assert 0.4 < looks[2] - looks[1] < 2


def test_a_probe_cannot_see_what_a_server_refuses_to_do():
    """One that answers "not now" is reached by every probe: a job finds out."""
    looks: list[int] = []
    breaker = made(failures=1, probe=lambda: looks.append(1))
    with pytest.raises(OutageError):
        fail(breaker, Sign.AWAY, "one")
    time.sleep(0.25)
    assert breaker.hold() is None
    assert not looks


def test_it_learns_which_jobs_need_it():
    """Only jobs that met the outage are held back."""
    breakers = Breakers()
    breaker = breakers.add(made(failures=1))
    with pytest.raises(OutageError) as caught:
        fail(breaker, Sign.UNREACHED)
    assert breakers.hold("jobs.send") is None
    breakers.met("jobs.send", caught.value)
    assert breakers.hold("jobs.send") is not None
    assert breakers.hold("jobs.other") is None
    assert "vendor is away" in breakers.away()
    assert breakers.ready(), "other jobs go on"
    breaker.worked()
    assert breakers.hold("jobs.send") is None


def test_without_what_every_job_needs_it_is_not_ready():
    breakers = Breakers()
    breaker = breakers.add(made(failures=1, essential=True))
    breaker.failed("refused")
    assert not breakers.ready()
    breaker.close()
    assert breakers.ready()


def test_what_is_a_sign():
    assert http_sign(503, repeatable=False) is Sign.AWAY
    for status in (502, 504):
        assert http_sign(status, repeatable=True) is Sign.AWAY
        assert http_sign(status, repeatable=False) is Sign.UNCERTAIN
    for status in (200, 400, 401, 403, 404, 408, 429, 500, 501):
        assert http_sign(status, repeatable=True) is None
    assert is_network_error(ConnectionRefusedError())
    assert is_network_error(OSError(113, "No route to host"))
    assert not is_network_error(OSError(28, "No space left on device"))
    assert not is_network_error(PermissionError(13, "Permission denied"))
