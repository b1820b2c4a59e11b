"""The worker's one trip to Redis: outcomes in, jobs out (see scripts/exchange.lua)."""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from pydantic_core import to_json
from redis import Redis
from rq.queue import Queue

from . import keys
from .claim import Claim
from .scripts import load
from .split_call import SplitCall

NOT_OURS = 0  # code of an outcome, beside 1: stored
REQUEUED, LIMIT_REACHED, GONE = 1, 2, 3  # codes of a release, beside 0: nothing to do
SHARE = 10  # of so many jobs that a worker takes, one comes from each lower queue that has any
_FRESH = 1.0  # seconds for which a key that was read is used
UNSERIALIZABLE = json.dumps("Unserializable return value")  # RQ's own placeholder


class Outcome:
    """A job that has just returned: what has to be stored.

    Args:
        claim: The delivery.
        result: What it returned, as JSON; None for nothing.
        result_ttl: Seconds that the job is kept.
    """

    __slots__ = ("_ended_at", "_result", "_result_ttl", "claim", "seconds")

    def __init__(self, claim: Claim, result: str | None, result_ttl: int) -> None:
        self.claim = claim
        self._result = result
        self._result_ttl = result_ttl
        self._ended_at = claim.clock()
        self.seconds = self._ended_at - claim.started_at  # that it ran

    def to_json(self) -> list[object]:
        """The form that exchange.lua reads."""
        claim = self.claim
        form: list[object] = [
            claim.queue.name,
            claim.job_id,
            claim.execution_id,
            self._result_ttl,
            claim.started_at,
            self._ended_at,
            f"{_second(int(self._ended_at))}.{int(self._ended_at % 1 * 1_000_000):06d}Z",
            None if self._result is None else b64encode(self._result.encode()).decode(),
            claim.order,
        ]
        if claim.leaves_traces or claim.publications:
            form.append((claim.progress or "") if claim.leaves_traces else None)
        if claim.publications:
            form.append([each.to_json() for each in claim.publications])
        return form


