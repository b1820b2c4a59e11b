"""One job, one transaction: the session of an attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ...engine import (
    Duplicate,
    JobContext,
    OutageError,
    PermanentError,
    Processor,
    Snooze,
)
from ...engine.errors import AttemptReturned
from . import MAIN
from .declared import Instance
from .errors import DoneBeforeError, TakenOverError
from .instances import Instances, instances
from .records import JobRecord, Taken, finish, record_failure, take
from .steps import Steps

log = structlog.get_logger(__name__)


@contextmanager
def own_transaction(instance: str) -> Iterator[Session]:
    """See `transaction`, which owners import."""
    shared = instances()
    _refuse_while_away(shared, instance)
    try:
        with Session(shared.engine(instance)) as session, session.begin():
            yield session
    except SQLAlchemyError as error:
        meant = shared.meaning(instance, error)
        if meant is error:
            raise
        raise meant from error


@contextmanager
def job_session(context: JobContext, *extras: object) -> Iterator[Session]:
    """The session of one attempt, in one transaction with its record.

    Args:
        context: The attempt.
        extras: May hold the `Instance` to use.

    Raises:
        Duplicate: The job's target is done.
        UnfinishedError: Another job goes on with the target.
        TakenOverError: Another worker has gone on with it.
        ConflictError: The database broke the transaction because of another one.
        BusyError: A lock was not free in time.
        OutageError: The database is away.
    """
    _refuse_event_loop()
    shared, name = instances(), instance_name(extras)
    _refuse_while_away(shared, name)
    engine = shared.engine(name)
    record, taken = JobRecord.of(context, shared.worker), None
    try:
        with engine.connect() as connection:
            taken = take(connection, record)
            # `rollback_only`: a commit() of the processor's own must not end the transaction.
            with Session(connection, join_transaction_mode="rollback_only") as session:
                steps = Steps(connection, session, taken)
                context.link.keep_state_in(steps)
                yield session
                steps.flush()
                finish(connection, steps.taken, context.link.packed(None))
                connection.commit()
    except DoneBeforeError as reason:
        context.link.adopt(reason.kept)
        raise
    except (Duplicate, Snooze, AttemptReturned, TakenOverError):
        context.link.roll_back()
        raise
    except BaseException as error:
        context.link.roll_back()
        meant = shared.meaning(name, error)
        if not isinstance(meant, OutageError):
            _count_failure(context, name, record, meant, taken)
        if meant is error:
            raise
        raise meant from error


def instances_of(processor: Processor[Any, Any]) -> Iterator[str]:
    """The instances that a processor's parameters name."""
    for resource in processor.resources:
        if resource.kind is Session:
            yield instance_name(resource.extras)


def _refuse_while_away(shared: Instances, name: str) -> None:
    breaker = shared.breaker(name)
    if breaker.is_open:
        raise breaker.error()


def instance_name(extras: tuple[object, ...]) -> str:
    """The instance that an annotation names."""
    return next((each.name for each in extras if isinstance(each, Instance)), MAIN)


def _count_failure(
    context: JobContext,
    instance: str,
    record: JobRecord,
    error: BaseException,
    taken: Taken | None,
) -> None:
    try:
        record_failure(instances().engine(instance), record, error, taken)
    except Exception as other:  # the job's own error matters more
        log.warning("records.failure", jobId=context.job_id, error=type(other).__name__)


def _refuse_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise PermanentError(
        "a coroutine cannot have a Session, which would hold up all the others: "
        "write the processor as a plain `def`"
    )
