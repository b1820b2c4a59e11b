"""Jobs of the tests, which fail in every way."""

from __future__ import annotations

import logging
import os
import signal
import time

import structlog

from worker_payment.kit.engine import (
    Backoff,
    Duplicate,
    Payload,
    PermanentError,
    processor,
)
from worker_payment.kit.engine.worker import recovery

log = structlog.get_logger(__name__)

vars(recovery)["_CERTAIN"] = 2  # looks: a job that kills its workers is given up soon


class Order(Payload):
    """`{"customer": "...", "failures": 1}`"""

    customer: str = ""
    failures: int = 0


@processor(attempts=2, backoff=Backoff(first=0.1))
def stumble(payload: Order) -> None:
    """Fail each time."""
    log.info("order.seen", customer=payload.customer)
    free_text = f"an order of {payload.customer}"
    log.info(free_text)
    logging.getLogger("library").error("trouble with %s", payload.customer)
    raise ConnectionError("the other side is down")


@processor(attempts=5)
async def refuse(payload: Order) -> None:
    """Fail at once."""
    raise PermanentError("cannot be done")


@processor
def skip(payload: Order) -> None:
    """Done before."""
    raise Duplicate("done before")


@processor
def leak(payload: Order) -> None:
    """A message that holds a secret."""
    raise PermanentError("login failed: " + os.environ["TEST_PASSWORD"])


@processor(timeout=60)
def nap(payload: Order) -> None:
    """Take its time."""
    time.sleep(30)


@processor
def kill_worker(payload: Order) -> None:
    """Bring the worker down."""
    os.kill(os.getpid(), signal.SIGKILL)
