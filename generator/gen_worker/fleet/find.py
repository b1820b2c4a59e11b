"""Find many worker repositories, and do something with each at the same time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

from gen_worker.errors import NotAWorkerError
from gen_worker.repository.answers_file import is_worker

_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})
_DEPTH = 6  # folders below a path; deeper lie dependencies, not projects
_Result = TypeVar("_Result")


def find_workers(paths: Sequence[Path]) -> list[Path]:
    """Find the worker repositories at and below some paths.

    Args:
        paths: Where to look.

    Returns:
        Their folders, sorted, each once.

    Raises:
        NotAWorkerError: A path does not exist, or there is none at all.
    """
    for path in paths:
        if not path.is_dir():
            raise NotAWorkerError(f"There is no folder {path}.")
    found = sorted({worker.resolve() for path in paths for worker in _walk(path, _DEPTH)})
    if not found:
        places = ", ".join(map(str, paths))
        raise NotAWorkerError(f"There is no worker repository at or below {places}.")
    return found


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    if is_worker(folder):
        yield folder
        return
    if depth == 0:
        return
    try:
        entries = list(os.scandir(folder))
    except OSError:  # a folder that this user may not read
        return
    for entry in entries:
        hidden = entry.name.startswith(".") or entry.name in _SKIPPED
        if not hidden and entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), depth - 1)


def in_parallel(
    work: Callable[[Path], _Result], folders: Iterable[Path], jobs: int
) -> Iterator[tuple[Path, _Result]]:
    """Do the same with many folders and show how far it is on a terminal.

    Args:
        work: What to do with one; it must not raise.
        folders: All of them.
        jobs: How many at the same time.

    Yields:
        Each folder with its result, in the order they end.
    """
    waiting = list(folders)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        running = {pool.submit(work, folder): folder for folder in waiting}
        try:
            for number, future in enumerate(as_completed(running), 1):
                _progress(number, len(waiting), running[future].name)
                yield running[future], future.result()
        finally:
            _progress_end()
            for future in running:
                future.cancel()


def default_jobs() -> int:
    """Say how many repositories to work on at once: git waits for the disk most of the time."""
    return min(8, 2 * (os.cpu_count() or 1))


def _progress(number: int, total: int, name: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{number}/{total} {name}")
        sys.stderr.flush()


def _progress_end() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
