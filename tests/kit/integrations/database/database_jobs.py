"""Jobs of the database's tests: each writes rows that tell how often it took effect."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from worker_payment.kit.engine import (
    Backoff,
    Duplicate,
    JobContext,
    Payload,
    PermanentError,
    processor,
    provide,
)
from worker_payment.kit.integrations.database import Session, transaction
from worker_payment.kit.integrations.database.text import key_text

effects = Table(
    "effects",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("target", String(255), nullable=False, index=True),
    mysql_collate="utf8mb4_bin",
    mariadb_collate="utf8mb4_bin",
)
fast = Backoff(first=0.05, jitter=0)
steady = Backoff(first=0.3, factor=1.5, longest=3)
gate = threading.Event()  # holds `wait` up


class Work(Payload):
    """Something to do with a target."""

    target: str
    note: str | None = None


def _write(session: Session, payload: Work) -> None:
    session.execute(insert(effects).values(target=key_text(payload.target)))


@processor(attempts=3, backoff=fast, target=lambda payload: payload.target)
def write(payload: Work, session: Session) -> str:
    """Takes effect once per target."""
    _write(session, payload)
    return "written"


@processor(attempts=30, backoff=steady, target=lambda payload: payload.target)
def patient(payload: Work, session: Session) -> None:
    """As `write`, but goes on trying through an outage; takes a moment."""
    _write(session, payload)
    time.sleep(0.005)


class Killer:
    """Kills the process after the commit: it is asked for before the session, so left after it."""


@contextmanager
def killer(context: JobContext) -> Iterator[Killer]:
    """Kill it once: the note names a file that says so."""
    yield Killer()
    note = Path(context.payload.note or os.devnull)
    if not note.exists():
        note.touch()
        os.kill(os.getpid(), signal.SIGKILL)


provide(Killer, killer)


@processor(attempts=2, backoff=fast, target="{target}")
def lead(payload: Work, killer: Killer, session: Session, context: JobContext) -> None:
    """Write, and let two others write; fail or skip after that where the target says so."""
    _write(session, payload)
    for number in range(2):
        context.enqueue(plain_write, Work(target=f"{payload.target}-{number}"))
    if payload.target.endswith("fail"):
        raise PermanentError("no")
    if payload.target.endswith("skip"):
        raise Duplicate("done elsewhere")


@processor
def plain_write(payload: Work) -> None:
    """Write without a record, so that every run counts."""
    with transaction() as session:
        _write(session, payload)


@processor(attempts=2, backoff=fast, target=lambda payload: payload.target)
def fail(payload: Work, session: Session) -> None:
    """Writes, and then fails."""
    _write(session, payload)
    raise ValueError(f"cannot do {payload.note}")


@processor(attempts=2, backoff=fast, target=lambda payload: payload.target)
def mend(payload: Work, session: Session) -> None:
    """Fails unless somebody has repaired what was broken."""
    if not gate.is_set():
        raise PermanentError("broken")
    _write(session, payload)


@processor(timeout=1, attempts=1, target=lambda payload: payload.target)
def sleep(payload: Work, session: Session) -> None:
    """Runs into its time limit, after writing."""
    _write(session, payload)
    for _ in range(200):
        time.sleep(0.05)


@processor(attempts=3, backoff=fast, target=lambda payload: payload.target)
def wait(payload: Work, session: Session) -> None:
    """Holds its row until the gate opens."""
    _write(session, payload)
    gate.wait(20)


@processor(attempts=2, backoff=fast, target=lambda payload: payload.target)
def commits(payload: Work, session: Session) -> None:
    """Commits by itself and fails: the transaction is not its own to end."""
    _write(session, payload)
    session.commit()
    raise ValueError("after its own commit")


@processor(attempts=1, target=lambda payload: payload.target)
def rolls_back(payload: Work, session: Session) -> None:
    """Rolls back by itself and goes on as if nothing had happened."""
    _write(session, payload)
    session.rollback()


@processor(attempts=5, target=lambda payload: payload.target)
def collide(payload: Work, session: Session) -> None:
    """Locks two rows in the order its note says: two of these make a deadlock."""
    for name in (payload.note or "").split(","):
        session.execute(select(effects).where(effects.c.target == name).with_for_update())
        time.sleep(0.3)
    _write(session, payload)


@processor(attempts=1)
def plain(payload: Work) -> None:
    """Has no session, so no record."""
    raise PermanentError("never works")


@processor(attempts=1)
def free(payload: Work) -> str:
    """Needs no database."""
    return payload.target


class Rows(Payload):
    """Rows to write, one step each."""

    target: str
    count: int = 100
    each: int = 1  # rows in a step
    seconds: float = 0.0
    fails_at: int = 0  # a row before which the first attempt fails


@processor(attempts=3, backoff=fast, timeout=600, job_id="{target}")
def settle(payload: Rows, session: Session, context: JobContext) -> int:
    """Write every row once, whatever happens in between."""
    for number in range(context.state or 0, payload.count):
        if number == payload.fails_at and payload.fails_at and context.attempt == 1:
            raise ValueError("not yet")
        session.execute(insert(effects).values(target=f"{payload.target}-{number}"))
        if payload.seconds:
            time.sleep(payload.seconds)
        if (number + 1) % payload.each == 0:
            context.checkpoint(number + 1)
    return payload.count


@processor(attempts=1, job_id="{target}")
def settle_and_fail(payload: Rows, session: Session, context: JobContext) -> object:
    """Fail for good after a checkpoint and one more write, unless there is a checkpoint."""
    session.execute(insert(effects).values(target=payload.target))
    if context.state is None:
        context.checkpoint({"secret": "한글"})
        session.execute(insert(effects).values(target=payload.target))
        raise PermanentError("broken")
    return context.state


@processor(attempts=1, target="{target}")
def settle_after_rollback(payload: Work, session: Session, context: JobContext) -> None:
    """Roll back, write, and come to a checkpoint as if nothing had happened."""
    _write(session, payload)
    session.rollback()
    _write(session, payload)
    context.checkpoint(1)
