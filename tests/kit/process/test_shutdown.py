"""Signals: real ones, sent to this process."""

from __future__ import annotations

import os
import signal
import time

import pytest

from support import eventually
from worker_payment.kit.process import shutdown
from worker_payment.kit.process.shutdown import on_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_drains_and_a_later_one_leaves_at_once(number, monkeypatch):
    monkeypatch.setattr(shutdown, "SAME", 0.2)
    calls = []
    with on_signals(calls.append):
        os.kill(os.getpid(), number)
        eventually(lambda: calls == [False])
        time.sleep(0.3)
        os.kill(os.getpid(), number)
        eventually(lambda: calls == [False, True])


def test_signals_within_a_second_are_one():
    """systemd and a supervisor send it to a child as well; a terminal to all of a group."""
    calls = []
    with on_signals(calls.append):
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(os.getpid(), number)
            time.sleep(0.1)
        eventually(lambda: calls)
    assert calls == [False]


def test_the_old_handlers_come_back():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with on_signals(lambda _: None):
        assert all(signal.getsignal(n) != old for n, old in zip(numbers, before, strict=True))
    assert [signal.getsignal(number) for number in numbers] == before


def test_nohup_is_respected():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with on_signals(lambda _: None):
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
