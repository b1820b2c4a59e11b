"""`health` as a container asks for it, every few seconds: with little of the standard library.

The settings' own code takes six times as long to import, in every replica; dataclasses alone add
a quarter.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from ..answers import PACKAGE
from ..config.dotenv import SettingsError, read_variables
from .exit_codes import ExitCode
from .health import read_all


def probe(*, ready: bool) -> int:
    """Print what the heartbeat says.

    Args:
        ready: Also fail while Redis is away.

    Returns:
        The exit code: 0 alive, 1 not, 2 alive but not ready.
    """
    try:
        found = read_all(_Names.read())
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return ExitCode.FAILED
    sys.stdout.write(f"{found.detail}\n")
    if not found.alive:
        return ExitCode.FAILED
    return ExitCode.NOT_READY if ready and not found.ready else ExitCode.OK


class _Names(NamedTuple):
    """The three settings that count here, under the settings' names."""

    health_name: str
    worker_health_file: str | None
    worker_processes: int

    @classmethod
    def read(cls) -> _Names:
        found = read_variables()
        processes = found.get("worker_processes", "")
        return cls(
            re.sub(r"[^A-Za-z0-9_.-]+", "-", found.get("worker_name", PACKAGE)),
            found.get("worker_health_file"),
            int(processes) if processes.isdecimal() else 1,
        )
