"""Find worker repositories, and work on several at the same time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gen_worker.errors import NotAWorkerError
from gen_worker.repository.answers_file import is_worker

_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})
_DEPTH = 6  # folders below a path; deeper lie dependencies, not projects
_Result = TypeVar("_Result")


@dataclass
class Found:
    """The result of a search.

    Attributes:
        workers: The folders of the workers, sorted, each once.
        named: Those of them that a path named; the others were found below a path.
        passed_over: Folders that were not searched, each with the reason.
    """

    workers: list[Path] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)
    passed_over: dict[Path, str] = field(default_factory=dict)


def find_workers(paths: Sequence[Path]) -> Found:
    """Find the workers at and below some paths; workers inside of workers count too.

    Raises:
        NotAWorkerError: A path does not exist, or there is no worker at all.
    """
    found = Found()
    links: dict[Path, Path] = {}
    workers: set[Path] = set()
    for path in paths:
        if not path.is_dir():
            raise NotAWorkerError(f"There is no folder {path}.")
        if is_worker(path):
            found.named.add(path.resolve())
        workers |= set(_walk(path.resolve(), _DEPTH, found.passed_over, links))
    found.workers = sorted(workers)
    for link, target in links.items():
        if target not in workers:
            found.passed_over[link] = f"a symbolic link to the worker {target}"
    if not workers:
        passed = "".join(f"\n  {path}: {why}" for path, why in found.passed_over.items())
        places = ", ".join(map(str, paths))
        hint = f" Not searched:{passed}" if passed else ""
        raise NotAWorkerError(f"There is no worker repository at or below {places}.{hint}")
    return found


def _walk(
    folder: Path, depth: int, passed_over: dict[Path, str], links: dict[Path, Path]
) -> Iterator[Path]:
    if is_worker(folder):
        yield folder
    if depth == 0:
        return
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        passed_over[folder] = error.strerror or "it cannot be read"
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), depth - 1, passed_over, links)
        elif entry.is_symlink() and is_worker(Path(entry.path)):
            links[Path(entry.path)] = Path(entry.path).resolve()


def in_parallel(
    work: Callable[[Path], _Result], folders: Iterable[Path], jobs: int
) -> Iterator[tuple[Path, _Result]]:
    """Do the same with many folders and show the progress on a terminal.

    Args:
        work: What to do with one; it must not raise.
        folders: All of them.
        jobs: How many at the same time.

    Yields:
        Each folder with its result, in the order in which they end.
    """
    waiting = list(folders)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        running = {pool.submit(work, folder): folder for folder in waiting}
        try:
            for number, future in enumerate(as_completed(running), 1):
                _progress(f"{number}/{len(waiting)} {running[future].name}")
                yield running[future], future.result()
        finally:
            _progress("")
            for future in running:
                future.cancel()


def default_jobs() -> int:
    """Return how many repositories to work on at once; git waits for the disk most of the time."""
    return min(8, 2 * (os.cpu_count() or 1))


def _progress(text: str) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        shown = text if text.isprintable() else "..."
        sys.stderr.write(f"\r\x1b[K{shown}")
        sys.stderr.flush()
