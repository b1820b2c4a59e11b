"""The cases of the comparison, and how each is run once."""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contenders import Contender, Home
from measuring import LINE, TRACE, BenchmarkError, Watch, running
from workers import Server, empty_database, far_away

Figures = dict[str, float]

_WARM_UP = 0.05  # share of the jobs that is not counted
_BOOT = 4.0  # seconds of jobs kept in reserve while several processes start
_SPIN = 30  # thousands of steps: about 3 ms
_SPIN_RATE = 150  # such jobs per second and processor, roughly; for the first run
_WARM_UP_JOBS, _GAP = 10, 0.03  # of the latency case; the gap in seconds
_DELAY = 1.0  # seconds, of the lateness cases
_SCHEDULES, _MINUTES = 50, 2  # of the schedules' lateness: jobs in each minute
_MOST_PUBLISHED = 100_000  # jobs
_LIMIT = 60.0  # seconds before a run is given up


@dataclass(frozen=True, slots=True)
class Throughput:
    """Jobs that all wait in the queue when the worker starts.

    Args:
        key: Short name.
        title: Name in the tables.
        concurrency: Jobs at once.
        sleep: Seconds that each job waits, 0 for none.
        distance: Milliseconds that a round trip between worker and server takes longer.
    """

    key: str
    title: str
    concurrency: int
    sleep: float = 0.0
    distance: float = 0.0

    @property
    def limit(self) -> float:
        """Jobs per second that no worker can pass; infinity for the no-op."""
        return self.concurrency / self.sleep if self.sleep else math.inf


NOOP_5 = Throughput("noop-5", "no-op, 5 at once", 5)
NOOP_50 = Throughput("noop-50", "no-op, 50 at once", 50)
SLEEP_10 = Throughput("10ms-50", "10 ms, 50 at once", 50, 0.01)
SLEEP_100 = Throughput("100ms-50", "100 ms, 50 at once", 50, 0.1)
SLEEP_300 = Throughput("300ms-5", "300 ms, 5 at once", 5, 0.3)
THROUGHPUT = [NOOP_5, NOOP_50, SLEEP_10, SLEEP_100, SLEEP_300]
DISTANT = [
    replace(case, key=f"{case.key}-far-{ms}", title=f"{case.title}, {ms} ms away", distance=ms)
    for case in (NOOP_50, SLEEP_10)
    for ms in (1, 5)
]
SCALING = [1, 2, 4]  # processes
PARKED = {"lateness": 0, "lateness-parked": 100_000}  # jobs that wait for a later time
WAITING = {"waiting-few": 30_000, "waiting-million": 1_000_000}  # jobs that wait for a slot


