"""What a processor may raise, and what the engine makes of it."""

from __future__ import annotations


class JobError(Exception):
    """Base of every error that tells the engine how to go on with a job."""


class PermanentError(JobError):
    """Trying again cannot help: the job fails at once, whatever attempts are left."""


class TemporaryError(JobError):
    """Trying again may help: the job is retried by its policy.

    Args:
        message: What went wrong, without secrets or payload values.
        retry_after: Seconds to wait before the next attempt, when the other side named
            them (for instance HTTP `Retry-After`); otherwise the policy's backoff counts.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutageError(TemporaryError):
    """What the job needs is away: the job is parked and spends no attempt.

    Args:
        message: What is away, and why.
        retry_after: Seconds until it may be tried again.
        of: The name of what is away.
    """

    def __init__(self, message: str, *, retry_after: float = 5.0, of: str = "") -> None:
        super().__init__(message, retry_after=retry_after)
        self.of = of


class PayloadError(PermanentError):
    """The payload does not fit its contract. The message names fields, never values."""


class NewerPayloadError(TemporaryError):
    """The publisher knows a newer version of the payload; a newer worker has to take the job.

    The job is parked and spends no attempt, for a day; then the processor's policy counts.
    """


class UnknownJobError(PermanentError):
    """No processor of this worker bears the job's function name.

    Args:
        message: Which name.
        retry_after: Seconds until a newer worker is looked for, when one may know the name: the
            job is then parked as by `NewerPayloadError`.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Duplicate(JobError):  # noqa: N818 - no error: the work is done
    """The work of this job is done already: the job counts as success and is not run."""


class Snooze(JobError):  # noqa: N818 - no error: the job asks for another time
    """The job comes back later and spends no attempt.

    Args:
        seconds: Until it may run again.
        at_most: How often a job may snooze; once more, and it fails for good.
    """

    def __init__(self, seconds: float, *, at_most: int = 100) -> None:
        super().__init__(f"asked to come back in {seconds:g} s, which it may {at_most} times")
        self.seconds = seconds
        self.at_most = at_most


class AttemptReturned(BaseException):
    """Raised by a checkpoint to end the attempt there: the job goes back to its queue.

    It is no `Exception`, so that a processor's `except Exception` does not swallow it.
    """


class JobStopped(BaseException):
    """Raised inside a running job that somebody stopped (`rq` stop commands).

    It is no `Exception`, so that a processor's `except Exception` does not swallow it.
    """
