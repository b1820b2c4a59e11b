"""Import every module of a worker, with warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path

from forks import Forks
from kit_worker import kit_worker, lend_compiled

_ONCE = """
import importlib, pkgutil

def import_all(folder):
    sys.path.insert(0, os.path.join(folder, "src"))
    package = importlib.import_module("worker_payment")
    for found in pkgutil.walk_packages(package.__path__, "worker_payment.", onerror=fail):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            importlib.import_module(found.name)

def fail(name):
    raise

import_all({worker!r})
sys.path.pop(0)
for name in [name for name in sys.modules if name.partition(".")[0] == "worker_payment"]:
    del sys.modules[name]
"""


class Importer(Forks):
    """A process that has loaded the libraries of a worker with every module."""

    def __init__(self) -> None:
        """Prepare."""
        once = _ONCE.format(worker=str(kit_worker()))
        super().__init__([sys.executable, "-W", "error"], once, "import_all(folder)")

    def problem(self, folder: Path) -> str:
        """Import every module of a worker; return what went wrong."""
        lend_compiled(folder)
        return super().problem(folder)
