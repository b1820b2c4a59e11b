"""Node and the packages that clients in TypeScript are tried with, installed once."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rendering import PROJECT

PACKAGES = {
    "@nestjs/common": "12.5.1",
    "@nestjs/core": "12.5.1",
    "@nestjs/platform-express": "12.5.1",
    "@types/node": "20.19.25",
    "ioredis": "6.0.0",
    "mysql2": "3.24.6",
    "pg": "8.23.1",
    "redis": "6.3.1",
    "reflect-metadata": "0.2.2",
    "rxjs": "7.8.2",
    "typescript": "7.0.2",
}
# As strict as TypeScript can be, and with nothing that another compiler could not strip.
STRICT = {
    "target": "es2022",
    "module": "nodenext",
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "noPropertyAccessFromIndexSignature": True,
    "noImplicitOverride": True,
    "noImplicitReturns": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "verbatimModuleSyntax": True,
    "skipLibCheck": True,  # the types of packages are not ours to check
    "types": ["node"],
}


def node_modules() -> Path:
    """Return the folder of the installed packages; a test cannot pass without node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail("node and npm are missing: clients in TypeScript cannot be tried")
    manifest = json.dumps({"private": True, "type": "module", "dependencies": PACKAGES})
    digest = hashlib.sha256(manifest.encode()).hexdigest()[:16]
    folder = PROJECT / "build" / "node" / digest
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "ready").exists():
        return folder / "node_modules"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first test to come installs, the others wait
        if not (folder / "ready").exists():
            (folder / "package.json").write_text(manifest)
            command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=240)
            (folder / "ready").touch()
    return folder / "node_modules"


def install_meanwhile() -> None:
    """Install the packages in a process beside the tests; those that need them wait for it."""
    if shutil.which("npm") is not None:
        nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        command = [sys.executable, __file__]
        os.posix_spawn(sys.executable, command, os.environ, file_actions=nowhere)


def make_project(folder: Path, **options: object) -> None:
    """Make a folder one that TypeScript is compiled in: into the same folder, strictly."""
    (folder / "node_modules").symlink_to(node_modules())
    (folder / "package.json").write_text('{"type": "module"}')
    settings = {"compilerOptions": STRICT | options}
    (folder / "tsconfig.json").write_text(json.dumps(settings))


def compile_project(folder: Path) -> str:
    """Compile a folder, and return what the compiler says."""
    compiler = node_modules() / ".bin" / "tsc"
    found = subprocess.run([compiler, "-p", folder], capture_output=True, text=True, check=False)
    return found.stdout


def run_node(folder: Path, script: str, *arguments: str) -> str:
    """Run a script, and return what it prints."""
    found = subprocess.run(
        ["node", script, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


if __name__ == "__main__":
    node_modules()
