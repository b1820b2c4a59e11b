"""Compare jobs that insert one row into PostgreSQL: ours exactly once, the others by a unique key.

    python benchmarks/records.py                    5 and 20 at once, about 15 minutes
    python benchmarks/records.py --only ours,ours-without,procrastinate --rounds 1

All systems take turns, round by round; the figures are medians over the rounds. They share one
server, which waits for the disk at each commit, and get a new database for each run. The exit code
is 1 when a row is missing or there twice. What is measured, and how: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import report
from contenders import WITH_ROWS, Contender, Home, choose, install
from goals import Goal
from measuring import TRACE, BenchmarkError, Watch, look_at_tree, running
from workers import ROOT, Server, empty_database, of_tests, start_postgres

Figures = dict[str, float]

CASES = {5: "5 at once", 20: "20 at once"}
OURS, WITHOUT, PROCRASTINATE = "ours", "ours-without", "procrastinate"
FASTER, KEPT = 2.0, 0.8  # times procrastinate; of our own speed without records
_WARM_UP = 0.15  # share of the jobs that is not counted
_FEW = 300  # jobs of the run that counts round trips
_LIMIT = 90.0  # seconds before a run is given up
_TABLE = "CREATE TABLE bench_rows (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE)"


class Bench:
    """Runs one system once.

    Args:
        postgres: The database server of all.
        redis: The queue of those that need one.
        folder: For the files of the runs.
        homes: Where each contender is installed.
        seconds: How long the counted part of a run shall last.
    """

    def __init__(
        self, postgres: Any, redis: Server, folder: Path, homes: dict[str, Home], seconds: float
    ) -> None:
        self._postgres = postgres
        self._redis = redis
        self._folder = folder
        self._homes = homes
        self._seconds = seconds
        self._rates: dict[tuple[str, int], float] = {}

    def speed(self, contender: Contender, concurrency: int) -> Figures:
        """Jobs per second, CPU per job of the worker and of the server."""
        rate = self._rates.get((contender.key, concurrency), contender.rate)
        count = math.ceil(rate * self._seconds / (1 - _WARM_UP))
        server = self._postgres.pid

        def measure(watch: Watch) -> Figures:
            begin = watch.until(math.ceil(count * _WARM_UP), limit=_LIMIT)
            before = look_at_tree(server).cpu
            end = watch.until(count, limit=_LIMIT)
            jobs = end.done - begin.done
            return {
                "rate": jobs / (end.at - begin.at),
                "cpu_ms": (end.tree.cpu - begin.tree.cpu) / jobs * 1000,
                "server_ms": (look_at_tree(server).cpu - before) / jobs * 1000,
            }

        figures = self._run(contender, concurrency, count, self._postgres.port, measure)
        self._rates[contender.key, concurrency] = figures["rate"]
        return figures

    def trips(self, contender: Contender, concurrency: int) -> Figures:
        """Round trips to the database per job."""
        with of_tests("counting_line").counting_line(self._postgres.port) as line:

            def measure(watch: Watch) -> Figures:
                begin = watch.until(_FEW // 3, limit=_LIMIT)
                before = line.trips
                end = watch.until(_FEW, limit=_LIMIT)
                return {"trips": (line.trips - before) / (end.done - begin.done)}

            return self._run(contender, concurrency, _FEW, line.port, measure)

    def _run(
        self,
        contender: Contender,
        concurrency: int,
        count: int,
        port: int,
        measure: Callable[[Watch], Figures],
    ) -> Figures:
        self._redis.client.flushall()
        self._make_database()
        home = self._homes[contender.key]
        variables = home.environment | self._environment(concurrency, self._postgres.port)
        self._publish(home, variables, count)
        variables |= self._environment(concurrency, port) | contender.variables(concurrency, 1)
        command = contender.command(home, concurrency, 1)
        with running(command, variables, self._folder, TRACE) as watch:
            figures = measure(watch)
        stored = self._query("SELECT count(*) FROM bench_rows")
        if stored != count:
            sys.exit(f"{contender.title}: {stored} rows of {count} jobs")
        return figures

    def _make_database(self) -> None:
        empty_database(self._postgres)
        self._query(_TABLE)
        self._postgres.execute("CHECKPOINT")

    def _query(self, statement: str) -> Any:
        from psycopg import connect  # noqa: PLC0415 - after the arguments were read

        address = f"host=127.0.0.1 port={self._postgres.port} user=postgres dbname=bench"
        with connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]

    def _publish(self, home: Home, variables: dict[str, str], count: int) -> None:
        done = subprocess.run(
            [*home.publisher, str(count)],
            env=os.environ | variables,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        if done.returncode:
            raise BenchmarkError(f"publishing failed: {done.stderr[-2000:]}")

    def _environment(self, concurrency: int, port: int) -> dict[str, str]:
        place = {"host": "127.0.0.1", "port": port, "user": "postgres", "database": "bench"}
        address = f"postgresql://postgres@127.0.0.1:{port}/bench"
        names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "database"}
        return {
            "REDIS_URL": self._redis.url,
            "WORKER_QUEUE": "bench",
            "WORKER_HEALTH_FILE": str(self._folder / "health"),
            "DATABASE_CONFIG": json.dumps({"instances": {"MAIN": {"dbms": "postgresql"} | place}}),
            "BENCH_DATABASE": address,
            "BENCH_CONCURRENCY": str(concurrency),
            "BENCH_FILE": str(self._folder / "jobs"),
        } | {variable: str(place[name]) for variable, name in names.items()}


def measure_all(bench: Bench, chosen: list[Contender], results: report.Results) -> None:
    """Run everything, a different system first in each round. Trips are counted once."""
    trips: dict[tuple[str, int], Figures] = {}
    for number in range(results.rounds):
        turn = number % len(chosen)
        for concurrency in CASES:
            for each in chosen[turn:] + chosen[:turn]:
                key = each.key, concurrency
                try:
                    if key not in trips:
                        trips[key] = bench.trips(each, concurrency)
                    figures = bench.speed(each, concurrency) | trips[key]
                except BenchmarkError as error:
                    _say(f"{concurrency:3} {each.title:42} no figure: {error}")
                    continue
                results.add(str(concurrency), each.key, figures)
                shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
                _say(f"{concurrency:3} {each.title:42} {shown}")


def markdown(results: report.Results) -> str:
    """The table and the verdicts on the goals."""
    heads = ["one row per job, PostgreSQL"]
    for label in CASES.values():
        heads += [f"jobs/s, {label}", "CPU ms", "server's ms", "round trips"]
    rows = []
    for key, title in results.titles.items():
        row = [f"{title}, {results.versions[key]}"]
        for concurrency in CASES:
            for name, digits in (("rate", 0), ("cpu_ms", 2), ("server_ms", 2), ("trips", 1)):
                value = results.median(str(concurrency), key, name)
                row.append("-" if math.isnan(value) else f"{value:.{digits}f}")
        rows.append(row)
    lines = [goal.line() for goal in goals(results)]
    return "\n".join(
        [
            report.machine(),
            f"Medians of {results.complete} interleaved rounds, {results.seconds:g} s per run.\n",
            report.table(heads, rows),
            *lines,
        ]
    )


def goals(results: report.Results) -> list[Goal]:
    """The goals, judged by these results."""
    found = []
    for concurrency, label in CASES.items():
        rates = {key: results.median(str(concurrency), key, "rate") for key in results.titles}
        ours, nan = rates.get(OURS, math.nan), math.nan
        by = ours / rates.get(PROCRASTINATE, nan)
        found.append(Goal(f"exactly once, {label}, by procrastinate", by, FASTER))
        kept = ours / rates.get(WITHOUT, nan)
        found.append(Goal(f"with the record, {label}, by without", kept, KEPT))
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Install, measure, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="counted part of a run")
    parser.add_argument("--only", help="contenders, comma separated: ours,procrastinate")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/benchmarks")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    chosen = choose(WITH_ROWS, options.only)
    homes = install(chosen, options.cache)
    chosen = [each for each in chosen if each.key in homes]
    results = report.Results(
        titles={each.key: each.title for each in chosen},
        versions={each.key: homes[each.key].version for each in chosen},
        rounds=options.rounds,
        seconds=options.seconds,
    )
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        postgres, redis = start_postgres(Path(name), durable=True), Server(Path(name))
        servers.callback(postgres.remove)
        servers.callback(redis.stop)
        bench = Bench(postgres, redis, Path(name), homes, options.seconds)
        try:
            measure_all(bench, chosen, results)
        finally:
            if results.figures:
                print(markdown(results))


if __name__ == "__main__":
    main()
