"""BullMQ, where node and npm are there: one node process. It logs nothing by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from contenders.base import APPS, Contender, Home

_APP = str(APPS / "bench_bullmq.cjs")


def _install(cache: Path) -> Home | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    folder = cache / "bullmq"
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / "node_modules/bullmq/package.json"
    if not package.exists():
        options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([npm, "install", *options, "bullmq", "ioredis"], check=True)
    version = json.loads(package.read_text(encoding="utf-8"))["version"]
    variables = {"NODE_PATH": str(folder / "node_modules")}
    return Home(Path(node).parent, [node, _APP], version, variables)


CONTENDERS = [
    Contender(
        key="bullmq",
        title="BullMQ",
        install=_install,
        command=lambda home, concurrency, _: [*home.publisher, "worker", str(concurrency)],
        rate=6000,
        bulk=True,
        delays=True,
        quick=True,
    )
]
