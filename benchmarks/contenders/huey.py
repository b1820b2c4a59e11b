"""huey: threads in one process. As shipped it logs two lines per job."""

from __future__ import annotations

from contenders.base import Contender, Home, installer

_install = installer("huey", "bench_huey.py", "huey>=3,<4", "redis>=5")


def _command(home: Home, concurrency: int, *options: str) -> list[str]:
    size = ("-w", str(concurrency))
    return [str(home.programs / "huey_consumer"), "bench_huey.huey", *size, *options]


CONTENDERS = [
    Contender(
        key="huey",
        title="huey, no log lines",
        install=_install,
        command=lambda home, concurrency, _: _command(home, concurrency, "--quiet"),
        rate=1500,
    ),
    Contender(
        key="huey-logging",
        title="huey, as shipped",
        install=_install,
        command=lambda home, concurrency, _: _command(home, concurrency),
        rate=1200,
        side=True,
    ),
]
