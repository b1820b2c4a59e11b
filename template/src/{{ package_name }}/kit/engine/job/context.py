"""What a processor can know about the attempt it is running, and say about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ..errors import PermanentError
from .payload import Payload
from .progress import Progress

Json: TypeAlias = "str | float | bool | Sequence[Json] | Mapping[str, Json] | None"
STATE_LIMIT = 65_536  # bytes of a checkpoint's state as JSON


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

    Args:
        state: State of the last checkpoint, as JSON.
    """

    def __init__(self, state: str | None = None) -> None:
        self._state = state
        self._keeper: StateKeeper | None = None

    @property
    def draining(self) -> bool:
        """Whether the attempt should come to an end."""
        return False

    @property
    def state(self) -> str | None:
        """The state of the last checkpoint, as JSON."""
        return self._state if self._keeper is None else self._keeper.state

    def keep_state_in(self, keeper: StateKeeper) -> None:
        """Keep the state elsewhere from now on."""
        self._keeper = keeper

    def checkpoint(self, state: str) -> None:
        """Keep a state."""
        self._state = state
        if self._keeper is not None:
            self._keeper.save(state, last=False)

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
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise PermanentError(
        "a checkpoint waits for its store and would hold up every other coroutine: "
        "await asyncio.to_thread(context.checkpoint, state)"
    )
