"""What a running attempt says to the engine and hears from it: the other side of `JobContext`."""

from __future__ import annotations

import time

from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException

from ..background import Pause, may_heal
from ..errors import AttemptReturned
from ..job.context import AttemptLink
from ..job.progress import Progress
from ..store import keys
from ..store.claim import Claim
from . import journal
from .draining import NEAR
from .endings import Endings

_LOOK = 2.0  # seconds between two looks whether a job whose state is kept elsewhere is still ours


class Link(AttemptLink):
    """The link of an attempt in a worker."""

    def __init__(self, claim: Claim, timeout: float | None, endings: Endings) -> None:
        raw = claim.raw.get(b"checkpoint")
        published_at = claim.raw.get(b"created_at", b"").decode()
        super().__init__(None if raw is None else raw.decode(), published_at)
        claim.publications = self.publications
        self._claim = claim
        self._timeout = timeout
        self._endings = endings
        self._since = time.monotonic()
        self._look_at = self._since + _LOOK
        self._first: str | None = None  # the state that the attempt began with
        self._begun = False

    @property
    def draining(self) -> bool:
        """Whether the attempt should come to an end."""
        return bool(self._reason())

    def progress(self, progress: Progress) -> None:
        """Show how far the attempt has come."""
        self._endings.progress.say(self._claim, progress.to_json())

    def checkpoint(self, state: str) -> None:
        """Keep a state, and end the attempt there if it should come to an end.

        Raises:
            AttemptReturned: The attempt ends here.
            JobTimeoutException: Its time is about to end, and it has come no further.
        """
        if not self._begun:
            self._begun, self._first = True, self.state
        reason = self._reason()
        advanced = state != self._first
        packed = self.packed(state) or state
        if self._keeper is None:
            self._keep(packed, advanced=advanced)
        else:
            self._keeper.save(packed, last=bool(reason))
            self._look(advanced=advanced)
        self._kept(state)
        if not reason:
            return
        if reason == NEAR and not advanced:
            raise JobTimeoutException(
                f"in its timeout of {self._timeout} seconds the job came to no new checkpoint"
            )
        raise AttemptReturned(reason)

    def _reason(self) -> str:
        return self._endings.draining.reason(self._claim, self._since, self._timeout)

    def _keep(self, state: str, *, advanced: bool) -> None:
        """Keep a state in Redis, however long Redis is away."""
        pause = Pause()
        while True:
            try:
                self._write(keys.CHECKPOINT, state, advanced=advanced)
            except RedisError as error:
                if not may_heal(error):
                    raise
                journal.redis_lost(error)
                if self._endings.leaving.wait(pause.grow()) or self._reason():
                    raise AttemptReturned("the worker stops while Redis is away") from None
            else:
                break
        self._claim.raw[b"checkpoint"] = state.encode()

    def _look(self, *, advanced: bool) -> None:
        """Tell Redis now and then that a job comes further which is kept elsewhere."""
        now = time.monotonic()
        if now < self._look_at and not (advanced and self._claim.interruptions):
            return
        self._look_at = now + _LOOK
        try:
            self._write("", "", advanced=advanced)
        except RedisError:
            pass  # the state is safe; who owns the job shows when its outcome is stored

    def _write(self, name: str, value: str, *, advanced: bool) -> None:
        claim = self._claim
        if not self._endings.exchange.keep(claim, name, value, advanced=advanced):
            raise AttemptReturned("the job is no longer this worker's, or was canceled")
        if advanced:
            claim.raw.pop(keys.INTERRUPTIONS.encode(), None)
