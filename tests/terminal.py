"""A program at a real pseudo-terminal: read its screen, type at it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

DOWN = "\x1b[B"
ENTER = "\r"
SPACE = " "
CTRL_C = "\x03"
CTRL_D = "\x04"

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """Runs one program with a terminal as its input and output."""

    def __init__(self, arguments: Sequence[str], cwd: Path) -> None:
        """Start the program.

        Args:
            arguments: The command line.
            cwd: Where it runs.
        """
        self._master, slave = pty.openpty()
        # The terminal answers no questions about its cursor, so they must not be asked.
        environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self._process = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.screen = ""
        self._seen = 0

    def __enter__(self) -> Self:
        """Use it in a with block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the program, whatever happened."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def expect(self, text: str, seconds: float = 20) -> None:
        """Wait until a text appears after what was last expected.

        Args:
            text: The text.
            seconds: How long to wait.

        Raises:
            AssertionError: It did not appear.
        """
        deadline = time.monotonic() + seconds
        while text not in self.screen[self._seen :]:
            alive = self._read(deadline - time.monotonic())
            shown = text in self.screen[self._seen :]
            assert alive or shown, f"{text!r} did not appear; the screen:\n{self.screen}"
        self._seen = self.screen.index(text, self._seen) + len(text)

    def type(self, keys: str) -> None:
        """Press keys.

        Args:
            keys: Characters or escape codes.
        """
        os.write(self._master, keys.encode())

    def finish(self, seconds: float = 20) -> int:
        """Wait for the end.

        Args:
            seconds: How long to wait.

        Returns:
            The exit code.
        """
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(timeout=seconds)

    def _read(self, seconds: float) -> bool:
        """Read once; False when the time is over or the program has closed its terminal."""
        if seconds <= 0 or not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            return False
        self.screen += _CODES.sub("", chunk.decode(errors="replace"))
        return bool(chunk)
