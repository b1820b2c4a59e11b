"""Compare the worker that gen-worker makes with the other job queues, in one run.

    python benchmarks/peers.py              all cases, about 40 minutes
    python benchmarks/peers.py --quick      a look, about 3 minutes
    python benchmarks/peers.py --page docs/explanation/speed.md     renew the table on that page

All systems take turns, so that whatever else the machine does hits all alike; the figures are
medians over the rounds. The tables are printed and written, with all figures and a plot, to the
folder `--output`. What is measured, and how: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cases
import report
from contenders import CONTENDERS, Contender, choose, install
from measuring import BenchmarkError
from workers import ROOT, Server, start_postgres

_KINDS = ("throughput", "distance", "latency", "lateness", "waiting", "scaling", "publishing")


def main() -> None:
    """Install, measure, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer cases, one short round")
    parser.add_argument("--rounds", type=int, help="rounds (3; 1 when quick)")
    parser.add_argument("--seconds", type=float, help="counted part of a run (3; 1.2 when quick)")
    parser.add_argument("--only", help="contenders, comma separated: ours,dramatiq,bullmq")
    parser.add_argument("--cases", help=f"kinds of cases, comma separated: {','.join(_KINDS)}")
    parser.add_argument("--output", type=Path, default=ROOT / ".cache/benchmarks/results")
    parser.add_argument("--page", type=Path, help="write a short table into this document, too")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/benchmarks")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up

    chosen = choose(CONTENDERS, options.only)
    homes = install(chosen, options.cache)
    chosen = [contender for contender in chosen if contender.key in homes]
    results = report.Results(
        titles={each.key: each.title for each in chosen},
        versions={each.key: homes[each.key].version for each in chosen},
        rounds=options.rounds or (1 if options.quick else 3),
        seconds=options.seconds or (1.2 if options.quick else 3.0),
    )
    with tempfile.TemporaryDirectory() as name:
        servers = ExitStack()
        try:
            server = Server(Path(name))
            servers.callback(server.stop)
            postgres = None
            if any(each.database for each in chosen):
                # The server of Redis keeps nothing on the disk; neither waits for it.
                postgres = start_postgres(Path(name), durable=False)
                servers.callback(postgres.remove)
            bench = cases.Bench(server, Path(name), results.seconds, homes, postgres)
            kinds = set(options.cases.split(",")) if options.cases else None
            _Plan(bench, chosen, results, quick=options.quick, kinds=kinds).run()
        finally:
            servers.close()
            if results.figures:
                print(report.write(results, options.output))
                if options.page:
                    report.write_into(results, options.page)


class _Plan:
    """The order of the runs: round by round, case by case, every system in turn.

    Args:
        bench: Runs a case.
        contenders: Who takes part.
        results: Where the figures go.
        quick: Fewer cases.
        kinds: The kinds of cases to run; None for all.
    """

    def __init__(
        self,
        bench: cases.Bench,
        contenders: list[Contender],
        results: report.Results,
        *,
        quick: bool,
        kinds: set[str] | None,
    ) -> None:
        self._bench = bench
        self._contenders = contenders
        self._workers = [each for each in contenders if not each.publishes]
        self._results = results
        self._quick = quick
        self._kinds = kinds
        self._turn = 0

    def run(self) -> None:
        """Run everything."""
        for number in range(self._results.rounds):
            self._say(f"round {number + 1} of {self._results.rounds}")
            self._throughput()
            self._latency()
            self._lateness()
            self._waiting()
            self._scaling()
            self._publishing()

    def _throughput(self) -> None:
        near = cases.THROUGHPUT if self._wants("throughput") else []
        far = cases.DISTANT if self._wants("distance") and not self._quick else []
        for case in [*near, *far]:
            for each in self._in_turn():
                if case.concurrency > each.most or (each.side and (case.sleep or case.distance)):
                    continue
                if self._quick and not each.quick and (each.side or case is not cases.NOOP_5):
                    continue
                self._try(case.key, each, lambda e=each, c=case: self._bench.throughput(e, c))  # type: ignore[misc]

    def _latency(self) -> None:
        if not self._wants("latency"):
            return
        count = 60 if self._quick else 200
        for each in self._in_turn():
            if not each.side and not (self._quick and not each.quick):
                self._try("latency", each, lambda e=each: self._bench.latency(e, count))  # type: ignore[misc]

    def _lateness(self) -> None:
        if not self._wants("lateness") or self._quick:
            return
        for case, parked in cases.PARKED.items():
            for each in self._in_turn():
                if each.delays and (each.bulk or not parked):
                    self._try(case, each, lambda e=each, n=parked: self._bench.lateness(e, 200, n))  # type: ignore[misc]

        for each in self._in_turn():
            if each.again:
                self._try("retries", each, lambda e=each: self._bench.retries(e, 200))  # type: ignore[misc]
                self._try("schedules", each, lambda e=each: self._bench.schedules(e))  # type: ignore[misc]

    def _waiting(self) -> None:
        if not self._wants("waiting") or self._quick:
            return
        for case, count in cases.WAITING.items():
            for each in self._in_turn():
                if each.stats(self._bench.homes[each.key]):
                    self._try(case, each, lambda e=each, n=count: self._bench.waiting(e, n))  # type: ignore[misc]

    def _scaling(self) -> None:
        if not self._wants("scaling"):
            return
        for count in cases.SCALING[: 2 if self._quick else None]:
            for each in self._in_turn():
                if each.scales and not (self._quick and not each.quick):
                    self._try(
                        f"scaling-{count}",
                        each,
                        lambda e=each, n=count: self._bench.scaling(e, n),  # type: ignore[misc]
                    )

    def _publishing(self) -> None:
        if not self._wants("publishing"):
            return
        publishers: dict[str, Contender] = {}
        for each in self._contenders:  # variants of one system publish alike
            publishers.setdefault(each.key.partition("-")[0], each)
        for bulk in (False, True):
            key = "publish-bulk" if bulk else "publish-single"
            for each in self._in_turn(list(publishers.values())):
                if bulk and not each.bulk:
                    continue
                self._try(key, each, lambda e=each, b=bulk: self._bench.publishing(e, bulk=b))  # type: ignore[misc]

    def _wants(self, kind: str) -> bool:
        return self._kinds is None or kind in self._kinds

    def _in_turn(self, contenders: list[Contender] | None = None) -> list[Contender]:
        """All who have a worker, or these, a different one first each time."""
        chosen = contenders or self._workers
        self._turn += 1
        first = self._turn % max(len(chosen), 1)
        return chosen[first:] + chosen[:first]

    def _try(self, case: str, contender: Contender, run: Callable[[], cases.Figures]) -> None:
        start = time.monotonic()
        try:
            figures = run()
        except BenchmarkError as error:
            self._say(f"{case:14} {contender.title:36} no figure: {error}")
            return
        self._results.add(case, contender.key, figures)
        shown = "  ".join(
            f"{key} {value:.4g}" for key, value in figures.items() if key not in {"jobs", "seconds"}
        )
        self._say(f"{case:14} {contender.title:36} {shown}  [{time.monotonic() - start:.1f} s]")

    @staticmethod
    def _say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
