"""Write a rendered repository all at once, or not at all."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar

from gen_worker.errors import InterruptedRunError, TargetError
from gen_worker.template.render import File

_Result = TypeVar("_Result")


def check_target(target: Path) -> None:
    """Refuse a target that could not be written or would lose something.

    Args:
        target: The folder to make.

    Raises:
        TargetError: The parent is no folder, or something is there already.
    """
    if not target.parent.is_dir():
        raise TargetError(f"There is no folder {target.parent}.")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise TargetError(f"{target} exists and is not a folder; nothing was touched.")
    if target.is_dir() and any(target.iterdir()):
        raise TargetError(f"{target} exists and is not empty; nothing was touched.")


def write(files: Sequence[File], target: Path, finish: Callable[[Path], _Result]) -> _Result:
    """Write a repository beside its place, then move it there in one step.

    Args:
        files: What to write.
        target: The folder to make; missing or empty.
        finish: Completes the written folder (git) while it is still hidden.

    Returns:
        What `finish` returned.

    Raises:
        TargetError: The target was filled meanwhile.
        InterruptedRunError: A signal stopped the run.
        OSError: The disk refused; nothing is left behind.
    """
    hidden = target.parent / f".{target.name}-{os.urandom(4).hex()}"
    with _stopped_by_signals():
        try:
            hidden.mkdir()
            for file in files:
                _write_file(file, hidden)
            result = finish(hidden)
            _set_handlers(signal.SIG_IGN)  # from here on it is done, not half done
            _move(hidden, target)
        except BaseException:
            _set_handlers(signal.SIG_IGN)  # an impatient second Ctrl-C must not stop the cleaning
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        return result


def _move(hidden: Path, target: Path) -> None:
    """Put the folder in its place; the system refuses if somebody filled the place meanwhile."""
    try:
        hidden.rename(target)
    except OSError as error:
        check_target(target)
        raise TargetError(f"{target} could not be put in place: {error.strerror}.") from error


def _write_file(file: File, root: Path) -> None:
    path = root / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o777 if file.executable else 0o666  # the umask takes its share
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(file.content)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _set_handlers(handler: signal.Handlers) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn the signals that end a program into an exception, so that cleaning up happens."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise InterruptedRunError

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
