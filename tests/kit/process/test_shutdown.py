"""Signals: real ones, sent to this process."""

from __future__ import annotations

import os
import signal

import pytest

from support import eventually
from worker_payment.kit.process.shutdown import on_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_and_the_second_one_leaves_at_once(number):
    calls = []
    with on_signals(calls.append):
        os.kill(os.getpid(), number)
        eventually(lambda: calls == [False])
        os.kill(os.getpid(), number)
        eventually(lambda: calls == [False, True])


def test_the_old_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with on_signals(lambda _: None):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
