"""Run the same code for one folder after another, each time in a process of its own.

One process loads the libraries and forks for every folder: loading them takes most of the time.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

_SCRIPT = """
import json, os, sys, traceback

{once}

def attempt(folder):
{each}

for line in sys.stdin:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(writing)  # else what it starts could hold the pipe open
        code = 1
        try:
            code = attempt(json.loads(line)) or 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    os.close(writing)
    with open(reading) as opened:
        said = opened.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps(said.strip() or f"exit code {{code}}" if code else ""), flush=True)
"""


class Forks:
    """The process that forks; a context manager."""

    def __init__(self, python: Sequence[str], once: str, each: str) -> None:
        """Prepare.

        Args:
            python: The interpreter and its options.
            once: Code that loads the libraries.
            each: Body of a function that gets the `folder` and may return an exit code.
        """
        body = "\n".join(f"    {line}" for line in each.strip().splitlines())
        self._command = [*python, "-c", _SCRIPT.format(once=once, each=body)]

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.communicate()

    def problem(self, folder: Path) -> str:
        """Run the code for a folder.

        Args:
            folder: Which one.

        Returns:
            What a failure has printed, or its exit code; nothing if there is none.
        """
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write(f"{json.dumps(str(folder))}\n")
        asked.flush()
        return str(json.loads(answered.readline()))
