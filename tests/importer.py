"""Import every module of one worker after another, each worker in a process of its own.

The script below loads the libraries once and forks for each worker: loading them takes most of the
time that an import takes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Self

from kit_worker import kit_worker

_SCRIPT = """
import importlib, json, os, pkgutil, sys, traceback

def import_all(folder):
    sys.path.insert(0, os.path.join(folder, "src"))
    package = importlib.import_module("worker_payment")
    for found in pkgutil.walk_packages(package.__path__, "worker_payment.", onerror=fail):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            importlib.import_module(found.name)

def fail(name):
    raise

def attempt(folder, output):
    try:
        import_all(folder)
    except BaseException:
        os.write(output, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)

import_all(sys.argv[1])
sys.path.pop(0)
for name in [name for name in sys.modules if name.partition(".")[0] == "worker_payment"]:
    del sys.modules[name]
for line in sys.stdin:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        attempt(json.loads(line), writing)
    os.close(writing)
    with open(reading) as opened:
        said = opened.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps(said or (f"exit code {code}" if code else "")), flush=True)
"""


class Importer:
    """The process that forks; a context manager."""

    def __enter__(self) -> Self:
        """Load the libraries of a worker with every module."""
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _SCRIPT, str(kit_worker())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.communicate()

    def problem(self, worker: Path) -> str:
        """Import every module of a worker, with warnings as errors.

        Args:
            worker: Its folder.

        Returns:
            The traceback of the failure; nothing if there is none.
        """
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write(f"{json.dumps(str(worker))}\n")
        asked.flush()
        return str(json.loads(answered.readline()))
