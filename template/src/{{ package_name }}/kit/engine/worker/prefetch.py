"""How many jobs are taken before a slot is free for them.

A slot that has ended a job would wait for the next trip to Redis, which for short jobs takes
longer than the job. So some jobs are taken ahead: no more than will get a slot within a moment,
going by how long jobs took lately. When that proves wrong, they go back to the front of their
queue, where another worker can take them.
"""

from __future__ import annotations

MOMENT = 0.04  # seconds within which a job taken ahead should get a slot
MOST = 64  # jobs taken ahead, or as many as there are slots: more make a trip no cheaper
PATIENCE = 0.1  # seconds without any news after which it is given back
GATHER = 0.005  # seconds at most that outcomes wait for others to share a trip
_LEAST = 0.001  # shorter ones would only cost a switch between threads
_WEIGHT = 0.1  # of the newest job in the average


class Prefetch:
    """The number of jobs to take ahead.

    Args:
        slots: How many jobs run at once. A worker that runs one at a time takes none ahead.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._seconds: float | None = None  # an average job's duration

    @property
    def count(self) -> int:
        """How many jobs may be taken beyond the free slots."""
        if self._slots == 1 or self._seconds is None:
            return 0
        most = max(self._slots, MOST)
        return int(min(self._slots * MOMENT / max(self._seconds, 1e-6), most))

    def spare(self, waiting: int) -> float:
        """Seconds that the next trip may wait, so that more outcomes share it.

        Args:
            waiting: Jobs that wait for a slot; half of them are left when the time is over.
        """
        if waiting <= 0 or self._seconds is None:
            return 0.0
        seconds = min(waiting * self._seconds / self._slots / 2, GATHER)
        return seconds if seconds >= _LEAST else 0.0

    def ended(self, seconds: float) -> None:
        """Learn from a job that has ended."""
        if self._seconds is None:
            self._seconds = seconds
        else:
            self._seconds += (seconds - self._seconds) * _WEIGHT

    def given_back(self) -> None:
        """Forget what is known: jobs take longer than it says."""
        self._seconds = None