@dataclass
class Bench:
    """Runs cases against one server.

    Args:
        server: The Redis-compatible server; emptied before each run.
        folder: For the files of the runs.
        seconds: How long the counted part of a run shall last.
        homes: Where each contender is installed.
        postgres: The database of those whose queue is in one; emptied likewise.
    """

    server: Server
    folder: Path
    seconds: float
    homes: dict[str, Home]
    postgres: Any
    rates: dict[tuple[str, str], float] = field(default_factory=dict)

    def throughput(self, contender: Contender, case: Throughput) -> Figures:
        """Jobs per second, CPU per job, peak memory, and the time to the first job's end."""
        slots = contender.slots(case.concurrency)
        reach = min(contender.rate, slots / case.sleep if case.sleep else math.inf)
        rate = self.rates.get((contender.key, case.key), reach)
        figures = self._throughput(contender, case, slots, rate)
        if figures["seconds"] < self.seconds / 2 and not case.sleep:
            figures = self._throughput(contender, case, slots, figures["rate"])
        self.rates[contender.key, case.key] = figures["rate"]
        return figures

    def _throughput(
        self, contender: Contender, case: Throughput, slots: int, rate: float
    ) -> Figures:
        # The first jobs start together, before the clock: counting them would lift sleeping
        # jobs above what is possible. So the clock starts when a full set of slots has ended.
        warm_up = _whole_rounds(max(slots, rate * self.seconds * _WARM_UP), slots)
        count = warm_up + _whole_rounds(max(rate * self.seconds, 2 * slots), slots)
        mode = "sleep" if case.sleep else "count"
        self._empty(contender)
        self._publish(contender, "fill", count, mode, case.sleep)
        with (
            far_away(self._port(contender), case.distance) as port,
            self._worker(contender, case.concurrency, 1, TRACE, port) as watch,
        ):
            begin = watch.until(warm_up, limit=_LIMIT)
            end = watch.until(count, limit=_LIMIT)
            jobs, seconds = end.done - begin.done, end.at - begin.at
            if jobs <= 0:
                raise BenchmarkError("too few jobs to measure")
            return {
                "rate": jobs / seconds,
                "cpu_ms": (end.tree.cpu - begin.tree.cpu) / jobs * 1000,
                "memory_mb": watch.memory / 2**20,
                "start_s": watch.first or math.nan,
                "seconds": seconds,
                "jobs": jobs,
            }

    def latency(self, contender: Contender, count: int) -> Figures:
        """Milliseconds from publishing to the start of the job, on an idle worker."""
        self._empty(contender)
        return self._delays(contender, count, "trickle", _GAP)

    def lateness(self, contender: Contender, count: int, parked: int) -> Figures:
        """Milliseconds from the time a delayed job is due to its start, on an idle worker.

        Args:
            contender: Whose.
            count: Jobs.
            parked: Jobs that wait for a later time meanwhile.
        """
        self._empty(contender)
        if parked:
            self._publish(contender, "park", parked)
        return self._delays(contender, count, "later", _GAP, _DELAY)

    def retries(self, contender: Contender, count: int) -> Figures:
        """Milliseconds from the time that a failed job named to its next start, some at a time."""
        self._empty(contender)
        with self._worker(contender, 5, 1, LINE) as watch:
            for done in range(0, count + _WARM_UP_JOBS, _WARM_UP_JOBS):
                self._publish(contender, "again", _WARM_UP_JOBS, _DELAY)
                watch.until(done + _WARM_UP_JOBS, limit=_LIMIT)
            return _percentiles(watch.lines()[_WARM_UP_JOBS:])

    def schedules(self, contender: Contender) -> Figures:
        """Milliseconds from a full minute to the start of the jobs scheduled for it."""
        self._empty(contender)
        scheduled = replace(
            contender,
            variables=lambda *args: (
                contender.variables(*args) | {"BENCH_SCHEDULES": str(_SCHEDULES)}
            ),
        )
        with self._worker(scheduled, 5, 1, LINE) as watch:
            watch.until(_MINUTES * _SCHEDULES, limit=_LIMIT * (_MINUTES + 1))
            return _percentiles(watch.lines())

    def waiting(self, contender: Contender, count: int) -> Figures:
        """Throughput and memory at 50 slots, and seconds of `stats`, with so many jobs waiting."""
        self._empty(contender)
        self._publish(contender, "fill", count, "count", 0)
        command = contender.stats(self.homes[contender.key])
        stats = min(self._time(command, contender) for _ in range(3))
        with self._worker(contender, 50, 1, TRACE) as watch:
            begin = watch.until(1000, limit=_LIMIT)
            first = begin.done
            while begin.at + self.seconds > time.monotonic() and watch.done() < count:
                time.sleep(0.01)
            end = watch.until(min(watch.done(), count), limit=_LIMIT)
            jobs, seconds = end.done - first, end.at - begin.at
            return {
                "rate": jobs / seconds,
                "memory_mb": watch.memory / 2**20,
                "stats_s": stats,
                "jobs": jobs,
            }

    def _time(self, command: list[str], contender: Contender) -> float:
        environment = os.environ | self._environment(contender)
        start = time.monotonic()
        done = subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, check=False
        )
        if done.returncode:
            raise BenchmarkError(f"{command[-1]} failed: {done.stderr[-2000:]!r}")
        return time.monotonic() - start

    def _delays(self, contender: Contender, count: int, *command: object) -> Figures:
        word, *options = command
        with self._worker(contender, 5, 1, LINE) as watch:
            self._publish(contender, word, _WARM_UP_JOBS, *options)
            watch.until(_WARM_UP_JOBS, limit=_LIMIT)
            self._publish(contender, word, count, *options)
            watch.until(_WARM_UP_JOBS + count, limit=_LIMIT)
            return _percentiles(watch.lines()[_WARM_UP_JOBS:])

    def scaling(self, contender: Contender, processes: int) -> Figures:
        """Jobs per second that compute for some milliseconds, over several processes."""
        alone = self.rates.get((contender.key, "scaling"), _SPIN_RATE)
        rate = alone * min(processes, os.cpu_count() or 1)
        reserve = rate * (0.5 if processes == 1 else _BOOT)  # done before all have started
        total = round(reserve + rate * self.seconds)
        self._empty(contender)
        self._publish(contender, "fill", total, "spin", _SPIN)
        with self._worker(contender, 1, processes, LINE) as watch:
            begin = watch.until_processes(processes, limit=_LIMIT)
            end = watch.until(total, limit=_LIMIT)
        jobs, seconds = end.done - begin.done, end.at - begin.at
        if processes == 1:
            self.rates[contender.key, "scaling"] = jobs / seconds
        return {"rate": jobs / seconds, "memory_mb": watch.memory / 2**20, "jobs": jobs}

    def publishing(self, contender: Contender, *, bulk: bool) -> Figures:
        """Jobs per second that one process publishes."""
        count = 500
        while True:
            self._empty(contender)
            way = "bulk" if bulk else "single"
            seconds = float(self._publish(contender, "rate", count, way))
            if seconds >= self.seconds / 4 or count > _MOST_PUBLISHED:
                return {"rate": count / seconds, "jobs": count}
            count = round(count * min(50, max(2, self.seconds / 2 / seconds)))

    def _empty(self, contender: Contender) -> None:
        if contender.database:
            empty_database(self.postgres)
            self._publish(contender, "fill", 0, "count", 0)  # its publishing side makes the tables
        else:
            self.server.client.flushall()

    def _port(self, contender: Contender) -> int:
        return int((self.postgres if contender.database else self.server).port)

    def _environment(self, contender: Contender, port: int | None = None) -> dict[str, str]:
        port = port or self._port(contender)
        redis = f"redis://127.0.0.1:{port}/0"
        return self.homes[contender.key].environment | {  # a system reads one of the addresses
            "REDIS_URL": redis,
            "RQ_REDIS_URL": redis,
            "BENCH_DATABASE": f"postgresql://postgres@127.0.0.1:{port}/bench",
            "WORKER_QUEUE": "bench",
            "WORKER_HEALTH_FILE": str(self.folder / "health"),
            "BENCH_FILE": str(self.folder / "jobs"),
        }

    @contextmanager
    def _worker(
        self,
        contender: Contender,
        concurrency: int,
        processes: int,
        size: int,
        port: int | None = None,
    ) -> Iterator[Watch]:
        command = contender.command(self.homes[contender.key], concurrency, processes)
        variables = contender.variables(concurrency, processes)
        environment = self._environment(contender, port) | variables
        with running(command, environment, self.folder, size) as watch:
            yield watch

    def _publish(self, contender: Contender, *arguments: object) -> str:
        command = [*self.homes[contender.key].publisher, *(str(each) for each in arguments)]
        environment = os.environ | self._environment(contender)
        done = subprocess.run(
            command,
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=2 * _LIMIT,
            check=False,
        )
        if done.returncode:
            raise BenchmarkError(f"publishing failed: {done.stderr[-2000:]}")
        return done.stdout


def _percentiles(seconds: list[float]) -> Figures:
    delays = sorted(seconds)
    return {
        "p50_ms": delays[len(delays) // 2] * 1000,
        "p99_ms": delays[math.ceil(len(delays) * 0.99) - 1] * 1000,
        "jobs": len(delays),
    }


def _whole_rounds(jobs: float, slots: int) -> int:
    """At least so many jobs, as whole sets of slots."""
    return math.ceil(jobs / slots) * slots
