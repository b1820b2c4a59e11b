"""What the comparison found: tables in Markdown, all figures in JSON, a plot in SVG, the goals."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import plot
from cases import (
    DISTANT,
    NOOP_5,
    NOOP_50,
    PARKED,
    SCALING,
    SLEEP_10,
    SLEEP_100,
    SLEEP_300,
    THROUGHPUT,
    Figures,
    Throughput,
)

OURS, OURS_LOGGING, DRAMATIQ, BULLMQ = "ours", "ours-logging", "dramatiq", "bullmq"


@dataclass
class Results:
    """Every figure of every round.

    Args:
        titles: Names of the contenders by key.
        versions: Their versions.
        rounds: Planned rounds.
        seconds: Planned length of a run.
    """

    titles: dict[str, str]
    versions: dict[str, str]
    rounds: int
    seconds: float
    figures: dict[str, dict[str, list[Figures]]] = field(default_factory=dict)

    def add(self, case: str, contender: str, figures: Figures) -> None:
        """Take what one run found."""
        self.figures.setdefault(case, {}).setdefault(contender, []).append(figures)

    @property
    def complete(self) -> int:
        """Rounds in which every case was measured that any round measured."""
        return min(
            (max(map(len, by_contender.values())) for by_contender in self.figures.values()),
            default=0,
        )

    def median(self, case: str, contender: str, figure: str) -> float:
        """The median over the rounds; NaN when there is none."""
        runs = self.figures.get(case, {}).get(contender, [])
        return statistics.median(run[figure] for run in runs) if runs else math.nan


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
        found, bound = _number(self.value), _number(self.bound)
        return f"- {self.text}: {found}{self.unit} ({word} {bound}{self.unit}): **{self.verdict}**"


def goals(results: Results) -> list[Goal]:
    """The goals, judged by these results."""
    rate = {
        (case.key, key): results.median(case.key, key, "rate")
        for case in THROUGHPUT
        for key in (OURS, OURS_LOGGING, DRAMATIQ, BULLMQ)
    }
    found = []
    for key, label in ((OURS, "without log lines"), (OURS_LOGGING, "logging as shipped")):
        for case, bound in ((NOOP_5, 2.5), (NOOP_50, 1.5)):
            ratio = rate[case.key, key] / rate[case.key, DRAMATIQ]
            found.append(Goal(f"{case.title}, {label}, by Dramatiq", ratio, bound, unit=" times"))
        for peer in (DRAMATIQ, BULLMQ):
            ratio = rate[SLEEP_10.key, key] / rate[SLEEP_10.key, peer]
            text = f"{SLEEP_10.title}, {label}, by {results.titles.get(peer, peer)}"
            found.append(Goal(text, ratio, 1.0, unit=" times"))
        for case in (SLEEP_100, SLEEP_300):
            share = rate[case.key, key] / case.limit * 100
            found.append(Goal(f"{case.title}, {label}, of the limit", share, 98, unit=" %"))
        latency = results.median("latency", key, "p99_ms")
        found.append(Goal(f"idle latency p99, {label}", latency, 3, above=False, unit=" ms"))
        for parked, bound in zip(PARKED, (15, 100), strict=True):
            late = results.median(parked, key, "p99_ms")
            text = f"lateness p99 with {PARKED[parked]:,} parked, {label}"
            found.append(Goal(text, late, bound, above=False, unit=" ms"))
        memory = results.median(NOOP_50.key, key, "memory_mb")
        found.append(Goal(f"peak memory at 50, {label}", memory, 55, above=False, unit=" MB"))
    for case in THROUGHPUT:
        share = rate[case.key, OURS_LOGGING] / rate[case.key, OURS] * 100
        found.append(Goal(f"{case.title}, logging as shipped by without", share, 75, unit=" %"))
    for case in DISTANT:
        if case.sleep:
            far, near = (results.median(each.key, OURS, "rate") for each in (case, SLEEP_10))
            found.append(Goal(f"{case.title}, by next to it", far / near * 100, 90, unit=" %"))
    return found


def write(results: Results, folder: Path) -> str:
    """Write peers.md, peers.json and peers.svg, and return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(results)
    (folder / "peers.md").write_text(text, encoding="utf-8")
    (folder / "peers.json").write_text(
        json.dumps(_document(results), indent=1) + "\n", encoding="utf-8"
    )
    picture = plot.bars(
        [
            (
                case.title,
                [
                    (results.titles[key], value)
                    for key in results.titles
                    if not math.isnan(value := results.median(case.key, key, "rate"))
                ],
                case.limit,
            )
            for case in THROUGHPUT
        ]
    )
    (folder / "peers.svg").write_text(picture, encoding="utf-8")
    return f"{text}\nWritten to {folder}: peers.md, peers.json, peers.svg"


