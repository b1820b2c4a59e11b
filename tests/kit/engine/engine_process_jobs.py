"""Jobs of the tests that kill processes: what they did is noted in a file."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from worker_payment.kit.engine import Payload, processor


class Count(Payload):
    """Note a run of `text` in the file `notes`."""

    notes: str
    text: str
    seconds: float = 0.0


class Empty(Payload):
    """Nothing to say."""


@processor()
def count(payload: Count) -> None:
    """Take a while, then note this run."""
    time.sleep(payload.seconds)
    with Path(payload.notes).open("a") as notes:
        notes.write(f"{payload.text}\n")


@processor()
def kill_process(payload: Empty) -> None:
    """End the whole worker as the kernel would."""
    os.kill(os.getpid(), signal.SIGKILL)
