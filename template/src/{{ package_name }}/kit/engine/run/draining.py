"""When running attempts should come to an end, although nobody interrupts them yet."""

from __future__ import annotations

import time

from ..store.claim import Claim

STOPS = "the worker stops"
NEAR = "its timeout is near"
_SHARE, _LONGEST = 0.1, 30.0  # of the timeout, and seconds, that this means


class Draining:
    """Knows whether the worker was told to stop, and how its lease stands.

    Args:
        lease: Seconds for which a renewal holds.
    """

    def __init__(self, lease: float) -> None:
        self.asked = False  # by a signal, or because the worker cannot go on
        self._lease = lease
        self._until = float("inf")
        self._lost_at = float("-inf")

    def renewed(self, sent: float) -> None:
        """Note a renewal. If it came too late, others may have taken what ran until now.

        Args:
            sent: When it was sent, by the monotonic clock.
        """
        if sent > self._until:
            self._lost_at = time.monotonic()
        self._until = sent + self._lease

    def reason(self, claim: Claim, since: float, timeout: float | None) -> str:
        """Say why an attempt should end; nothing when it may go on.

        Args:
            claim: What runs.
            since: When the attempt began, by the monotonic clock.
            timeout: Seconds it may take.
        """
        if self.asked:
            return STOPS
        now = time.monotonic()
        if now > self._until or since < self._lost_at:
            return "the worker lost its lease"
        if timeout is None or claim.deadline is None:
            return ""
        return NEAR if claim.deadline.at - now < min(_SHARE * timeout, _LONGEST) else ""
