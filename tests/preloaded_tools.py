"""Programs for a folder of the path that start with the libraries loaded.

Each is a small script that hands its arguments, environment, folder and files over to the test
process, which starts the program in its place. Signals go on to the program, and its exit code
comes back.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from preloaded import PreloadedProgram, run_preloaded

_PATIENCE = 30.0  # seconds that programs may take to end with the session

_SCRIPT = """\
#!{python} -IS
import json, os, signal, socket, sys

passed_on = {{signal.SIGINT, signal.SIGTERM}}
arguments = [*{arguments!r}, *sys.argv[1:]]
if arguments[0].startswith("-") and arguments[0] not in ("-c", "-m"):
    os.execv({python!r}, [{python!r}, *arguments])
environment = {{**os.environ, **{variables!r}}}
asked = {{"arguments": arguments, "cwd": os.getcwd(), "env": environment}}
signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
with socket.socket(socket.AF_UNIX) as served:
    served.connect({address!r})
    socket.send_fds(served, [json.dumps(asked).encode() + b"\\n"], [0, 1, 2])
    program = int(served.recv(16))
    for number in passed_on:
        signal.signal(number, lambda number, _: os.kill(program, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
    code = int(served.recv(16))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def run_module(
    module: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a tool of a worker's Makefile to its end.

    Args:
        module: The tool's module and its arguments.
        folder: Where.
        environment: All environment variables.

    Returns:
        What it printed, and its exit code.
    """
    if module[0] != "ruff":
        return run_preloaded(["-m", *module], cwd=folder, env=environment)
    return subprocess.run(  # ruff is no Python program; its module would only look for it
        [Path(sys.executable).parent / "ruff", *module[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


class PreloadedTools:
    """Starts what the scripts ask for; a program ends at the latest with its script."""

    def __init__(self, address: Path) -> None:
        """Listen.

        Args:
            address: Where: a path of at most 100 bytes.
        """
        self._address = str(address)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self._address)
        self._server.listen(16)
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def write(self, path: Path, *arguments: str, **variables: str) -> None:
        """Write a script.

        Args:
            path: The file.
            arguments: Those of Python; the script's own follow.
            variables: More of the program's environment.
        """
        script = _SCRIPT.format(
            python=sys.executable, arguments=arguments, variables=variables, address=self._address
        )
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)

    def close(self) -> None:
        """Listen no more, and wait until every program has ended.

        Raises:
            AssertionError: One goes on: its test did not end it.
        """
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        end = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
            assert not thread.is_alive(), "a program that a test started goes on"

    def _serve(self) -> None:
        while True:
            try:
                script, _ = self._server.accept()
            except OSError:  # closed
                return
            thread = threading.Thread(target=_run, args=(script,), daemon=True)
            self._threads.append(thread)
            thread.start()


def _run(script: socket.socket) -> None:
    """Run a program for its script."""
    with script:
        text, files, *_ = socket.recv_fds(script, 1 << 20, 3)
        while not text.endswith(b"\n"):
            text += script.recv(1 << 20)
        asked = json.loads(text)
        arguments = asked.pop("arguments")
        stdin, stdout, stderr = files
        program = PreloadedProgram(arguments, stdin=stdin, stdout=stdout, stderr=stderr, **asked)
        for file in files:
            os.close(file)
        script.send(str(program.pid).encode())
        if script.fileno() in select.select([program.fileno(), script.fileno()], [], [])[0]:
            program.kill()  # its script was killed
        try:
            script.send(str(program.wait()).encode())
        except BrokenPipeError:
            return
