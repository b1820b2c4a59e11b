"""RQ's own workers, which run one job at a time: SimpleWorker, and the one that forks."""

from __future__ import annotations

from contenders.base import Contender, Home, installer

_install = installer("rq", "bench_rq.py", "rq>=3.0,<3.1", "redis[hiredis]>=8,<9")


def _command(home: Home, kind: str, *options: str) -> list[str]:
    return [str(home.programs / "rq"), "worker", "--worker-class", kind, *options, "bench"]


CONTENDERS = [
    Contender(
        key="rq-simple",
        title="RQ SimpleWorker, no log lines",
        install=_install,
        command=lambda home, *_: _command(home, "rq.SimpleWorker", "--quiet"),
        rate=230,
        serial=True,
        bulk=True,
    ),
    Contender(
        key="rq-simple-logging",
        title="RQ SimpleWorker, as shipped",
        install=_install,
        command=lambda home, *_: _command(home, "rq.SimpleWorker"),
        rate=220,
        serial=True,
        side=True,
    ),
    Contender(
        key="rq-fork",
        title="RQ Worker (forks), no log lines",
        install=_install,
        command=lambda home, *_: _command(home, "rq.Worker", "--quiet"),
        rate=60,
        serial=True,
    ),
]
