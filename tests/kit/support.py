"""What tests share beside fixtures: where the worker is, and a folder to run it in."""

from __future__ import annotations

import os
from pathlib import Path

from kit_worker import kit_worker

from worker_payment.kit.testing import RedisServer, eventually, free_port

__all__ = [
    "NOBODY",
    "PACKAGE",
    "PYTHONPATH",
    "ROOT",
    "RedisServer",
    "eventually",
    "free_port",
    "prepare",
]

NOBODY = 1  # a port that nobody listens on; a free one may be another test's server a moment later

PACKAGE = "worker_payment"
ROOT = kit_worker()
# Where programs under test find the worker, and the jobs that these tests bring.
_HERE = Path(__file__).parent
PYTHONPATH = os.pathsep.join(map(str, (ROOT / "src", _HERE, _HERE / "engine")))


def prepare(folder: Path) -> None:
    """Make a folder fit for a worker process: every integration finds its variables."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    # Without a database configured, a SQLite file in the folder serves.
    lines = [line for line in lines if not line.startswith("DATABASE_CONFIG=")]
    (folder / ".env").write_text("\n".join(lines) + "\n")
    if (ROOT / "templates").exists() and not (folder / "templates").exists():
        (folder / "templates").symlink_to(ROOT / "templates")
    if (ROOT / "src" / PACKAGE / "kit/integrations/fcm").exists():
        from worker_payment.kit.integrations.fcm.testing import prepare as write_account

        write_account(folder)
