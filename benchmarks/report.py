"""What the comparison found: tables in Markdown, all figures in JSON, a plot in SVG, the goals."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
    THROUGHPUT,
    WAITING,
    Figures,
    Throughput,
)
from goals import OURS, goals, number

_BEGIN, _END = "<!-- peers -->", "<!-- /peers -->"
_ON_PAGE = (NOOP_5, NOOP_50, SLEEP_10, SLEEP_100)


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


def write_into(results: Results, page: Path) -> None:
    """Renew the table of a document, between its two marks."""
    rows = []
    for key, title in results.titles.items():
        rates = [number(results.median(case.key, key, "rate")) for case in _ON_PAGE]
        cpu = results.median(NOOP_50.key, key, "cpu_ms")
        others = [
            "-" if math.isnan(cpu) else f"{cpu:.2f}",
            number(results.median(NOOP_50.key, key, "memory_mb")),
            number(results.median("latency", key, "p50_ms")),
            number(results.median("publish-single", key, "rate")),
            number(results.median("publish-bulk", key, "rate")),
        ]
        rows.append([f"{title} {results.versions[key]}", *rates, *others])
    heads = [
        *("", *(case.title for case in _ON_PAGE), "CPU ms per no-op at 50", "peak MB at 50"),
        *("idle latency, ms", "published/s", "in bulk"),
    ]
    said = f"{machine()} Rounds: {results.complete}, {results.seconds:g} s per run.\n"
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    text = f"{before}{_BEGIN}\n{said}\n{table(heads, rows)}{_END}{after}"
    page.write_text(text, encoding="utf-8")


def markdown(results: Results) -> str:
    """The tables and the goals."""
    parts = [
        machine(),
        f"Medians of {results.complete} interleaved rounds, {results.seconds:g} s per run.\n",
        "### Throughput\n\n" + _throughput_table(results, THROUGHPUT),
        "### Ratios\n\n" + _ratio_table(results, THROUGHPUT),
        _distance_tables(results),
        _other_table(results),
        _waiting_table(results),
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
            cells.append("-" if math.isnan(rate) else f"{number(rate)}; {cpu:.2f}")
        rows.append([f"{title} {results.versions[key]}", *cells])
    heads = ["jobs/s; CPU ms per job", *(case.title for case in cases)]
    return table(heads, rows)


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
    return table(heads, rows)


def _other_table(results: Results) -> str:
    heads = [
        *("", "peak MB at 5", "peak MB at 50", "first job after", "latency p50; p99 ms"),
        *("lateness of delayed jobs", "with 100,000 parked", "of retries", "of schedules"),
        *("published/s, single", "in bulk"),
    ]
    rows = [
        [
            title,
            number(results.median(NOOP_5.key, key, "memory_mb")),
            number(results.median(NOOP_50.key, key, "memory_mb")),
            number(results.median(NOOP_5.key, key, "start_s"), " s"),
            *(
                f"{number(results.median(case, key, 'p50_ms'))}; "
                + number(results.median(case, key, "p99_ms"))
                for case in ("latency", *PARKED, "retries", "schedules")
            ),
            number(results.median("publish-single", key, "rate")),
            number(results.median("publish-bulk", key, "rate")),
        ]
        for key, title in results.titles.items()
    ]
    return "### Memory, start, latency, publishing\n\n" + table(heads, rows)


def _waiting_table(results: Results) -> str:
    if not any(case in results.figures for case in WAITING):
        return ""
    rows = [
        [
            f"{count:,}",
            number(results.median(case, OURS, "rate")),
            number(results.median(case, OURS, "memory_mb")),
            number(results.median(case, OURS, "stats_s")),
        ]
        for case, count in WAITING.items()
    ]
    heads = ["jobs waiting", "no-op/s, 50 at once", "peak MB", "`stats`, s"]
    return f"### Many jobs waiting: {results.titles[OURS]}\n\n" + table(heads, rows)


def _scaling_table(results: Results) -> str:
    keys = [key for key in results.titles if key in results.figures.get("scaling-1", {})]
    if not keys:
        return ""
    rows = []
    for key in keys:
        rates = [results.median(f"scaling-{count}", key, "rate") for count in SCALING]
        rows.append(
            [results.titles[key], *(f"{number(r)} ({_times(r / rates[0])})" for r in rates)]
        )
    heads = ["jobs/s of about 3 ms of computing", *(f"{n} processes" for n in SCALING)]
    return "### Scaling\n\n" + table(heads, rows)


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown, without the rows in which nothing was measured."""
    measured = [row for row in rows if any(set(cell) - set("-; ") for cell in row[1:])]
    lines = [heads, ["---"] * len(heads), *measured]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _times(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}x"


def machine() -> str:
    """What this machine is, and the date."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    kind = f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores"
    today = datetime.now(UTC).date().isoformat()
    return f"{kind}, Python {platform.python_version()}, {today}."


def _document(results: Results) -> dict[str, object]:
    return {
        "machine": machine(),
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
