"""Watching jobs: traces, metrics and error reports hear of every turn in a job's life here.

Observers belong to the process, as publishers do. Without one nothing is made and nobody is
called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Outcome = Literal["done", "duplicate", "retried", "snoozed", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Publication:
    """Jobs that are about to be published together.

    Args:
        queue: The queue's name.
        job_type: The processor's name.
        job_id: The job's id; None when there are several jobs.
        count: How many jobs.
        meta: Goes into `job.meta` of each; an observer may add to it. JSON types only.
    """

    queue: str
    job_type: str
    job_id: str | None
    count: int
    meta: dict[str, Any] = field(default_factory=dict)


class Attempt(NamedTuple):
    """One run of a job.

    Args:
        job_id: The job's id.
        job_type: The processor's name.
        queue: The queue it came from.
        number: Which attempt it is, counted from 1.
        worker: The worker's name.
        waited: Seconds between the last queueing and the start; None when nobody noted it.
        meta: The job's `meta`, as its publisher sent it; empty when it is not JSON.
    """

    job_id: str
    job_type: str
    queue: str
    number: int
    worker: str
    waited: float | None
    meta: Mapping[str, Any]


class Ending(NamedTuple):
    """How an attempt ended.

    Args:
        outcome: `retried` when another attempt follows, `snoozed` when the job asked to come back
            later, `failed` when it failed for good.
        seconds: How long it ran; 0 when it never began.
        error: What it raised.
    """

    outcome: Outcome
    seconds: float
    error: BaseException | None = None


class FailedJob(NamedTuple):
    """A job that failed for good.

    Error and traceback are short enough to be kept, and hold no characters that a database
    refuses.
    """

    job_id: str
    job_type: str
    path: str
    payload: Any
    queue: str
    attempts: int
    error: str
    traceback: str
    worker: str


class Observer:
    """Base of observers: each overrides what it is interested in, and is called for nothing else.

    All methods are called in the thread, and for coroutines in the context, in which the job is
    published or runs; they must be quick. What they raise is logged and costs no job.
    """

    def publishing(self, publication: Publication) -> AbstractContextManager[None]:  # noqa: ARG002
        """Opened around the publication."""
        return nullcontext()

    def attempt(self, attempt: Attempt) -> AbstractContextManager[None]:  # noqa: ARG002
        """Opened around an attempt, until its outcome is decided and logged."""
        return nullcontext()

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        """An attempt ended; called within its context, or without one if it never began."""

    def interrupted(self, queue: str, job_id: str) -> None:
        """A delivery ended without an outcome; the job is queued again, no attempt is spent."""

    def failed(self, job: FailedJob) -> None:
        """A job failed for good and is kept in Redis. Called after `ended`."""


_HOOKS = ("publishing", "attempt", "ended", "interrupted", "failed")
_observers: dict[str, list[Observer]] = {hook: [] for hook in _HOOKS}


def observe(observer: Observer) -> Callable[[], None]:
    """Let an observer watch what this process publishes and runs.

    Returns:
        Ends the watching.
    """
    kind = type(observer)
    hooks = [hook for hook in _HOOKS if getattr(kind, hook) is not getattr(Observer, hook)]
    for hook in hooks:
        _observers[hook].append(observer)

    def end() -> None:
        for hook in hooks:
            if observer in _observers[hook]:
                _observers[hook].remove(observer)

    return end


@contextmanager
def publishing(
    queue: str, job_type: str, job_id: str | None, count: int
) -> Iterator[dict[str, Any]]:
    """Tell observers of a publication; see `watched` for whether there are any.

    Yields:
        What they want in the jobs' `meta`.
    """
    publication = Publication(queue, job_type, job_id, count)
    with _open("publishing", lambda each: each.publishing(publication), job_id, job_type):
        yield publication.meta


def watched(hook: str) -> bool:
    """Whether anybody watches this: a method of `Observer`."""
    return bool(_observers[hook])


def attempt(made: Attempt) -> AbstractContextManager[None]:
    """The context in which an attempt runs."""
    return _open("attempt", lambda each: each.attempt(made), made.job_id, made.job_type)


def ended(finished: Attempt, ending: Ending) -> None:
    """Tell observers how an attempt ended."""
    _tell(
        "ended",
        lambda each: each.ended(finished, ending),
        finished.job_id,
        finished.job_type,
    )


def interrupted(queue: str, job_id: str) -> None:
    """Tell observers that a delivery ended without an outcome."""
    _tell("interrupted", lambda each: each.interrupted(queue, job_id), job_id)


def failed(job: FailedJob) -> None:
    """Tell observers of a job that failed for good."""
    _tell("failed", lambda each: each.failed(job), job.job_id, job.job_type)


def _tell(
    hook: str, call: Callable[[Observer], None], job_id: str, job_type: str | None = None
) -> None:
    for observer in tuple(_observers[hook]):
        try:
            call(observer)
        except Exception as error:
            _complain(observer, error, job_id, job_type)


@contextmanager
def _open(
    hook: str,
    make: Callable[[Observer], AbstractContextManager[None]],
    job_id: str | None,
    job_type: str,
) -> Iterator[None]:
    """Enter a context of every observer."""
    with ExitStack() as stack:
        for observer in tuple(_observers[hook]):
            try:
                context = make(observer)
                context.__enter__()
            except Exception as error:
                _complain(observer, error, job_id, job_type)
            else:
                stack.push(_guarded(observer, context, job_id, job_type))
        yield


def _guarded(
    observer: Observer,
    context: AbstractContextManager[None],
    job_id: str | None,
    job_type: str,
) -> Callable[[Any, Any, Any], None]:
    """What leaves an observer's context, whatever that raises."""

    def leave(*exc_info: Any) -> None:
        try:
            context.__exit__(*exc_info)
        except Exception as error:
            _complain(observer, error, job_id, job_type)

    return leave


def _complain(
    observer: Observer, error: Exception, job_id: str | None, job_type: str | None
) -> None:
    """Log what an observer has raised; a line that cannot be written is not worth a job."""
    import structlog  # noqa: PLC0415 - who only publishes need not load it

    try:
        structlog.get_logger("engine").error(
            "observer.error",
            observer=type(observer).__name__,
            jobId=job_id,
            jobType=job_type,
            exc_info=error,
        )
    except Exception:
        pass
