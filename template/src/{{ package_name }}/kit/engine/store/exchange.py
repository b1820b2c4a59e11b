"""The worker's one trip to Redis: outcomes in, jobs out (see scripts/exchange.lua)."""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis
from rq.queue import Queue
from rq.utils import utcformat

from . import keys
from .claim import Claim
from .scripts import load
from .split_call import SplitCall

STORED, NOT_OURS, HAS_DEPENDENTS = 1, 0, 2
REQUEUED, NOTHING, LIMIT_REACHED = 1, 0, 2
_UNSERIALIZABLE = "Unserializable return value"  # RQ's own placeholder


@dataclass(slots=True)
class Outcome:
    """A job that returned: what has to be stored."""

    claim: Claim
    result: object
    result_ttl: int
    ended: datetime

    @property
    def seconds(self) -> float:
        """How long the job ran."""
        return (self.ended - self.claim.started).total_seconds()

    def to_json(self) -> list[object]:
        """The form that exchange.lua reads."""
        claim = self.claim
        return [
            claim.queue.name,
            claim.job_id,
            claim.execution_id,
            self.result_ttl,
            claim.started.timestamp(),
            self.ended.timestamp(),
            f"{self.ended.replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
            None if self.result is None else _encode(self.result),
        ]


def _encode(result: object) -> str:
    try:
        raw = json.dumps(result).encode()
    except (TypeError, ValueError, RecursionError):
        raw = json.dumps(_UNSERIALIZABLE).encode()
    return b64encode(raw).decode()


@dataclass(slots=True)
class Trade:
    """What a trip brought back."""

    codes: list[int]
    claims: list[Claim]
    suspended: bool
    limited: list[tuple[str, str]]
    due: float | None


class Exchange:
    """Calls the Lua scripts for one worker.

    Args:
        connection: The worker's client, without retries of its own: a repeated claim would
            take jobs that nobody runs.
        queues: The worker's queues, most important first.
        worker: Name of the worker.
        longest: The longest timeout in seconds of any processor, -1 for no limit.
        hold: Seconds added to it before other tools may call a running job abandoned.
    """

    def __init__(
        self, connection: Redis, queues: Sequence[Queue], worker: str, longest: int, hold: int
    ) -> None:
        self.connection = connection
        self._queues = {queue.name: queue for queue in queues}
        self._worker = worker
        self._token = secrets.token_hex(10)
        self._next = 0
        self._now = ""  # when the last trip was asked for, in RQ's format
        self._fixed = {
            "prefix": keys.PREFIX,
            "worker": worker,
            "queues": list(self._queues),
            "longest": longest,
            "hold": hold,
            "token": self._token,
        }
        self._call = SplitCall(connection, load("exchange"))
        self._release = connection.register_script(load("release"))
        self._renew_if_owned = connection.register_script(load("renew_if_owned"))

    def trade(self, outcomes: Sequence[Outcome], *, free: int, promote: bool) -> Trade:
        """Hand in outcomes and take up to `free` jobs.

        Raises:
            redis.exceptions.RedisError: The trip failed; it may have happened all the same.
        """
        self.ask(outcomes, free=free, promote=promote)
        return self.answer()

    def ask(self, outcomes: Sequence[Outcome], *, free: int, promote: bool) -> None:
        """The first half of a trip: `answer` must follow before the next.

        Raises:
            redis.exceptions.RedisError: The trip failed; it may have happened all the same.
        """
        self._now = utcformat(datetime.now(UTC))
        request = self._fixed | {
            "now": time.time(),
            "now_text": self._now,
            "outcomes": [outcome.to_json() for outcome in outcomes],
            "seconds": sum(outcome.seconds for outcome in outcomes),
            "free": free,
            "first": self._next,
            "promote": promote,
        }
        self._next += max(free, 0)
        self._call.send(json.dumps(request))

    def answer(self) -> Trade:
        """The second half of a trip.

        Raises:
            redis.exceptions.RedisError: The trip failed; it may have happened all the same.
        """
        codes, jobs, suspended, limited, due = self._call.receive()
        now = self._now.encode()
        return Trade(
            codes=codes,
            claims=[self._claim(job, now) for job in jobs],
            suspended=bool(suspended),
            limited=[(queue.decode(), job.decode()) for queue, job in limited],
            due=float(due) if due else None,
        )

    def hang_up(self) -> None:
        """Drop the connection that the trips take; the next trip opens another."""
        self._call.close()

    def _claim(self, answer: tuple[bytes, bytes, bytes, list[bytes]], now: bytes) -> Claim:
        queue, execution, job, pairs = answer
        items = iter(pairs)
        raw = dict(zip(items, items, strict=True))
        # What the script wrote after it had read the hash.
        raw[b"status"] = b"started"
        raw[b"started_at"] = raw[b"last_heartbeat"] = now
        raw[b"worker_name"] = self._worker.encode()
        return Claim(
            queue=self._queues[queue.decode()],
            execution_id=execution.decode(),
            job_id=job.decode(),
            raw=raw,
            worker=self._worker,
        )

    def owns(self, claim: Claim, lease: int) -> bool:
        """Whether a delivery is still ours; renews the lease if so."""
        return bool(
            self._renew_if_owned(
                keys=[keys.STARTED + claim.queue.name, keys.WORKER + self._worker],
                args=[claim.entry, lease],
            )
        )

    def read_job(self, job_id: str) -> dict[bytes, bytes]:
        """A job's hash as it stands in Redis."""
        raw: dict[bytes, bytes] = self.connection.hgetall(keys.JOB + job_id)  # type: ignore[assignment]
        return raw

    def release(
        self, entries: Iterable[tuple[str, str, str, str]], *, dead: bool = False, limit: int = 0
    ) -> list[int]:
        """Put running jobs back to the front of their queues.

        Args:
            entries: (queue, job id, execution id, worker) of each.
            dead: They belong to workers believed dead; each such delivery counts.
            limit: How many such deliveries a job may have before it is left to this worker
                to be failed.
        """
        listed = [
            {"queue": queue, "job": job, "execution": execution, "worker": worker}
            for queue, job, execution, worker in entries
        ]
        if not listed:
            return []
        request = {
            "prefix": keys.PREFIX,
            "now_text": utcformat(datetime.now(UTC)),
            # LPUSH turns the order round: the oldest job must be pushed last.
            "entries": listed[::-1],
            "dead": dead,
            "limit": limit,
            "heir": self._worker,
        }
        codes: list[int] = self._release(args=[json.dumps(request)])
        return codes[::-1]
