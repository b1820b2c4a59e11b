"""Copier as it is used without gen-worker, but for the time it takes.

It compiles every part of a path anew for each file below it, which is half of what it does; here
each text is compiled once. And it asks git for every file whether the repository minds executable
bits, which each repository of the tests does.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from jinja2 import Environment, Template


def copier(*arguments: str, cwd: Path) -> None:
    """Run Copier's command in a process of its own, answer nothing, and demand success.

    Args:
        *arguments: The subcommand and its arguments.
        cwd: Where.
    """
    done = subprocess.run(
        [sys.executable, __file__, *arguments, "--defaults", "--quiet"],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def each_text_compiled_once() -> Iterator[None]:
    """Let Jinja, as Copier calls it, keep what it compiled."""
    compile_text = Environment.from_string
    kept: dict[tuple[Environment, str], Template] = {}

    def from_string(environment: Environment, source: str) -> Template:
        if (environment, source) not in kept:
            kept[environment, source] = compile_text(environment, source)
        return kept[environment, source]

    with patch.object(Environment, "from_string", from_string):
        yield


if __name__ == "__main__":
    from copier._main import Worker

    asking = patch.object(Worker, "_sync_git_index_executable_bit", lambda *_: None)
    with each_text_compiled_once(), asking:
        runpy.run_module("copier", run_name="__main__")