@lru_cache(4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


@dataclass(slots=True)
class Trade:
    """What a trip brought back; `due` in seconds from now.

    `more` says that the next trip may take jobs that this one could not, at once.
    """

    codes: list[int]
    claims: list[Claim]
    suspended: bool
    limited: list[tuple[str, str]]
    due: float | None
    more: bool


class OrderBook(Protocol):
    """Which jobs have a key, one of which runs at a time."""

    @property
    def table(self) -> Mapping[str, tuple[str, bool]]:
        """Function -> template with wire names, and whether a failed job keeps its key."""

    def read(self, data: bytes, /) -> tuple[str, bool]:
        """Return the key of a job, empty if it has none, and whether it keeps it after a failure."""


class Exchange:
    """Calls the Lua scripts for one worker.

    Args:
        connection: The worker's client, without retries of its own: a repeated claim would
            take jobs that nobody runs.
        queues: The worker's queues, most important first.
        worker: Name of the worker.
        orders: Which jobs have a key; None when none has.
        lease: Seconds by which asking for a job renews the worker's lease.
    """

    def __init__(
        self,
        connection: Redis,
        queues: Sequence[Queue],
        worker: str,
        orders: OrderBook | None = None,
        lease: int = 16,
    ) -> None:
        self.connection = connection
        self.queues = {queue.name: queue for queue in queues}
        self._worker = worker
        self._lease = lease
        self._token = secrets.token_hex(10)
        self._next = 0
        self._skew = 0.0  # seconds by which Redis' clock is ahead of ours
        self._fixed = {
            "prefix": keys.PREFIX,
            "worker": worker,
            "queues": list(self.queues),
            "share": SHARE,
            "token": self._token,
            "orders": orders.table if orders is not None and orders.table else None,
        }
        self._orders = orders
        self._read: dict[str, tuple[str, bool]] = {}  # keys of jobs that the script cannot read
        self._read_at = 0.0
        self._turns = [0] * len(self.queues)
        self._call = SplitCall(connection, load("exchange"))
        self._pass_on = connection.register_script(load("pass_on"))
        self._publish = connection.register_script(load("publish"))
        self._release = connection.register_script(load("release"))
        self._keep_if_owned = connection.register_script(load("keep_if_owned"))

    def trade(self, outcomes: Sequence[Outcome]) -> Trade:
        """Hand in outcomes, and take nothing.

        Raises:
            redis.exceptions.RedisError: The trip failed; it may have happened all the same.
        """
        self.ask(outcomes, [], free=0, promote=False)
        return self.answer()

    def ask(
        self, outcomes: Sequence[Outcome], over: Sequence[Claim], *, free: int, promote: bool
    ) -> None:
        """The first half of a trip: `answer` must follow before the next.

        Args:
            outcomes: Of jobs that returned.
            over: Deliveries that ended in another way.
            free: How many jobs to take.
            promote: Whether delayed jobs that are due are moved to their queue.

        Raises:
            redis.exceptions.RedisError: The trip failed; it may have happened all the same.
        """
        request = self._fixed | {
            "outcomes": [outcome.to_json() for outcome in outcomes],
            "over": [
                [claim.queue.name, claim.job_id, claim.execution_id, claim.order] for claim in over
            ],
            "seconds": sum(outcome.seconds for outcome in outcomes),
            "free": free,
            "turns": self._turns,
            "read": self._read,
            "first": self._next,
            "promote": promote,
        }
        self._next += max(free, 0)
        self._call.send(to_json(request))

    def answer(self) -> Trade:
        """The second half of a trip.

        Raises:
            redis.exceptions.RedisError: The trip failed; it may have happened all the same.
        """
        answer = self._call.receive()
        codes, jobs, suspended, limited, due, self._turns, more, unread, now, now_text = answer
        if self._orders is not None:
            self._keep_read(unread)
        self._skew = float(now) - time.time()
        return Trade(
            codes=codes,
            claims=[self._claim(job, now_text) for job in jobs],
            suspended=bool(suspended),
            limited=[(queue.decode(), job.decode()) for queue, job in limited],
            due=float(due) if due else None,
            more=bool(more),
        )

    def _keep_read(self, unread: Sequence[tuple[bytes, bytes]]) -> None:
        """Read the keys that the script could not read; they are of use for the next trips."""
        assert self._orders is not None
        if unread:
            self._read = {job.decode(): self._orders.read(data) for job, data in unread}
            self._read_at = time.monotonic()
        elif self._read and time.monotonic() - self._read_at > _FRESH:
            self._read = {}  # an id may mean another job by now

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
            queue=self.queues[queue.decode()],
            execution_id=execution.decode(),
            job_id=job.decode(),
            raw=raw,
            worker=self._worker,
            skew=self._skew,
        )

    def owns(self, claim: Claim) -> bool:
        """Whether a delivery is still ours; renews the lease if so."""
        return self._owned(claim)

    def keep(self, claim: Claim, name: str, value: str, *, advanced: bool = False) -> bool:
        """Write a field of a running job's hash, if the job is still ours; renews the lease.

        Args:
            claim: The delivery.
            name: The field; '' for none.
            value: Its value.
            advanced: The job has come further: it is not what brought its workers down.

        Returns:
            Whether it is ours, and was not canceled.
        """
        return self._owned(claim, name, value, int(advanced))

    def _owned(self, claim: Claim, *args: str | int) -> bool:
        names = [
            keys.STARTED + claim.queue.name,
            keys.WORKER + self._worker,
            keys.JOB + claim.job_id,
        ]
        return bool(self._keep_if_owned(keys=names, args=[claim.entry, self._lease, *args]))

    def pass_on_keys(self, queue: str, cursor: str) -> str:
        """Hand on the keys of jobs that were deleted or canceled while they held them.

        Args:
            queue: Whose keys.
            cursor: Where to go on looking, as the last call returned it; at first `0`.
        """
        request = {"prefix": keys.PREFIX, "queue": queue, "ended": None, "cursor": cursor}
        found: bytes = self._pass_on(args=[json.dumps(request)])[0]
        return found.decode()

    def publish(self, claim: Claim) -> None:
        """Publish what a job has enqueued; `ask` does so with the outcome."""
        for each in claim.publications:
            self._publish(args=[each.head, each.job_id, each.data])

    def read_job(self, job_id: str) -> dict[bytes, bytes]:
        """A job's hash as it stands in Redis."""
        raw: dict[bytes, bytes] = self.connection.hgetall(keys.JOB + job_id)  # type: ignore[assignment]
        return raw

    def release(
        self,
        entries: Iterable[tuple[str, str, str, str]],
        *,
        dead: bool = False,
        limit: int = 0,
        certain: bool = False,
    ) -> list[int]:
        """Put running jobs back to the front of their queues.

        Args:
            entries: (queue, job id, execution id, worker) of each.
            dead: They belong to workers believed dead; each such delivery counts.
            limit: How many such deliveries a job may have before it is left to this worker
                to be failed.
            certain: Whether the workers are gone for so long that their jobs may be failed.
        """
        listed = [
            {"queue": queue, "job": job, "execution": execution, "worker": worker}
            for queue, job, execution, worker in entries
        ]
        if not listed:
            return []
        request = {
            "prefix": keys.PREFIX,
            # LPUSH turns the order round: the oldest job must be pushed last.
            "entries": listed[::-1],
            "dead": dead,
            "limit": limit,
            "certain": certain,
            "heir": self._worker,
        }
        codes: list[int] = self._release(args=[json.dumps(request)])
        return codes[::-1]
