"""Limits of calls a second and a day, shared by all replicas."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from ..shared_state import SharedState
from .errors import QuotaSpentError
from .result_codes import ResultCode

KST = timezone(timedelta(hours=9), "KST")
_LATE = 60.0  # seconds after midnight, for clocks that do not agree
_KEPT = 2 * 24 * 3600.0  # seconds that a day's count is kept


class Limits:
    """Guards the calls of one account.

    Args:
        state: Shared with the other replicas.
        rate: Calls a second; 0 for no limit.
        patience: Seconds to wait for a turn at most.
        clock: Seconds since 1970.
    """

    def __init__(
        self, state: SharedState, rate: float, patience: float, clock: Callable[[], float]
    ) -> None:
        self._state = state
        self._rate = rate
        self._patience = patience
        self._clock = clock

    def enter(self, operation: str, budget: int) -> None:
        """Take one call from the limits, waiting for its turn.

        Args:
            operation: What has a quota of its own.
            budget: Calls a day; 0 for no budget.

        Raises:
            QuotaSpentError: Not today.
            TemporaryError: Too many wait for this second already.
        """
        if self._state.note(self._spent(operation)):
            raise self.tomorrow(operation)
        day = f"{operation}:{self._today():%Y%m%d}"
        if budget and not self._state.spend(day, budget, _KEPT):
            raise QuotaSpentError(
                f"the budget of {budget} calls a day is spent", retry_after=self._until_tomorrow()
            )
        self._state.wait_turn("calls", self._rate, self._patience)

    def hold(self, seconds: float) -> None:
        """Stop the calls of all replicas for this long."""
        self._state.pause("calls", seconds)

    def stop(self, operation: str) -> QuotaSpentError:
        """Remember that the service counts the quota as spent, and return the error for it."""
        self._state.keep(self._spent(operation), {"code": "22"}, self._until_tomorrow())
        return self.tomorrow(operation)

    def tomorrow(self, operation: str) -> QuotaSpentError:
        """Return the error for a quota that is spent."""
        return QuotaSpentError(
            f"the day's quota of {operation.partition('@')[0]} is spent",
            code=ResultCode.QUOTA_SPENT,
            retry_after=self._until_tomorrow(),
        )

    def _spent(self, operation: str) -> str:
        return f"quota:{operation}:{self._today():%Y%m%d}"

    def _today(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), KST)

    def _until_tomorrow(self) -> float:
        now = self._today()
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - now).total_seconds() + _LATE
