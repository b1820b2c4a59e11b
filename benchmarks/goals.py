"""What the comparison shall show, and whether it did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import (
    DISTANT,
    NOOP_5,
    NOOP_50,
    PARKED,
    SLEEP_10,
    SLEEP_100,
    SLEEP_300,
    THROUGHPUT,
    WAITING,
)

if TYPE_CHECKING:
    from report import Results

OURS, OURS_LOGGING, DRAMATIQ, BULLMQ = "ours", "ours-logging", "dramatiq", "bullmq"
CLIENTS = ("clientpython", "clienttypescript")


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal and what was found.

    Args:
        text: What shall hold.
        value: The figure found; NaN when it was not measured.
        bound: What it is compared with.
        above: Whether it must be above the bound, else below.
        unit: Behind both numbers.
    """

    text: str
    value: float
    bound: float
    above: bool = True
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Reached, not reached, or not measured."""
        if math.isnan(self.value) or math.isnan(self.bound):
            return "not measured"
        reached = self.value >= self.bound if self.above else self.value <= self.bound
        return "reached" if reached else "not reached"

    def line(self) -> str:
        """A line of the list of goals."""
        word = "at least" if self.above else "at most"
        found, bound = number(self.value), number(self.bound)
        return f"- {self.text}: {found}{self.unit} ({word} {bound}{self.unit}): **{self.verdict}**"


def goals(results: Results) -> list[Goal]:
    """The goals, judged by these results."""
    return [
        *_beside_bullmq(results),
        *_of_one(results, OURS, "without log lines"),
        *_of_one(results, OURS_LOGGING, "logging as shipped"),
        *_logging(results),
        *_far(results),
        *_waiting(results),
    ]


def _beside_bullmq(results: Results) -> Iterator[Goal]:
    bounds = {NOOP_5.key: 1.0, NOOP_50.key: 1.0, "publish-single": 1.2, "publish-bulk": 1.0}
    for case, bound in bounds.items():
        ratio = _ratio(results, case, BULLMQ)
        yield Goal(f"{case}, without log lines, by BullMQ", ratio, bound, unit=" times")
    for client in CLIENTS:
        for case in ("publish-single", "publish-bulk"):
            text = f"{case}, {results.titles.get(client, client)}, by BullMQ"
            yield Goal(text, _ratio(results, case, BULLMQ, client), bounds[case], unit=" times")
    start = results.median(NOOP_5.key, OURS, "start_s")
    yield Goal("first job, without log lines", start, 0.6, above=False, unit=" s")


def _of_one(results: Results, key: str, label: str) -> Iterator[Goal]:
    for case, bound in ((NOOP_5, 2.5), (NOOP_50, 1.5)):
        ratio = _ratio(results, case.key, DRAMATIQ, key)
        yield Goal(f"{case.title}, {label}, by Dramatiq", ratio, bound, unit=" times")
    for peer in (DRAMATIQ, BULLMQ):
        ratio = _ratio(results, SLEEP_10.key, peer, key)
        text = f"{SLEEP_10.title}, {label}, by {results.titles.get(peer, peer)}"
        yield Goal(text, ratio, 1.0, unit=" times")
    for case in (SLEEP_100, SLEEP_300):
        share = results.median(case.key, key, "rate") / case.limit * 100
        yield Goal(f"{case.title}, {label}, of the limit", share, 98, unit=" %")
    for delays, what, most in (
        ("latency", "idle latency", 3),
        *(
            (case, f"lateness with {count:,} parked", 100 if count else 15)
            for case, count in PARKED.items()
        ),
        ("retries", "lateness of retries", 15),
        ("schedules", "lateness of schedules", 15),
    ):
        found = results.median(delays, key, "p99_ms")
        yield Goal(f"{what}, p99, {label}", found, most, above=False, unit=" ms")
    memory = results.median(NOOP_50.key, key, "memory_mb")
    yield Goal(f"peak memory at 50, {label}", memory, 55, above=False, unit=" MB")


def _logging(results: Results) -> Iterator[Goal]:
    for case in THROUGHPUT:
        share = 100 / _ratio(results, case.key, OURS_LOGGING)
        yield Goal(f"{case.title}, logging as shipped by without", share, 75, unit=" %")


def _far(results: Results) -> Iterator[Goal]:
    peers = [key for key in results.titles if not key.startswith((OURS, *CLIENTS))]
    for case in DISTANT:
        if case.sleep:
            far = results.median(case.key, OURS, "rate")
            near = results.median(SLEEP_10.key, OURS, "rate")
            yield Goal(f"{case.title}, by next to it", far / near * 100, 90, unit=" %")
            ratios = (_ratio(results, case.key, peer) for peer in peers)
            ahead = min((each for each in ratios if not math.isnan(each)), default=math.nan)
            yield Goal(f"{case.title}, by the best peer", ahead, 1.0, unit=" times")


def _waiting(results: Results) -> Iterator[Goal]:
    few, many = WAITING
    for figure, label, bound in (
        ("rate", "no-op, 50 at once", 0.95),
        ("memory_mb", "peak memory", 1.05),
        ("stats_s", "time of `stats`", 1.1),
    ):
        ratio = results.median(many, OURS, figure) / results.median(few, OURS, figure)
        text = f"{label} with {WAITING[many]:,} jobs waiting, by {WAITING[few]:,}"
        yield Goal(text, ratio, bound, above=figure == "rate", unit=" times")


def _ratio(results: Results, case: str, peer: str, key: str = OURS) -> float:
    return results.median(case, key, "rate") / results.median(case, peer, "rate")


def number(value: float, unit: str = "") -> str:
    """Three digits, or a dash where nothing was measured."""
    if math.isnan(value):
        return "-"
    if value >= 100:  # noqa: PLR2004 - three digits are enough
        return f"{value:.0f}{unit}"
    return f"{value:.1f}{unit}" if value >= 10 else f"{value:.2f}{unit}"  # noqa: PLR2004
