"""The generated clients, which publish to the worker of the comparison from other programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from contenders.base import APPS, Contender, Home, python_home
from contenders.ours import install as install_worker

_COMPILER = {"module": "nodenext", "target": "es2022", "types": ["node"], "strict": True}


def _client(cache: Path, language: str) -> tuple[Path, str]:
    """Write the client of the comparison's worker; return its folder and the worker's version."""
    worker, folder = install_worker(cache), cache / f"client-{language}"
    folder.mkdir(exist_ok=True)
    payloads = folder / "payloads.json"
    schema = [str(worker.programs / "worker-blank"), "schema", "--write", str(payloads)]
    variables = os.environ | worker.environment
    subprocess.run(schema, check=True, env=variables, stdout=subprocess.DEVNULL)
    client = [sys.executable, "-m", "gen_worker", "client", str(payloads), language]
    subprocess.run([*client, "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder, worker.version


def _install_python(cache: Path) -> Home:
    folder, version = _client(cache, "python")
    home = python_home(cache, "redis", "bench_client.py", ["redis[hiredis]>=6"])
    home.environment["PYTHONPATH"] += f":{folder}"
    return replace(home, version=version)


def _install_typescript(cache: Path) -> Home | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    folder, version = _client(cache, "typescript")
    (folder / "package.json").write_text('{"type": "module"}')
    options = ["--no-audit", "--no-fund", "--loglevel=error"]
    packages = ["ioredis@6", "typescript@5", "@types/node@20"]
    subprocess.run([npm, "install", *options, *packages], check=True, cwd=folder)
    shutil.copy(APPS / "bench_client.mts", folder / "bench-client.ts")
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": _COMPILER}))
    subprocess.run([str(folder / "node_modules/.bin/tsc"), "-p", "."], check=True, cwd=folder)
    return Home(Path(node).parent, [node, str(folder / "bench-client.js")], version)


def _no_worker(_home: Home, _concurrency: int, _processes: int) -> list[str]:
    raise NotImplementedError


CONTENDERS = [
    Contender(
        key=f"client{language}",
        title=f"gen-worker, client in {title}",
        install=install,
        command=_no_worker,
        rate=4000,
        publishes=True,
        bulk=True,
    )
    for language, title, install in (
        ("python", "Python", _install_python),
        ("typescript", "TypeScript", _install_typescript),
    )
]
