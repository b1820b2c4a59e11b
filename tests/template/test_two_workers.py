"""An API server that installs two worker packages publishes to both, cheaply."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendering import render
from variants import EVERY_MODULE

_PUBLISH = """
import json, sys
from rq.registry import StartedJobRegistry
from rq.timeouts import UnixSignalDeathPenalty
from worker_orders.processors.example import HelloPayload, hello
from worker_mails.processors.notification import SendPayload, send

first = hello.enqueue(HelloPayload(name="Ann"))
second = send.enqueue(SendPayload(text="welcome", email="ann@example.com"))
print(json.dumps({
    "queued": [first.queued, second.queued],
    "patched": StartedJobRegistry.death_penalty_class is not UnixSignalDeathPenalty,
    "modules": sorted(sys.modules),
}))
"""
# What only a worker needs: its loop, its composition, its command line and the vendors' libraries.
_WORKERS_OWN = ("kit.engine.run", "kit.engine.worker", "kit.process", "kit.cli", "worker", "kit.testing")
_VENDORS = {"boto3", "firebase_admin", "httpx", "sqlalchemy", "typer", "aiosmtpd"}


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A server for the test."""
    from worker_payment.kit.testing import RedisServer

    server = RedisServer(tmp_path).start()
    yield server.url
    server.stop()


def test_it_needs_redis_url_alone_and_loads_no_worker(tmp_path: Path, redis_url: str) -> None:
    """No vendor's secret, no worker's code, nothing of RQ patched; each to its own queue."""
    workers = [
        render(tmp_path, "orders", preset="blank"),
        render(tmp_path, "mails", **EVERY_MODULE | {"preset": "notification"}),
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(path / "src") for path in workers),
        "REDIS_URL": redis_url,
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PUBLISH],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["queued"] == [True, True]
    assert not found["patched"]
    loaded = set(found["modules"])
    own = {f"{package}.{name}" for package in ("worker_orders", "worker_mails") for name in _WORKERS_OWN}
    assert loaded & (own | _VENDORS) == set()
    from redis import Redis

    with Redis.from_url(redis_url, decode_responses=True) as client:
        assert client.llen("rq:queue:orders") == 1
        assert client.llen("rq:queue:mails") == 1