def markdown(results: Results) -> str:
    """The tables and the goals."""
    parts = [
        _machine(),
        f"Medians of {results.complete} interleaved rounds, {results.seconds:g} s per run.\n",
        "### Throughput\n\n" + _throughput_table(results, THROUGHPUT),
        "### Ratios\n\n" + _ratio_table(results, THROUGHPUT),
        _distance_tables(results),
        _other_table(results),
        _scaling_table(results),
        "### Goals\n\n" + "\n".join(goal.line() for goal in goals(results)) + "\n",
    ]
    return "\n".join(part for part in parts if part)


def _distance_tables(results: Results) -> str:
    if not any(case.key in results.figures for case in DISTANT):
        return ""
    heads = "### The server far away: a round trip takes 1 or 5 ms longer\n\n"
    return f"{heads}{_throughput_table(results, DISTANT)}\n{_ratio_table(results, DISTANT)}"


def _throughput_table(results: Results, cases: list[Throughput]) -> str:
    rows = []
    for key, title in results.titles.items():
        cells = []
        for case in cases:
            rate = results.median(case.key, key, "rate")
            cpu = results.median(case.key, key, "cpu_ms")
            cells.append("-" if math.isnan(rate) else f"{_number(rate)}; {cpu:.2f}")
        rows.append([f"{title} {results.versions[key]}", *cells])
    heads = ["jobs/s; CPU ms per job", *(case.title for case in cases)]
    return _table(heads, rows)


def _ratio_table(results: Results, cases: list[Throughput]) -> str:
    rows = [
        [
            title,
            *(
                _times(
                    results.median(case.key, OURS, "rate") / results.median(case.key, key, "rate")
                )
                for case in cases
            ),
        ]
        for key, title in results.titles.items()
        if key != OURS
    ]
    heads = ["gen-worker without log lines, by", *(case.title for case in cases)]
    return _table(heads, rows)


def _other_table(results: Results) -> str:
    heads = [
        *("", "peak MB at 5", "peak MB at 50", "first job after", "latency p50; p99 ms"),
        *("lateness of delayed jobs", "with 100,000 parked", "published/s, single", "in bulk"),
    ]
    rows = [
        [
            title,
            _number(results.median(NOOP_5.key, key, "memory_mb")),
            _number(results.median(NOOP_50.key, key, "memory_mb")),
            _number(results.median(NOOP_5.key, key, "start_s"), " s"),
            *(
                f"{_number(results.median(case, key, 'p50_ms'))}; "
                + _number(results.median(case, key, "p99_ms"))
                for case in ("latency", *PARKED)
            ),
            _number(results.median("publish-single", key, "rate")),
            _number(results.median("publish-bulk", key, "rate")),
        ]
        for key, title in results.titles.items()
    ]
    return "### Memory, start, latency, publishing\n\n" + _table(heads, rows)


def _scaling_table(results: Results) -> str:
    keys = [key for key in results.titles if key in results.figures.get("scaling-1", {})]
    if not keys:
        return ""
    rows = []
    for key in keys:
        rates = [results.median(f"scaling-{count}", key, "rate") for count in SCALING]
        rows.append(
            [results.titles[key], *(f"{_number(r)} ({_times(r / rates[0])})" for r in rates)]
        )
    heads = ["jobs/s of about 3 ms of computing", *(f"{n} processes" for n in SCALING)]
    return "### Scaling\n\n" + _table(heads, rows)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    measured = [row for row in rows if any(set(cell) - set("-; ") for cell in row[1:])]
    lines = [heads, ["---"] * len(heads), *measured]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _number(value: float, unit: str = "") -> str:
    if math.isnan(value):
        return "-"
    if value >= 100:  # noqa: PLR2004 - three digits are enough
        return f"{value:.0f}{unit}"
    return f"{value:.1f}{unit}" if value >= 10 else f"{value:.2f}{unit}"  # noqa: PLR2004


def _times(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}x"


def _machine() -> str:
    kind = f"{platform.system()} {platform.machine()}"
    return f"{kind}, {os.cpu_count()} cores, Python {platform.python_version()}."


def _document(results: Results) -> dict[str, object]:
    return {
        "machine": _machine(),
        "rounds": results.rounds,
        "seconds": results.seconds,
        "contenders": {
            key: {"title": title, "version": results.versions[key]}
            for key, title in results.titles.items()
        },
        "figures": results.figures,
        "goals": [
            {
                "text": goal.text,
                "value": _plain(goal.value),
                "bound": _plain(goal.bound),
                "verdict": goal.verdict,
            }
            for goal in goals(results)
        ],
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
