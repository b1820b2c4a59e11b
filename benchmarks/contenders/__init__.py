"""The systems that are compared, a file each. A new file is added to the list below."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from contenders import (
    arq,
    bullmq,
    bullmq_python,
    celery,
    clients,
    dramatiq,
    huey,
    oban,
    ours,
    pgqueuer,
    procrastinate,
    rq,
    saq,
    streaq,
    taskiq,
)
from contenders.base import Contender, Home

__all__ = ["CONTENDERS", "WITH_ROWS", "Contender", "Home", "choose", "install"]

_ON_REDIS = (
    ours,
    clients,
    dramatiq,
    bullmq,
    bullmq_python,
    celery,
    taskiq,
    arq,
    streaq,
    saq,
    huey,
    rq,
)
_MODULES = (*_ON_REDIS, procrastinate)

_ROW_MODULES = (ours, dramatiq, celery, procrastinate, pgqueuer, oban)

CONTENDERS: list[Contender] = [contender for module in _MODULES for contender in module.CONTENDERS]
WITH_ROWS: list[Contender] = [each for module in _ROW_MODULES for each in module.WITH_ROWS]


def choose(contenders: list[Contender], only: str | None) -> list[Contender]:
    """Those of a comma separated list of keys, or all of them."""
    if only is None:
        return contenders
    wanted = set(only.split(","))
    unknown = wanted - {each.key for each in contenders}
    if unknown:
        known = ", ".join(each.key for each in contenders)
        sys.exit(f"unknown contender: {', '.join(sorted(unknown))}; there are {known}")
    return [each for each in contenders if each.key in wanted]


def install(contenders: list[Contender], cache: Path) -> dict[str, Home]:
    """Install each system once. Those that this machine cannot run are left out."""
    cache.mkdir(parents=True, exist_ok=True)
    done: dict[Callable[[Path], Home | None], Home | None] = {}
    homes: dict[str, Home] = {}
    for contender in contenders:
        if contender.install not in done:
            print(f"installing {contender.title} ...", file=sys.stderr, flush=True)
            done[contender.install] = contender.install(cache)
        home = done[contender.install]
        if home is not None:
            homes[contender.key] = home
        else:
            print(f"{contender.title} cannot run here and is left out", file=sys.stderr)
    return homes
