"""A reader who follows a page on a machine that has gen-worker and a Redis server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from console import Step, pattern
from kit_worker import lend_compiled
from preloaded_tools import PreloadedTools
from type_cache import type_cache

PATIENCE = 15.0  # seconds until what is awaited in a log must have come


class Reader:
    """Does what a page says, step by step, in a shell that keeps its folder and variables."""

    def __init__(self, folder: Path, environment: dict[str, str], tools: PreloadedTools) -> None:
        """Begin in an empty folder.

        Args:
            folder: Where to work.
            environment: All environment variables.
            tools: Starts the programs of each worker's environment.
        """
        self.folder = folder
        self._tools = tools
        self._state = folder.parent / "shell-state"
        self._log = folder.parent / "background.log"
        # The reader's own `make` must not know of the one that runs the tests.
        known = ("MAKE", "ARGS")
        self._environment = {k: v for k, v in environment.items() if not k.startswith(known)}
        self._background: subprocess.Popen[bytes] | None = None
        self._state.write_text(f"cd '{folder}'\n")

    def set(self, variable: str, value: str) -> None:
        """Set an environment variable of the shell."""
        self._environment[variable] = value

    def follow(self, step: Step) -> None:
        """Do one step.

        Raises:
            AssertionError: It went otherwise than the page says.
        """
        if step.kind == "file":
            path = self._where() / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif step.kind == "log":
            self._await(step)
        elif step.kind == "background":
            self._start(step)
        else:
            self._run(step)

    def leave(self) -> None:
        """Stop what runs in the background, as Ctrl-C does."""
        running, self._background = self._background, None
        if running is None:
            return
        os.killpg(running.pid, signal.SIGINT)
        try:
            running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise

    def _where(self) -> Path:
        script = f". '{self._state}'; pwd"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        return Path(done.stdout.strip())

    def _run(self, step: Step) -> None:
        self._equip()
        keep = f"{{ export -p; printf 'cd %q\\n' \"$PWD\"; }} > '{self._state}'"
        script = f". '{self._state}'\n{step.text}\ncode=$?\n{keep}\nexit $code\n"
        done = subprocess.run(
            ["bash", "-c", script],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {step.text}\n{done.stdout}"
        if step.expected is not None:
            matches = pattern(step.expected).fullmatch(done.stdout.rstrip() + "\n")
            assert matches, f"$ {step.text}\nprinted\n{done.stdout}\nnot\n{step.expected}"

    def _start(self, step: Step) -> None:
        self.leave()
        self._equip()
        with self._log.open("wb") as log:
            self._background = subprocess.Popen(
                ["bash", "-c", f". '{self._state}'\nexec {step.text}"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if step.expected is not None:
            self._await(step)

    def _await(self, step: Step) -> None:
        wanted = pattern(step.expected or "")
        end = time.monotonic() + PATIENCE
        while not wanted.search(said := self._log.read_text(encoding="utf-8")):
            assert time.monotonic() < end, f"the log holds\n{said}\nnot\n{step.expected}"
            time.sleep(0.05)

    def _equip(self) -> None:
        """Give each new worker the environment of the tests instead of setting up its own."""
        for settings in self.folder.glob("**/worker-*/pyproject.toml"):
            bin_folder = settings.parent / ".venv" / "bin"
            if not bin_folder.exists():
                lend_compiled(settings.parent)
                bin_folder.mkdir(parents=True)
                name = re.sub("-", "_", settings.parent.name)
                source = {"PYTHONPATH": str(settings.parent / "src")}
                self._tools.write(bin_folder / "python", **source)
                self._tools.write(bin_folder / "pytest", "-m", "pytest", **source)
                # Types of libraries that another worker's `make type` has read are not read again.
                known = {"MYPY_CACHE_DIR": str(type_cache())}
                self._tools.write(bin_folder / "mypy", "-m", "mypy", **source, **known)
                self._tools.write(bin_folder / settings.parent.name, "-m", name, **source)
                (bin_folder / "ruff").symlink_to(Path(sys.executable).parent / "ruff")
            (settings.parent / ".venv" / ".ready").touch()
