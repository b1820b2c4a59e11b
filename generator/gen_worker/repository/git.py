"""Run git."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from gen_worker.errors import RepositoryError
from gen_worker.repository.settings import Trust, environment, settings

_FALLBACK_IDENTITY = ("-c", "user.name=gen-worker", "-c", "user.email=gen-worker@localhost")
_SHOWN_LINES = 15  # of what a hook says
_RUN_HOOKS = frozenset({"commit", "push"})
# These neither read a working tree nor write an index. Every other command may run filters: git
# compares by content, through them, what changed in the second in which an index is written.
_RUN_NO_FILTERS = frozenset(
    {"cat-file", "check-ref-format", "config", "describe", "fetch", "for-each-ref", "init"}
    | {"ls-files", "ls-tree", "merge-base", "remote", "rev-parse", "show-ref", "symbolic-ref"}
    | {"unpack-objects", "update-ref", "var"}
)
_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"


def has_git() -> bool:
    """Return whether git can be run."""
    return shutil.which("git") is not None


def git(
    folder: Path,
    *arguments: str,
    trust: Trust = Trust.NONE,
    data: bytes | None = None,
    variables: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> str:
    """Run one git command and return what it printed, stripped; see `git_bytes`."""
    done = git_bytes(
        folder, *arguments, trust=trust, data=data, variables=variables, seconds=seconds
    )
    return done.strip().decode(errors="surrogateescape")


def git_bytes(  # noqa: PLR0913 - all that may differ between two runs of git
    folder: Path,
    *arguments: str,
    trust: Trust = Trust.NONE,
    data: bytes | None = None,
    variables: Mapping[str, str] | None = None,
    seconds: float | None = None,
    codes: Sequence[int] = (0,),
    known_filters: Sequence[str] | None = None,
) -> bytes:
    """Run one git command.

    Args:
        folder: Where it runs.
        *arguments: The command and its arguments.
        trust: What it may do with the settings it meets.
        data: What it reads from standard input.
        variables: Environment variables to add.
        seconds: The time it may take.
        codes: Exit codes that are no failure.
        known_filters: Those that the settings define; git is asked for them when not given.

    Raises:
        RepositoryError: It failed; the text ends with git's own words. Or git is not installed.
    """
    done = _run(
        folder,
        arguments,
        trust=trust,
        data=data,
        variables=variables or {},
        seconds=seconds,
        known_filters=known_filters,
    )
    if done.returncode not in codes:
        command = next(iter(_without_settings(arguments)), "")
        raise RepositoryError(f"git {command} failed: {_words(command, done)}")
    return done.stdout


def git_says_yes(
    folder: Path,
    *arguments: str,
    trust: Trust = Trust.NONE,
    variables: Mapping[str, str] | None = None,
) -> bool:
    """Run a git command that answers by its exit code; return whether it is 0."""
    return (
        _run(
            folder, arguments, trust=trust, data=None, variables=variables or {}, seconds=None
        ).returncode
        == 0
    )


def git_list(
    folder: Path,
    *arguments: str,
    trust: Trust = Trust.NONE,
    variables: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0,),
    known_filters: Sequence[str] | None = None,
) -> list[str]:
    """Run a git command that prints names with NUL between them (`-z`) and return the names."""
    found = git_bytes(
        folder,
        *arguments,
        trust=trust,
        variables=variables,
        codes=codes,
        known_filters=known_filters,
    )
    return [name for name in found.decode(errors="surrogateescape").split("\0") if name]


def _words(command: str, done: subprocess.CompletedProcess[bytes]) -> str:
    """Quote git: its first line, its advice about ownership, or the last lines of a hook."""
    said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    if not said:
        return f"exit code {done.returncode}"
    if command in _RUN_HOOKS and len(said) > 1:
        return "\n".join(["", *said[-_SHOWN_LINES:]])
    if any("safe.directory" in line for line in said):
        return "\n".join(said)
    return said[0]


def unmerged(folder: Path) -> dict[str, set[int]]:
    """Return the conflicts of an index: by path the stages 1 (base), 2 (owner), 3 (template)."""
    found: dict[str, set[int]] = {}
    for entry in git_list(folder, "ls-files", "--unmerged", "-z"):
        meta, _, path = entry.partition("\t")
        found.setdefault(path, set()).add(int(meta.split()[2]))
    return found


def tree(folder: Path, revision: str) -> dict[str, str]:
    """Return the files of a commit: by path the hash of the content."""
    found = {}
    for entry in git_list(folder, "ls-tree", "-r", "-z", revision):
        meta, _, path = entry.partition("\t")
        found[path] = meta.split()[2]
    return found


def identity(folder: Path) -> tuple[str, ...]:
    """Return options that name a committer; empty if git knows one."""
    return () if _has_identity(folder) else _FALLBACK_IDENTITY


def _has_identity(folder: Path) -> bool:
    """Return whether git knows who commits; a fresh machine does not."""
    try:
        git(folder, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        git(folder, "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
    except RepositoryError:
        return False
    return True


def _run(  # noqa: PLR0913 - likewise
    folder: Path,
    arguments: Sequence[str],
    *,
    trust: Trust,
    data: bytes | None,
    variables: Mapping[str, str],
    seconds: float | None,
    known_filters: Sequence[str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    command = next(iter(_without_settings(arguments)), "")
    options = settings(trust)
    if trust is Trust.NONE and command not in _RUN_NO_FILTERS:
        found = filters(folder, variables) if known_filters is None else known_filters
        options += chain.from_iterable(map(_off, found))
    return _start(folder, [*options, *arguments], environment(trust, variables), data, seconds)


def filters(folder: Path, variables: Mapping[str, str], also: str = "") -> list[str]:
    """Name every setting of a filter that a repository's settings define.

    Args:
        folder: Where git looks for the repository.
        variables: Environment variables to add.
        also: What else to name: the rest of a regular expression.
    """
    words = ["config", "--null", "--name-only", "--get-regexp", _FILTERS + also]
    found = _start(folder, words, environment(Trust.NONE, variables), None, None)
    return sorted({name for name in found.stdout.decode(errors="replace").split("\0") if name})


def _off(name: str) -> tuple[str, str]:
    """Return the options that switch a filter off."""
    return "-c", f"{name}={'false' if name.endswith('.required') else ''}"


def _start(
    folder: Path,
    words: Sequence[str],
    variables: Mapping[str, str],
    data: bytes | None,
    seconds: float | None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git; at the end of its time, end it with the programs that it started."""
    try:
        with subprocess.Popen(  # noqa: S603 - fixed program, arguments are never shell text
            ["git", *words],  # noqa: S607 - the user's own git is the one to use
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=seconds is not None,
        ) as process:
            try:
                output, errors = process.communicate(data or b"", timeout=seconds)
            except subprocess.TimeoutExpired as error:
                os.killpg(process.pid, signal.SIGKILL)
                raise RepositoryError(f"no answer within {seconds:g} seconds") from error
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, output, errors)
    except FileNotFoundError as error:
        if has_git():  # then it is the folder that is missing
            raise
        raise RepositoryError("git is not installed, or not in the PATH") from error


def _without_settings(arguments: Sequence[str]) -> list[str]:
    """Leave out options before the command's name."""
    words = list(arguments)
    while words and words[0].startswith("-"):
        del words[: 2 if words[0] == "-c" else 1]
    return words
