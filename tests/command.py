"""Run the gen-worker command, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from gen_worker.cli.app import command_line
from typer.main import get_command
from typer.testing import CliRunner

# Made once: typer makes it anew for every call, which costs more than many a command.
_COMMAND = get_command(command_line())

# What a process runs; the template is an argument of main, not a public flag.
PROGRAM = (
    "import sys; from pathlib import Path; from gen_worker.__main__ import main; "
    "template = sys.argv.pop(1); main(Path(template) if template else None)"
)


@dataclass(frozen=True)
class Outcome:
    """How a run in this process ended."""

    exit_code: int
    stdout: str
    stderr: str


def invoke(*arguments: str, template: Path | None = None) -> Outcome:
    """Run the command in this process, without a terminal.

    Args:
        *arguments: The command line.
        template: The template to use instead of the project's.

    Returns:
        How it ended.
    """
    with CliRunner().isolation() as (output, errors, _):
        with pytest.raises(SystemExit) as ended:
            _COMMAND.main(list(arguments), prog_name="gen-worker", obj=template)
        sys.stdout.flush()
        sys.stderr.flush()
        shown = [stream.getvalue().decode() for stream in (output, errors)]
    code = ended.value.code
    assert isinstance(code, int)
    return Outcome(code, *shown)


def command(*arguments: str, template: Path | None = None, before: str = "") -> list[str]:
    """Build the command line of a separate process.

    Args:
        *arguments: The command line after the program's name.
        template: The template to use instead of the project's.
        before: Python that runs first.

    Returns:
        The arguments for subprocess.
    """
    return [sys.executable, "-c", f"{before}\n{PROGRAM}", str(template or ""), *arguments]


def limiting(size: int) -> str:
    """Write a program's first lines: the system refuses to let a file grow beyond some bytes.

    Python keeps nothing that it compiles meanwhile: it would not notice that a file was cut off.
    """
    return (
        "import resource, sys; sys.dont_write_bytecode = True; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    )


def run(
    *arguments: str,
    cwd: Path,
    template: Path | None = None,
    before: str = "",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, without a terminal.

    Args:
        *arguments: The command line.
        cwd: Where it runs.
        template: The template to use instead of the project's.
        before: Python that runs first, to set limits.
        environment: Variables to add.

    Returns:
        The finished process, with text output.
    """
    return subprocess.run(
        command(*arguments, template=template, before=before),
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it printed.

    Args:
        folder: Where it runs.
        *arguments: The git command.

    Returns:
        Its output, stripped.
    """
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit_all(folder: Path, tag: str) -> None:
    """Commit everything in a folder and tag it; the first time makes the repository.

    Args:
        folder: The folder.
        tag: The tag, also the message.
    """
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", tag)
    git(folder, "tag", tag)


def contents(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Read a folder whole, for comparing it with another.

    Args:
        folder: The folder; its .git is left out.

    Returns:
        Content and executable bit of every file by path.
    """
    found: dict[str, tuple[bytes, bool]] = {}
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if path.is_dir() or relative.parts[0] == ".git":
            continue
        executable = bool(path.stat().st_mode & 0o111)
        found[str(relative)] = (path.read_bytes(), executable)
    return found
