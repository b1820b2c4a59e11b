"""The worker's own heartbeat: a small file, written by the main loop, read by `health`.

It needs no port and no Redis, and speaks of this process alone.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

STALE = 15.0  # seconds without a beat after which a worker counts as stuck
BLOCKED = 60.0  # seconds after its timeout at which a job that still runs blocks its slot
_INTERVAL = 2.0  # seconds between two writings


class Named(Protocol):
    """What of the settings says where the heartbeat lies. `probe` has no others."""

    @property
    def health_name(self) -> str: ...
    @property
    def worker_health_file(self) -> str | None: ...
    @property
    def worker_processes(self) -> int: ...


class Outages(Protocol):
    """What of the breakers counts here."""

    def away(self) -> str:
        """Describe what is away; empty when nothing is."""
        ...

    def ready(self) -> bool:
        """Whether everything is there that every job needs."""
        ...


def health_file(settings: Named, index: int | None = None) -> Path:
    """Where the heartbeat lies: `WORKER_HEALTH_FILE`, else in the temporary folder.

    Args:
        settings: The settings.
        index: Which process, where one supervisor runs several (`WORKER_PROCESSES`).
    """
    name = settings.worker_health_file or str(
        Path(tempfile.gettempdir()) / f"{settings.health_name}.{os.getuid()}.health"
    )
    return Path(name if index is None else f"{name}.{index}")


def read_all(settings: Named) -> Health:
    """Judge the worker: all of its processes must be well."""
    if settings.worker_processes == 1:
        return read_health(health_file(settings))
    found = [read_health(health_file(settings, n)) for n in range(settings.worker_processes)]
    return min(found, key=lambda health: (health.alive, health.ready, not health.away))


class Heartbeat:
    """Writes the file, at most every other second.

    Args:
        path: The file.
        slots: How many jobs the worker runs at once.
        blocked: Says how many slots are blocked: their job is past its timeout for more than
            `BLOCKED` seconds and does not end.
        outages: Says what is away; None when nothing can be.
    """

    def __init__(
        self,
        path: Path,
        slots: int = 1,
        blocked: Callable[[], int] = lambda: 0,
        outages: Outages | None = None,
    ) -> None:
        self._path = path
        self._slots = slots
        self._blocked = blocked
        self._outages = outages
        self._next = 0.0
        self._last_state: bool | None = None

    def beat(self, redis: bool) -> None:
        """Say that the main loop turns.

        Args:
            redis: Whether Redis answered the last trip.
        """
        now = time.monotonic()
        if now < self._next and redis == self._last_state:
            return
        self._next, self._last_state = now + _INTERVAL, redis
        beat: dict[str, object] = {"pid": os.getpid(), "at": time.time(), "redis": redis}
        beat |= {"slots": self._slots, "blocked": self._blocked()}
        if self._outages is not None:
            beat |= {"away": self._outages.away(), "ready": self._outages.ready()}
        try:
            # A fresh name each time: a link that somebody planted is replaced, not followed.
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".health-")
            with os.fdopen(handle, "w") as file:
                json.dump(beat, file)
            Path(name).replace(self._path)
        except OSError:
            self._next = now + _INTERVAL  # a full disk must not stop jobs; `health` will tell

    def remove(self) -> None:
        """Take the file away; the worker has stopped. Another worker's file stays."""
        try:
            if json.loads(self._path.read_text())["pid"] == os.getpid():
                self._path.unlink(missing_ok=True)
        except (OSError, ValueError, KeyError):
            pass  # not written yet, or not ours


class Health(NamedTuple):
    """What `health` found.

    Args:
        alive: The process runs, its main loop turns, and some slot can do work.
        ready: It is alive and reaches Redis and what else every job needs. A vendor is no such
            thing: other jobs go on, and a rollout must not wait for it.
        detail: A sentence for people.
        away: It is about something that is away.
    """

    alive: bool
    ready: bool
    detail: str
    away: bool = False


def read_health(path: Path) -> Health:
    """Judge a worker by its heartbeat."""
    try:
        beat = json.loads(path.read_text())
        pid, at, redis = int(beat["pid"]), float(beat["at"]), bool(beat["redis"])
        slots, blocked = int(beat["slots"]), int(beat["blocked"])
        away, ready = str(beat.get("away", "")), bool(beat.get("ready", True))
    except FileNotFoundError:
        return Health(False, False, f"no worker has written {path}")
    except (OSError, ValueError, KeyError, TypeError):
        return Health(False, False, f"{path} cannot be read")
    if not _runs(pid):
        return Health(False, False, f"the worker (process {pid}) has ended without signing off")
    age = time.time() - at
    if age > STALE:
        return Health(False, False, f"the worker (process {pid}) is stuck: no beat for {age:.0f} s")
    stuck = f"{blocked} of {slots} slots held by jobs that do not end at their timeout"
    if blocked >= slots:
        return Health(False, False, f"the worker (process {pid}) can do no work: {stuck}")
    note = f"; {stuck}" if blocked else ""
    if not redis:
        return Health(True, False, f"the worker (process {pid}) is alive, but Redis is away{note}")
    if away:
        said = f"the worker (process {pid}) is alive, but {away}{note}"
        return Health(True, ready, said, away=True)
    detail = f"the worker (process {pid}) is alive, last beat {age:.0f} s ago{note}"
    return Health(True, True, detail)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
