"""A job that the worker holds: RQ's Job, parsed only when somebody looks at it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from rq.executions import Execution
from rq.job import Job, Retry
from rq.queue import Queue
from rq.serializers import JSONSerializer

from . import keys
from .job_data import call_of, function_of

_CHECKPOINT, _SNOOZES = keys.CHECKPOINT.encode(), keys.SNOOZES.encode()


class LazyJob(Job):
    """RQ's job, restored from its hash at the first look at anything but id and key.

    Restoring costs as much as everything else the engine does for a job, and most jobs end
    without anyone asking.
    """

    def __init__(self, job_id: str, connection: Redis, raw: dict[bytes, bytes]) -> None:
        self.__dict__.update(_id=job_id, connection=connection, serializer=JSONSerializer, _raw=raw)

    def __getattr__(self, name: str) -> Any:
        if not self._restore():
            raise AttributeError(name)
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._restore()  # a later restore would undo what is set now
        super().__setattr__(name, value)

    def _restore(self) -> bool:
        raw = self.__dict__.pop("_raw", None)
        if raw is None:
            return False
        Job.__init__(self, self._id, connection=self.connection, serializer=JSONSerializer)
        self.restore(raw)
        return True


class Claim:
    """One delivery of a job to this worker.

    Args:
        queue: The queue it came from.
        execution_id: Id of this delivery; `entry` is the token of ownership in Redis.
        job_id: The job's id.
        raw: The job's hash as it stands in Redis.
        worker: Name of this worker.
        skew: Seconds by which Redis' clock is ahead of this machine's.
    """

    __slots__ = (
        "_settled",
        "_skew",
        "_waiting",
        "deadline",
        "entry",
        "execution_id",
        "job",
        "job_id",
        "progress",
        "publications",
        "queue",
        "raw",
        "started_at",
        "stopped",
        "task",
        "worker",
    )

    def __init__(
        self,
        queue: Queue,
        execution_id: str,
        job_id: str,
        raw: dict[bytes, bytes],
        worker: str,
        skew: float = 0.0,
    ) -> None:
        self.queue = queue
        self.execution_id = execution_id
        self.job_id = job_id
        self.entry = f"{job_id}:{execution_id}"
        self.raw = raw
        self.worker = worker
        self.job = LazyJob(job_id, queue.connection, raw)
        self._skew = skew
        self.started_at = 0.0  # seconds, when it was begun
        self.deadline: Any = None
        self.task: Any = None
        self.stopped = False
        self.progress: str | None = None  # said by the processor and not in Redis yet
        self.publications: Sequence[Any] = ()  # what it publishes when it has succeeded
        self._settled = [True]
        self._waiting = [True]

    def begin(self) -> bool:
        """Win the right to start it, or to give it back unstarted. True for one caller only."""
        try:
            self._waiting.pop()
        except IndexError:
            return False
        self.started_at = self.clock()
        return bool(self._settled)  # not when the worker has given it back and leaves

    def settle(self) -> bool:
        """Win the right to decide how this delivery ends. True for one caller only."""
        try:
            return self._settled.pop()
        except IndexError:
            return False

    def call(self) -> tuple[str, list[Any], dict[str, Any]]:
        """What shall be called: dotted path, positional and keyword arguments.

        Raises:
            DeserializationError: The job is not JSON.
        """
        return call_of(self.raw.get(b"data", b""))

    def function(self) -> str | None:
        """The dotted path alone, also of a job that is not JSON; None when there is none."""
        return function_of(self.raw.get(b"data", b""))

    def clock(self) -> float:
        """The time of Redis, in seconds."""
        return time.time() + self._skew

    def now(self) -> datetime:
        """The time of Redis, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    @property
    def started(self) -> datetime:
        """When it was begun, in UTC; now if it was not."""
        return datetime.fromtimestamp(self.started_at or self.clock(), UTC)

    def text(self, field: bytes) -> str:
        """A field of the job's hash, '' when it is absent."""
        return self.raw.get(field, b"").decode("utf-8", "replace")

    def number(self, field: bytes) -> int | None:
        """A numeric field of the job's hash, None when it is absent or no number."""
        found = self.raw.get(field)
        try:
            return int(float(found)) if found else None
        except (ValueError, OverflowError):
            return None

    def moment(self, field: bytes) -> datetime | None:
        """A time in the job's hash, in UTC where it names no zone; None when there is none."""
        try:
            found = datetime.fromisoformat(self.text(field))
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def meta(self) -> dict[str, Any]:
        """The job's `meta`; empty when there is none, or it is not JSON."""
        try:
            found = json.loads(self.raw.get(b"meta") or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def attempt(self) -> int:
        """Which attempt this delivery is, counted from 1."""
        return (self.number(b"number_of_retries") or 0) + 1

    @property
    def order(self) -> str:
        """The key that this job shares with others, '' when it has none."""
        return self.text(keys.ORDER_KEY.encode())

    @property
    def interruptions(self) -> int:
        """How many deliveries before this one ended with the death of their worker."""
        return self.number(keys.INTERRUPTIONS.encode()) or 0

    @property
    def snoozes(self) -> int:
        """How often the job has asked to come back later."""
        return self.number(keys.SNOOZES.encode()) or 0

    @property
    def leaves_traces(self) -> bool:
        """Whether its hash holds, or is to hold, what concerns unfinished jobs only."""
        return self.progress is not None or _CHECKPOINT in self.raw or _SNOOZES in self.raw

    @property
    def waited_ms(self) -> int | None:
        """Milliseconds between the last queueing and the start of this delivery."""
        enqueued = self.moment(b"enqueued_at")
        if enqueued is None:
            return None
        return max(0, round((self.started_at - enqueued.timestamp()) * 1000))

    def needs_rq(self, result: object) -> bool:
        """Whether RQ's own success handling is needed: anything beyond a plain return."""
        raw = self.raw
        return bool(
            isinstance(result, Retry)
            or raw.get(b"success_callback_name")
            or raw.get(b"webhooks")
            or raw.get(b"repeats_left")
            or raw.get(b"rate_limit_key")
            or raw.get(b"group_id")
        )

    def execution(self) -> Execution:
        """RQ's record of this delivery."""
        record = Execution(
            self.execution_id,
            self.job_id,
            connection=self.queue.connection,
            worker_name=self.worker,
        )
        record.created_at = record.last_heartbeat = self.started
        record._job = self.job
        return record
