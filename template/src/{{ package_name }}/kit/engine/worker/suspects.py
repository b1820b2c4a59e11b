"""Jobs under suspicion of bringing their workers down run alone, one at a time.

When a worker dies, nobody knows which of its jobs was to blame. A job that was there each time,
as often as the limit says, runs once more with no other beside it: then it is clear.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..store.claim import Claim


class Suspects:
    """Holds back one suspect until nothing else runs.

    Args:
        limit: Deliveries that may end with their worker's death before a job is a suspect.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._claim: Claim | None = None
        self._started = False

    @property
    def present(self) -> bool:
        """Whether a suspect runs or waits here: no other job may be taken."""
        return self._claim is not None

    def part(self, claims: Iterable[Claim]) -> tuple[list[Claim], list[Claim]]:
        """Keep a suspect back.

        Returns:
            Claims that may start, and claims that must go back: one suspect is enough.
        """
        innocent, more = [], []
        for claim in claims:
            if claim.interruptions < self._limit:
                innocent.append(claim)
            elif self._claim is None:
                self._claim, self._started = claim, False
            else:
                more.append(claim)
        return innocent, more

    def release(self, running: Collection[str]) -> Claim | None:
        """Return the suspect if it may start now.

        Args:
            running: Entries of all claims that run here, the suspect's among them.
        """
        if self._claim is None or self._started or len(running) > 1:
            return None
        self._started = True
        return self._claim

    def waiting(self) -> list[Claim]:
        """Return the suspect if it has not started."""
        return [] if self._claim is None or self._started else [self._claim]

    def forget(self, running: Collection[str]) -> bool:
        """Return whether the suspect has ended, or was given back."""
        if self._claim is None or self._claim.entry in running:
            return False
        self._claim = None
        return True
