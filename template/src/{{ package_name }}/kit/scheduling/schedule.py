"""A schedule: which job, when, with what payload, and what becomes of a missed run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from ..engine import Payload, Processor

if TYPE_CHECKING:
    from croniter import croniter

Missed = Literal["once", "skip"]

_CHANGE = timedelta(hours=2)  # more than clocks are ever changed by
_STEPS = (("minutes", 59), ("hours", 23), ("days", 31), ("months", 12), ("days of the week", 7))
_RANDOM = re.compile(r"(^|[\s,])[RH]([\s,/(]|$)", re.IGNORECASE)  # croniter's own, drawn each time


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is published at fixed times.

    Args:
        name: Unique name.
        processor: What runs.
        cron: Minute, hour, day of the month, month, day of the week.
        payload: Makes the payload from the time that the run is due, in the schedule's zone.
        timezone: The zone in which `cron` is meant.
        missed: What happens when no replica was there at the time: `once` runs the latest
            missed one when a replica is back, `skip` waits for the next.
        queue: Where it is published; None for the worker's own queue.
    """

    name: str
    processor: Processor[Any, Any]
    cron: str
    payload: Callable[[datetime], Payload]
    timezone: ZoneInfo
    missed: Missed
    queue: str | None = None

    @property
    def key(self) -> str:
        """Return what its state is kept under: a changed definition starts afresh."""
        return f"{self.name} {self.cron} {self.timezone.key}"

    def latest(self, moment: datetime) -> datetime:
        """Return when the newest run up to a moment was due."""
        wall, around = self._wall(moment), self._around(moment)
        runs = _runs(self.cron, wall + around + timedelta(seconds=1))  # it looks strictly before
        found: list[datetime] = []
        while True:
            run = runs.get_prev(datetime)
            found += [each for each in self._instants(run) if each <= moment]
            if found and run <= wall - around:
                return max(found).astimezone(self.timezone)

    def following(self, moment: datetime) -> datetime:
        """Return when the next run after a moment is due."""
        wall, around = self._wall(moment), self._around(moment)
        runs = _runs(self.cron, wall - around)
        found: list[datetime] = []
        while True:
            run = runs.get_next(datetime)
            found += [each for each in self._instants(run) if each > moment]
            if found and run >= wall + around:
                return min(found).astimezone(self.timezone)

    def _wall(self, moment: datetime) -> datetime:
        """Return what clocks on the wall show, without a zone: `cron` is meant by them."""
        return moment.astimezone(self.timezone).replace(tzinfo=None, fold=0, microsecond=0)

    def _around(self, moment: datetime) -> timedelta:
        """Return how far runs may be from their order on the wall: while clocks are changed."""
        near = (moment - _CHANGE, moment, moment + _CHANGE)
        offsets = {each.astimezone(self.timezone).utcoffset() for each in near}
        return _CHANGE if len(offsets) > 1 else timedelta()

    def _instants(self, run: datetime) -> list[datetime]:
        """Return when a time on the wall comes, in UTC.

        In the hour that is repeated in autumn it comes twice: a run every so many minutes or hours
        goes on in both, one at a fixed time has its one run in the first. A time that is skipped
        in spring comes when the clocks have been changed, unless the job runs every hour anyway.
        """
        first, second = (self._at(run, fold) for fold in (0, 1))
        if first < second:
            return [first, second] if self._is_interval() else [first]
        if first > second and self._is_hourly():
            return []
        while first.astimezone(self.timezone).replace(tzinfo=None) != run:
            run += timedelta(minutes=1)
            first = self._at(run, 0)
        return [first]

    def _at(self, run: datetime, fold: int) -> datetime:
        return run.replace(tzinfo=self.timezone, fold=fold).astimezone(UTC)

    def _is_interval(self) -> bool:
        minute, hour, *_ = self.cron.split()
        return self._is_hourly() or minute.startswith("*") or hour.startswith("*")

    def _is_hourly(self) -> bool:
        hours: list[Any] = _runs(self.cron, datetime.now(UTC)).expanded[1]
        return hours == ["*"]

    def job_id(self, payload: Payload, due: datetime) -> str:
        """Return the id that the processor derives, else one of the schedule's name and the time."""
        name = re.sub(r"[^A-Za-z0-9_-]", "-", self.name)
        derived: str | None = self.processor.job_id_for(payload)
        return derived or f"{name}-{due.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _runs(cron: str, start: datetime) -> croniter:
    """Return what walks from run to run. A worker without schedules does not load the library."""
    from croniter import croniter  # noqa: PLC0415

    return croniter(cron, start)


_registry: dict[str, Schedule] = {}


def schedule(
    processor: Processor[Any, Any],
    cron: str,
    payload: Callable[[datetime], Payload],
    *,
    timezone: str = "UTC",
    missed: Missed = "once",
    name: str | None = None,
    queue: str | None = None,
) -> Schedule:
    """Run a processor at fixed times. Declare it beside the processor.

    Args:
        processor: What runs.
        cron: Minute, hour, day of the month, month, day of the week.
        payload: Makes the payload from the time that the run is due.
        timezone: The zone in which `cron` is meant, for instance `Asia/Seoul`.
        missed: What happens when no replica was there at the time.
        name: Tells several schedules of one processor apart.
        queue: Where it is published, where the worker serves several queues.

    Raises:
        ValueError: `cron` is not valid or never comes, or the name is taken.
        zoneinfo.ZoneInfoNotFoundError: There is no such zone.
    """
    from croniter import CroniterBadDateError, croniter  # noqa: PLC0415 - see `_runs`

    if len(cron.split()) != 5 or _RANDOM.search(cron) or not croniter.is_valid(cron):
        raise ValueError(f"{cron!r}: a schedule has minute, hour, day, month and day of the week")
    for part, (what, most) in zip(cron.split(), _STEPS, strict=True):
        step = max(map(int, re.findall(r"/(\d+)", part)), default=0)
        if step > most:  # `*/90` would run every hour, at minute 0
            raise ValueError(
                f"{cron!r}: a step of {step} is more than the {what} there are, {most}"
            )
    try:
        _runs(cron, datetime.now(UTC)).get_next()
    except CroniterBadDateError:
        raise ValueError(f"{cron!r}: there is no such day in any year") from None
    made = Schedule(
        name or processor.name, processor, cron, payload, ZoneInfo(timezone), missed, queue
    )
    if made.name in _registry:
        raise ValueError(f"there is a schedule {made.name!r} already; give this one a name")
    _registry[made.name] = made
    return made


def schedules() -> list[Schedule]:
    """Return every declared schedule, by name."""
    return [_registry[name] for name in sorted(_registry)]
