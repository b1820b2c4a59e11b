"""What a processor can know about the attempt it is running, and say about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ..errors import PermanentError
from .payload import P, Payload
from .prepared import Prepared, Published, Receipt, prepare
from .progress import Progress
from .publish import default_publisher

Json: TypeAlias = "str | float | bool | Sequence[Json] | Mapping[str, Json] | None"
STATE_LIMIT = 65_536  # bytes of a checkpoint's state as JSON
_PACKED = "+"  # begins what is kept when there is more than a state; JSON never begins so


class StateKeeper(Protocol):
    """Where checkpoints are kept instead of Redis, for instance in the job's transaction."""

    @property
    def state(self) -> str | None:
        """The last state as JSON."""

    def save(self, state: str, *, last: bool) -> None:
        """Keep a state.

        Args:
            state: As JSON.
            last: Whether the attempt ends here.
        """


class AttemptLink:
    """The engine's side of an attempt. This one serves attempts outside a worker: tests, calls.

    What is kept of an attempt is its state, together with the jobs that it will publish, if any.

    Args:
        kept: What the last checkpoint kept.
        published_at: When the job was published, which tells it from a later one with its id.
    """

    def __init__(self, kept: str | None = None, published_at: str = "") -> None:
        self.publications: list[Prepared] = []
        self._published_at = published_at
        self._keeper: StateKeeper | None = None
        self.state = self._unpack(kept)

    @property
    def draining(self) -> bool:
        """Whether the attempt should come to an end."""
        return False

    def keep_state_in(self, keeper: StateKeeper) -> None:
        """Keep the state elsewhere from now on."""
        self._keeper = keeper
        self.state = self._unpack(keeper.state)

    def checkpoint(self, state: str) -> None:
        """Keep a state."""
        if self._keeper is not None:
            self._keeper.save(self.packed(state) or state, last=False)
        self._kept(state)

    def packed(self, state: str | None) -> str | None:
        """What is to be kept: a state, and the jobs that the attempt will publish."""
        if not self.publications:
            return state
        jobs = [each.to_json() for each in self.publications]
        return _PACKED + json.dumps([jobs, state, self._published_at], ensure_ascii=False)

    def roll_back(self) -> None:
        """Publish nothing that was enqueued since the last checkpoint."""
        del self.publications[self._safe :]

    def adopt(self, kept: str | None) -> None:
        """Publish what this same job was about to publish when its worker died."""
        if kept and kept.startswith(_PACKED):
            jobs, _, published_at = json.loads(kept.removeprefix(_PACKED))
            if published_at == self._published_at:
                self.publications[:] = [Prepared.of_json(each) for each in jobs]

    def _kept(self, state: str) -> None:
        self.state = state
        self._safe = len(self.publications)

    def _unpack(self, kept: str | None) -> str | None:
        if kept and kept.startswith(_PACKED):
            jobs, kept, _ = json.loads(kept.removeprefix(_PACKED))
            self.publications[:] = [Prepared.of_json(each) for each in jobs]
        self._safe = len(self.publications)
        return kept

    def progress(self, progress: Progress) -> None:
        """Show how far the attempt has come."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a processor can know about the attempt it is running, and say about it.

    A processor that wants it names a parameter of this type.
    """

    job_id: str
    job_type: str
    attempt: int
    attempts: int
    queue: str
    payload: Payload
    target: str | None = None
    link: AttemptLink = field(default_factory=AttemptLink, repr=False, compare=False)

    @property
    def draining(self) -> bool:
        """Whether the attempt should come to an end at the next good moment.

        True from the first signal on, when the worker has lost its lease, and in the last tenth
        of the timeout, at most 30 s. Costs no trip to Redis.
        """
        return self.link.draining

    @property
    def state(self) -> Any:
        """The state of the last checkpoint, also one of an earlier attempt; None without one."""
        kept = self.link.state
        return None if kept is None else json.loads(kept)

    def enqueue(
        self,
        processor: Published[P],
        payload: P,
        *,
        job_id: str | None = None,
        delay: float = 0.0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
        queue: str | None = None,
    ) -> str:
        """Publish a job when this one has succeeded, and its transaction has committed.

        Nothing is published when this attempt fails or is rolled back; what an attempt has
        enqueued before a checkpoint is kept with it. It is published in the step that stores this
        job's outcome, so that a crash loses nothing.

        For the arguments and errors see `Processor.enqueue`; `delay` counts from the publication,
        and the queue is this job's by default.

        Returns:
            The job's id. Nothing is published if a job with this id waits or runs then.
        """
        made = prepare(
            queue or self.queue or default_publisher().queue,
            processor,
            payload,
            job_id=job_id,
            delay=delay,
            at_front=at_front,
            after=after,
        )
        self.link.publications.append(made)
        return made.job_id

    def checkpoint(self, state: Json) -> None:
        """Keep a state for the next attempt, after a drain, a crash, a retry or a replay.

        With a `Session` this commits what was written together with the state. While `draining`
        the attempt ends here: the job goes back to the front of its queue, and no attempt is spent.
        Near the timeout one is spent if the state is still the one that the attempt began with.

        In a coroutine: `await asyncio.to_thread(context.checkpoint, state)`.

        Args:
            state: JSON of at most 64 KB. It is never logged.

        Raises:
            PermanentError: The state is no JSON or too large, or this is the event loop's thread.
        """
        _refuse_event_loop()
        self.link.checkpoint(_encoded(state))

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Show how far the attempt has come, in `stats` and to publishers.

        It costs no trip to Redis: what was said last is written about once a second, and at the
        end. An outage of Redis is no error.

        Args:
            done: How much is done.
            total: Of how much, where that is known.
            note: A few words, without personal data; shown and kept as they are.
        """
        self.link.progress(Progress.now(done, total, note))


def _encoded(state: Json) -> str:
    try:
        text = json.dumps(state, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        # Without the error's text: it may repeat a value.
        raise PermanentError(
            f"the state of a checkpoint must be JSON, and this {type(state).__name__} is not"
        ) from None
    if size > STATE_LIMIT:
        raise PermanentError(
            f"the state of a checkpoint has {size} bytes as JSON, and may have {STATE_LIMIT}:"
            " keep where the work stands, and the work itself elsewhere"
        )
    return text


def _refuse_event_loop() -> None:
    import asyncio  # noqa: PLC0415 - who publishes in threads need not load it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise PermanentError(
        "a checkpoint waits for its store and would hold up every other coroutine: "
        "await asyncio.to_thread(context.checkpoint, state)"
    )
