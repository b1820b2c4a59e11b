"""`health` as a container asks for it, every few seconds: with the standard library alone.

The settings' own code costs half a second of processor time to import, in every replica.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .health import DEFAULT_NAME, read_all


def probe(*, ready: bool) -> int:
    """Print what the heartbeat says.

    Args:
        ready: Also fail while Redis is away.

    Returns:
        The exit code: 0 alive, 1 not, 2 alive but not ready.
    """
    found = read_all(_Names.read())
    sys.stdout.write(f"{found.detail}\n")
    if not found.alive:
        return 1
    return 2 if ready and not found.ready else 0


@dataclass(frozen=True, slots=True)
class _Names:
    """The three settings that count here, under the settings' names."""

    health_name: str
    worker_health_file: str | None
    worker_processes: int

    @classmethod
    def read(cls) -> _Names:
        name = _variable("WORKER_NAME") or DEFAULT_NAME
        processes = _variable("WORKER_PROCESSES")
        return cls(
            re.sub(r"[^A-Za-z0-9_.-]+", "-", name),
            _variable("WORKER_HEALTH_FILE"),
            int(processes) if processes and processes.isdecimal() else 1,
        )


def _variable(name: str) -> str | None:
    """A variable as the settings read it: from the environment, else from `.env`."""
    value = _find(name, os.environ.items())
    if value is None and Path(".env").is_file():
        from dotenv import dotenv_values  # noqa: PLC0415 - a container has no such file

        value = _find(name, dotenv_values(".env").items())
    return value


def _find(name: str, variables: Iterable[tuple[str, str | None]]) -> str | None:
    return next((value for key, value in variables if key.upper() == name and value), None)
