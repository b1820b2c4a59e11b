"""Write a rendered repository all at once, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from gen_worker.errors import TargetError
from gen_worker.repository.signals import raising_signals, uninterrupted
from gen_worker.template.render import File

_Result = TypeVar("_Result")


def check_target(target: Path) -> None:
    """Refuse a target that cannot be written or that would lose something.

    Raises:
        TargetError: A parent is no folder, or the target exists and is not an empty folder.
    """
    if missing := _missing_parents(target):
        if os.path.lexists(missing[0]):
            raise TargetError(f"{missing[0]} is not a folder.")
        return
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise TargetError(f"{target} exists and is not a folder; nothing was changed.")
    if target.is_dir() and any(target.iterdir()):
        raise TargetError(f"{target} exists and is not empty; nothing was changed.")


def write(files: Sequence[File], target: Path, finish: Callable[[Path], _Result]) -> _Result:
    """Write a repository beside its place, then move it there in one step.

    Args:
        files: What to write.
        target: The folder to make; missing or empty. Missing parents are made too.
        finish: Completes the written folder (git) while it is still hidden.

    Raises:
        TargetError: The target was filled meanwhile.
        InterruptedRunError: A signal stopped the run.
        OSError: The disk refused; nothing is left behind.
    """
    hidden = target.parent / f".{target.name}-{os.urandom(4).hex()}"
    made = _missing_parents(target)
    with raising_signals():
        try:
            for parent in made:
                parent.mkdir(exist_ok=True)
            hidden.mkdir()
            _write_files(files, hidden)
            result = finish(hidden)
            with uninterrupted():  # from here on it is done, not half done
                _move(hidden, target)
        except BaseException:
            with uninterrupted():  # an impatient second Ctrl-C must not stop the cleaning
                shutil.rmtree(hidden, ignore_errors=True)
                _remove_if_empty(made)
            raise
        return result


def _missing_parents(target: Path) -> list[Path]:
    """List the folders that have to be made first, the outermost first."""
    return [parent for parent in reversed(target.parents) if not parent.is_dir()]


def _remove_if_empty(folders: Sequence[Path]) -> None:
    for folder in reversed(folders):
        try:
            folder.rmdir()
        except OSError:  # somebody else uses it by now, or it was never made
            return


def _move(hidden: Path, target: Path) -> None:
    """Put the folder in its place; the system refuses if somebody filled the place meanwhile."""
    try:
        hidden.rename(target)
    except OSError as error:
        check_target(target)
        raise TargetError(f"{target} could not be put in place: {error.strerror}.") from error


def _write_files(files: Sequence[File], root: Path) -> None:
    made = {str(root)}
    for file in files:
        path = f"{root}/{file.path}"
        folder = path.rpartition("/")[0]
        if folder not in made:
            made.add(folder)
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - many files: plain texts are faster
        mode = 0o777 if file.executable else 0o666  # less what the umask takes
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(file.content)
