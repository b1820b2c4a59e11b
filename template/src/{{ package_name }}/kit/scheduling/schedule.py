"""A schedule: which job, when, with what payload, and what becomes of a missed run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from croniter import croniter

from ..engine import Payload, Processor

Missed = Literal["once", "skip"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """One job by the clock.

    Args:
        name: Unique name.
        processor: What runs.
        cron: Minute, hour, day of the month, month, day of the week.
        payload: Makes the payload from the time that the run is due, in the schedule's zone.
        timezone: The zone in which `cron` is meant.
        missed: What happens when no replica was there at the time: `once` runs the latest
            missed one when a replica is back, `skip` waits for the next.
    """

    name: str
    processor: Processor[Any, Any]
    cron: str
    payload: Callable[[datetime], Payload]
    timezone: ZoneInfo
    missed: Missed

    @property
    def key(self) -> str:
        """What its state is kept under: a changed definition begins anew."""
        return f"{self.name} {self.cron} {self.timezone.key}"

    def latest(self, moment: datetime) -> datetime:
        """When the newest run up to a moment was due."""
        # A second more: croniter looks strictly before.
        start = moment.astimezone(self.timezone).replace(microsecond=0) + timedelta(seconds=1)
        found: datetime = croniter(self.cron, start).get_prev(datetime)
        return found

    def following(self, moment: datetime) -> datetime:
        """When the next run after a moment is due."""
        start = moment.astimezone(self.timezone)
        found: datetime = croniter(self.cron, start).get_next(datetime)
        return found

    def job_id(self, payload: Payload, due: datetime) -> str:
        """The job's id: what the processor derives, else the schedule's name and the time."""
        name = re.sub(r"[^A-Za-z0-9_-]", "-", self.name)
        derived: str | None = self.processor.job_id_for(payload)
        return derived or f"{name}-{due.astimezone(UTC):%Y%m%dT%H%M%SZ}"


_registry: dict[str, Schedule] = {}


def schedule(
    processor: Processor[Any, Any],
    cron: str,
    payload: Callable[[datetime], Payload],
    *,
    timezone: str = "UTC",
    missed: Missed = "once",
    name: str | None = None,
) -> Schedule:
    """Run a processor by the clock. Declare it beside the processor.

    Args:
        processor: What runs.
        cron: Minute, hour, day of the month, month, day of the week.
        payload: Makes the payload from the time that the run is due.
        timezone: The zone in which `cron` is meant, for instance `Asia/Seoul`.
        missed: What happens when no replica was there at the time.
        name: Tells several schedules of one processor apart.

    Raises:
        ValueError: `cron` is none, or the name is taken.
        zoneinfo.ZoneInfoNotFoundError: There is no such zone.
    """
    if len(cron.split()) != 5 or not croniter.is_valid(cron):
        raise ValueError(f"{cron!r}: a schedule has minute, hour, day, month and day of the week")
    made = Schedule(name or processor.name, processor, cron, payload, ZoneInfo(timezone), missed)
    if made.name in _registry:
        raise ValueError(f"there is a schedule {made.name!r} already; give this one a name")
    _registry[made.name] = made
    return made


def schedules() -> list[Schedule]:
    """Every schedule that has been declared, by name."""
    return [_registry[name] for name in sorted(_registry)]
